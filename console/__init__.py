"""The operations console: one headless core, a terminal UI and a command line in front of it."""
