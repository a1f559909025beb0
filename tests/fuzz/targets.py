"""All of them. Each room is a module, and its name is the first word of theirs; those of `parsers` have any."""

from __future__ import annotations

from importlib import import_module

from .target import Target

PARSERS = "parsers"
ROOMS = ("database", "takeover", "view", "configured", "shown", "health", "state", "sent", "cells")


def of(room: str) -> list[Target]:
    found: list[Target] = import_module(f".{room}", __package__).TARGETS
    return found


def find(name: str) -> Target:
    """The target of that name. Imports its room alone, since a hunt pays for each module that it imports. Raises
    StopIteration where there is none."""
    first = name.partition(".")[0]
    return next(target for target in of(first if first in ROOMS else PARSERS) if target.name == name)


def every() -> list[Target]:
    return [target for room in (PARSERS, *ROOMS) for target in of(room)]
