"""Tests on real servers; fakes only stand in for a screen's sources and for Meta's side of the Graph API."""
