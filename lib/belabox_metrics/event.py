"""Something that happened at one moment, where a sample is something that was measured."""

from __future__ import annotations

CRITICAL = 0
HIGH = 1
LOWEST = 3


class Event:
    """What a collection found to have happened.

    name: what, as in `link_down`; few different ones, each is a series.
    wall_ms: when, Unix time; one from the future is taken as now.
    tags: which link, which device: few different values of these too.
    priority: 0 is sent at once, 1 within seconds.
    text: for a person, stays on the box."""

    __slots__ = ("name", "priority", "tags", "text", "wall_ms")

    def __init__(
        self, name: str, wall_ms: int, tags: dict[str, str] | None = None, priority: int = HIGH, text: str = ""
    ) -> None:
        self.name = name
        self.wall_ms = wall_ms
        self.tags = {} if tags is None else tags
        self.priority = min(max(priority, CRITICAL), LOWEST)
        self.text = text

    def __repr__(self) -> str:
        return f"Event({self.name!r}, {self.wall_ms!r}, {self.tags!r}, {self.priority!r}, {self.text!r})"
