"""Everything that one page is made of, read from the database in one short connection."""

from __future__ import annotations

from .. import clock
from ..errors import Problem
from ..health import facts, judge
from ..health.verdict import OK
from ..store import events, figures, latest, sessions
from ..store.instant import Instant
from ..store.settings import section, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Any

    from ..clock import Moment
    from ..store.database import Store
    from ..store.events import Happened
    from ..store.latest import Reading
    from ..store.sessions import Stored
    from .plots import Plots

# As many as a person reads.
SESSIONS = 6
EVENTS = 30
EVENTS_MS = 6 * 3_600_000


class View:
    """`now`; `report`: the document of /health; `device`: what the box is called, "" while nobody has said.

    readings: the last values of the metrics that are collected as they should be. reasons: metric -> why it has none.
    began_ms: of when the oldest thing is that is kept, None for nothing. sessions, newest first. happened: the events
    of the last EVENTS_MS, newest first. plots: as HTML."""

    __slots__ = (
        "_components",
        "_readings",
        "_reasons",
        "began_ms",
        "device",
        "happened",
        "now",
        "plots",
        "report",
        "sessions",
    )

    def __init__(self, now: Moment, report: dict[str, Any]) -> None:
        self.now = now
        self.report = report
        self.device = ""
        self.began_ms: int | None = None
        self.sessions: list[Stored] = []
        self.happened: list[Happened] = []
        self.plots: list[str] = []
        self._components: dict[str, dict[str, Any]] = report["components"]
        self._readings: list[Reading] = []
        self._reasons: dict[str, str] = {}

    @property
    def live(self) -> Stored | None:
        """The session that is live, where one is and that is known."""
        newest = self.sessions[0] if self.sessions else None
        return newest if newest is not None and newest.end_ms is None and self.one("stream.live") == 1 else None

    def all(self, name: str) -> list[Reading]:
        """The readings of a series, by their tags in the order they were collected."""
        return [reading for reading in self._readings if reading.name == name]

    def one(self, name: str, **tags: str) -> float | None:
        """The number of a series with at least these tags."""
        wanted = tags.items()
        for reading in self.all(name):
            if wanted <= reading.tags.items() and not isinstance(reading.value, str):
                return reading.value
        return None

    def first(self, *names: str) -> tuple[str, float] | None:
        """The first of these series that has a number, and the number."""
        found = [(name, value) for name in names if (value := self.one(name)) is not None]
        return found[0] if found else None

    def is_collected(self, metric: str) -> bool:
        """Whether it has a timer."""
        return f"collector.{metric}" in self._components

    def why_not(self, metric: str) -> str:
        """Why a metric has no values now."""
        component = self._components.get(f"collector.{metric}")
        if component is None:
            return self._reasons.get(metric) or "not collected"
        said = str(component["message"]).replace("no data: ", "", 1).replace("the last run failed: ", "", 1)
        return "no value yet" if said.startswith("collected every") else said

    def take(self, connection: Connection, plots: Plots) -> None:
        """What the report does not have."""
        device = section(connection, "device")
        self.device = str(shown(device, "name", "") or shown(device, "id", ""))
        # Old numbers would look like those of now.
        self._readings = [
            reading
            for reading in latest.readings(connection, self.now)
            if self._components.get(f"collector.{reading.metric}", {}).get("status") == OK
        ]
        for metric in ("stream.session", "stream.links", "srt.relay", "srt.packet_loss", "stream.health", *BOX_METRICS):
            if f"collector.{metric}" not in self._components:
                self._reasons[metric] = str(shown(section(connection, f"metrics/{metric}"), "reason", ""))
        self.sessions = sessions.latest(connection, SESSIONS)
        until_ms = self.now.wall_ms + 1
        self.happened = events.between(connection, until_ms - EVENTS_MS, until_ms, EVENTS)[::-1]
        self.plots = plots.html(connection, self)


BOX_METRICS = ("cpu.temperature", "cpu.usage", "memory.usage", "disk.usage")


def read(store: Store, plots: Plots) -> View:
    """The view of this moment. Without a database that can be read it has the report of that, and nothing else."""
    now = clock.now()
    try:
        found = facts.read(store)
        view = View(now, judge.report(found, now))
        view.began_ms = found.first_ms
        with Instant(store) as connection:
            view.take(connection, plots)
    except Problem as failed:
        sizes = figures.sizes_at(store.path)
        return View(now, judge.report_without_database(failed, sizes, now))
    return view
