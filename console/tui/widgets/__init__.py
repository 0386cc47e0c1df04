"""Widgets: they draw values and post messages; no source, no verb."""
