"""Keeping the database small, fast and whole, by the hour: one file a step."""
