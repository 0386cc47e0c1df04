"""Hostile bytes for what reads webhooks: parsers, signature checks, and what they hand on to queue and store."""
