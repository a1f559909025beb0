"""Packages that only some settings need."""

from __future__ import annotations

from ..distribution import make_importable


def is_installed(module: str) -> bool:
    """Whether the jobs could import `module`, which is not imported now."""
    from importlib.util import find_spec

    make_importable()
    return find_spec(module) is not None
