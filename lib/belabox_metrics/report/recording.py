"""All that is known of one session, read once: its series, its events, its course."""

from __future__ import annotations

from ..store import course, events, history
from ..store.sessions import Stored
from ..store.tags import tags_of
from ..stream.session import COMPLETED
from .series import Series

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..store.course import Course
    from ..store.events import Happened

# What is plotted, judged or given for download.
NAMES = (
    "audio.capture_overrun",
    "cpu.temperature",
    "cpu.usage_percent",
    "disk.available_bytes",
    "disk.usage_percent",
    "encoder.bitrate_limit_kbps",
    "encoder.frame_rate_fps",
    "encoder.frames_dropped_percent",
    "encoder.output_bitrate_kbps",
    "encoder.output_frame_rate_fps",
    "hdmi.present",
    "hdmi.signal",
    "io.pressure_full_percent",
    "memory.available_bytes",
    "memory.pressure_full_percent",
    "modem.connected",
    "modem.info",
    "modem.rsrp_dbm",
    "modem.rsrq_db",
    "modem.signal_quality_percent",
    "modem.snr_db",
    "srt.bitrate_kbps",
    "srt.connected",
    "srt.drop_percent",
    "srt.link_rtt_ms",
    "srt.packet_loss_percent",
    "srt.retransmit_percent",
    "srt.rtt_ms",
    "stream.bitrate_kbps",
    "stream.health_score",
    "stream.link_bitrate_kbps",
    "stream.link_naks_total",
    "stream.link_rtt_ms",
    "stream.links",
    "stream.links_active",
    "stream.reconnects_total",
    "stream.reliability_percent",
    "thermal.throttle_percent",
    "thermal.throttled",
    "uploader.metrics_uploaded_total",
)
# Of a longer session the last so many hours.
LONGEST_MS = 48 * 3_600_000
# What was before may tell why, and the last lines of a crash are told by the next boot.
MARGIN_MS = 120_000
# Points of a series that are looked at one by one. 12 hours at an interval of 5 s are 8640.
MOST_POINTS = 8640
# And of all together: at some 400 bytes each they are what this takes of memory, and who answers HTTP has 100 MB.
MOST_IN_ALL = 150_000
STEPS_MS = (0, 10_000, 30_000, 60_000, 120_000, 300_000)
SHORTEST_MS = 5_000
MOST_EVENTS = 2_000
MOST_SERIES = 200
# A stream needs this long until its numbers are those of a stream: bitrates rise, and a rate is of the time before too.
SETTLING_MS = 10_000
# A stop that is asked for takes the connection down before the programs end.
STOPPING_MS = 60_000


class Recording:
    """since_ms, until_ms: the session, or its last LONGEST_MS (`is_cut`), up to now while it is live. steady_ms: the
    time within, when numbers are those of a stream that nobody starts or stops. All Unix time."""

    __slots__ = (
        "_series",
        "course",
        "events",
        "is_cut",
        "is_live",
        "session",
        "since_ms",
        "steady_ms",
        "step_ms",
        "until_ms",
    )

    def __init__(
        self,
        session: Stored,
        now_ms: int,
        series: list[Series],
        happened: list[Happened],
        runs: Course,
        step_ms: int = 0,
    ) -> None:
        self.session = session
        self.is_live = session.end_ms is None
        self.since_ms, self.until_ms = _span(session, now_ms)
        self.is_cut = self.since_ms > session.start_ms
        self.course = runs
        self.events = happened
        self.step_ms = step_ms
        self._series: dict[str, list[Series]] = {}
        for one in series:
            self._series.setdefault(one.name, []).append(one)
        self.steady_ms = self._steady()

    def all(self, name: str) -> list[Series]:
        """The series of that name, by their tags."""
        return self._series.get(name, [])

    def one(self, name: str, **tags: str) -> Series | None:
        """The series with at least these tags, the first of several."""
        wanted = tags.items()
        return next((series for series in self.all(name) if wanted <= series.tags.items()), None)

    def first(self, *names: str) -> Series | None:
        """The first of these names that was recorded."""
        return next((series for name in names if (series := self.one(name)) is not None), None)

    def names(self) -> list[str]:
        return sorted(self._series)

    def named(self, *names: str) -> list[Happened]:
        """The events of these names within the session, oldest first."""
        return [
            event
            for event in self.events
            if event.name in names and self.since_ms <= event.timestamp_ms <= self.until_ms
        ]

    def _steady(self) -> tuple[int, int]:
        connected = self.named("srt_connected")
        since_ms = self.since_ms
        if not self.is_cut:
            began_ms = self.session.start_ms
            # One that connects much later had no good start, which is worth telling.
            soon = [event.timestamp_ms for event in connected if event.timestamp_ms - began_ms < 3 * SETTLING_MS]
            since_ms = max([began_ms, *soon[:1]]) + SETTLING_MS
        until_ms = self.until_ms
        if self.session.status == COMPLETED:
            asked = [event.timestamp_ms for event in self.named("stop_requested")]
            # Without a journal nobody tells of a stop.
            until_ms = asked[-1] if asked and until_ms - asked[-1] < STOPPING_MS else until_ms - SETTLING_MS
        return since_ms, until_ms


def read(connection: Connection, session: Stored, now_ms: int) -> Recording:
    """Everything that a report is made of. Raises sqlite's DatabaseError."""
    since_ms, until_ms = _span(session, now_ms)
    begin_ms, end_ms = since_ms - MARGIN_MS, until_ms + MARGIN_MS
    step_ms = _step_ms(until_ms - since_ms, history.amount(connection, NAMES, begin_ms, end_ms))
    found = history.points(connection, NAMES, begin_ms, end_ms, step_ms)
    series = [
        Series(name, tags_of(tags), points, step_ms) for (name, tags), points in sorted(found.items())[:MOST_SERIES]
    ]
    happened = events.between(connection, since_ms - MARGIN_MS, until_ms + MARGIN_MS, MOST_EVENTS)
    return Recording(session, now_ms, series, happened, course.read(connection, session.id, session.start_ms), step_ms)


def _step_ms(length_ms: int, amounts: list[int]) -> int:
    """As short as there is memory for. amounts: the points of each series, as they are stored."""
    for step_ms in STEPS_MS:
        most = length_ms // (step_ms or SHORTEST_MS)
        if most <= MOST_POINTS and sum([min(amount, most + 1) for amount in amounts]) <= MOST_IN_ALL:
            return step_ms
    return STEPS_MS[-1]


def _span(session: Stored, now_ms: int) -> tuple[int, int]:
    end_ms = max(session.start_ms, now_ms) if session.end_ms is None else session.end_ms
    return max(session.start_ms, end_ms - LONGEST_MS), end_ms
