"""The terminal UI: screens and widgets that only draw what the poller reads."""
