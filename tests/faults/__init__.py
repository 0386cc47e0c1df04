"""Kills under load: what was acknowledged is stored exactly once."""
