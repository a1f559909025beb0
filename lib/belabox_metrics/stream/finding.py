"""What one line of a log tells."""

from __future__ import annotations

from ..event import CRITICAL, HIGH

__all__ = ["CRITICAL", "HIGH", "Finding"]


class Finding:
    """name, tags, priority, text: as of an Event. `address`: of the link it is about, "" for none. `over`: names of
    findings that are over with it: the next one like them is a new event. `single`: each is an event of its own,
    where others go on for as long as they are repeated. `formerly`: what its interface was called until now, "" for
    one that has its name still.

    The text is made here, of parts that are known to be harmless: a line of belaUI may have a stream id in it."""

    __slots__ = ("address", "formerly", "name", "over", "priority", "single", "tags", "text")

    def __init__(
        self,
        name: str,
        text: str,
        priority: int = HIGH,
        tags: dict[str, str] | None = None,
        address: str = "",
        over: tuple[str, ...] = (),
        single: bool = False,
        formerly: str = "",
    ) -> None:
        self.name = name
        self.text = text
        self.priority = priority
        self.tags = {} if tags is None else tags
        self.address = address
        self.over = over
        self.single = single
        self.formerly = formerly
