"""What became of the samples of each hour, in numbers."""

from __future__ import annotations

COUNTS = ("stored", "sent", "on_server", "missing", "twice", "different", "waiting", "set_aside")


class Hour:
    """Counts of samples (texts are none):

    stored: on the box. sent: what the server has accepted; waiting: not yet; set_aside: what no server takes.
    on_server: all that the server has of the hour. Of what was sent: missing: it has nothing at that time; twice: more
    than once; different: another value.
    """

    __slots__ = ("begin_ms", "beyond", *COUNTS)

    def __init__(self, begin_ms: int) -> None:
        self.begin_ms = begin_ms
        # Perhaps older than what the server keeps.
        self.beyond = False
        self.stored = self.sent = self.on_server = self.missing = 0
        self.twice = self.different = self.waiting = self.set_aside = 0

    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in COUNTS}


def total(hours: list[Hour]) -> dict[str, int]:
    return {name: sum(getattr(hour, name) for hour in hours) for name in COUNTS}
