"""A flight recorder for IRL streaming boxes."""

__version__ = "0.1.0"
