"""Metrics of a person's own: a program of theirs that prints values, collected like those that come with this."""
