"""Snapshots to lines and rows. Pure: no toolkit, no clock."""
