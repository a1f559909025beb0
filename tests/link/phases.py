"""The script: what is done to the link, the server or the uploader, in which order and for how long."""

from __future__ import annotations

from typing import NamedTuple

# Minutes; in less nothing would be seen of most phases.
SHORT = 3


class Phase(NamedTuple):
    """`kind` is what is done, a method of lab.Lab. Seconds in the form of 30 minutes, and in that of three."""

    kind: str
    title: str
    long_s: int
    short_s: int

    def seconds(self, minutes: int) -> int:
        return self.short_s if minutes <= SHORT else round(self.long_s * minutes / 30)


HEALTHY = "healthy"
SCRIPT = (
    Phase(HEALTHY, "healthy", 120, 8),
    Phase("outage", "outage", 180, 12),
    Phase("mended", "back", 90, 6),
    Phase("lossy", "50 % loss", 180, 15),
    Phase("mended", "back", 90, 6),
    Phase("slow", "2 kbit/s", 180, 12),
    Phase("mended", "back", 90, 6),
    Phase("expired", "token expired", 120, 10),
    Phase("renewed", "new token", 250, 5),
    Phase("stopped", "server stopped", 60, 10),
    Phase("started", "started again", 60, 8),
    Phase("cutting", "answers cut", 80, 12),
    Phase("killing", "kill -9 at random", 100, 12),
    Phase("stepping", "kill -9 at each call", 140, 15),
    Phase(HEALTHY, "healthy", 60, 6),
)
# In these it is done again and again; in the others once, and then there is time to pass.
LASTING = ("cutting", "killing", "stepping")
# Where units are expected to fail: the token is wrong, the uploader is killed.
FAILING = ("expired", "renewed", "killing", "stepping")
