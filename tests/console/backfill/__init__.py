"""Backfills on a real queue and store, against the Graph stand-in over HTTP."""
