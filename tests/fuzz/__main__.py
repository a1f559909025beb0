"""Prints the names of the targets."""

from __future__ import annotations

from .targets import every

if __name__ == "__main__":
    print("\n".join(target.name for target in every()))
