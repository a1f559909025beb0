"""Prints the names of the parsers."""

from __future__ import annotations

from .parsers import PARSERS

if __name__ == "__main__":
    print("\n".join(parser.name for parser in PARSERS))
