"""Tests of the queue against a real server."""
