"""What a collector is given, and what it gives back."""

from __future__ import annotations

from .errors import ConfigProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from .clock import Moment
    from .event import Event
    from .sample import Sample
    from .stream.session import SessionChange

    # A collector's SETTINGS: name -> (kind, default). The kinds and what they hold:
    #   "patterns" list[str], regular expressions    "pattern"  str, one of them, "" for the built-in one
    #   "count"    int, 1 or more                    "duration" int, milliseconds
    #   "url"      str, "" for none, may be secret   "path"     str, absolute, "" for none
    Settings = dict[str, tuple[str, object]]


def defaults(settings: Settings) -> dict[str, object]:
    """A collector's settings when the configuration says nothing about them."""
    return {key: default for key, (_, default) in settings.items()}


class World:
    """All that a collector may know besides its code.

    root: what stands in for `/`, "" on the real machine.
    settings: the collector's own, defaults filled in.
    state: what this collector returned last time; "" the first time and after a reboot, unless the collector says
        `OUTLIVES_BOOT = True`.
    elapsed_ms: CLOCK_BOOTTIME since the run that left `state`, None if there is none.
    now_ms: the wall clock, Unix time; None to ask the machine.
    connection: the database, for a collector whose source it is, to read; None without one.
    moment: of this run, on all clocks; None to ask the machine."""

    __slots__ = ("connection", "elapsed_ms", "moment", "now_ms", "root", "settings", "state")

    def __init__(
        self,
        root: str = "",
        settings: dict[str, object] | None = None,
        state: str = "",
        elapsed_ms: int | None = None,
        now_ms: int | None = None,
        connection: Connection | None = None,
        moment: Moment | None = None,
    ) -> None:
        self.root = root
        self.settings = {} if settings is None else settings
        self.state = state
        self.elapsed_ms = elapsed_ms
        self.now_ms = now_ms
        self.connection = connection
        self.moment = moment

    def wall_ms(self) -> int:
        """Unix time in ms."""
        if self.now_ms is not None:
            return self.now_ms
        import time

        return time.time_ns() // 1_000_000

    def running_ms(self) -> int:
        """How long ago the run began, ms; 0 where that is not given."""
        if self.moment is None:
            return 0
        from .clock import boottime_ms

        return max(boottime_ms() - self.moment.boottime_ms, 0)

    def is_fresh(self, written_ms: int) -> bool:
        """Whether a file that was written then (Unix time) tells of now, by the setting `stale_after`.

        One from the future does as little: the clock was set back since."""
        return abs(self.wall_ms() - written_ms) <= self.number("stale_after")

    def text(self, key: str) -> str:
        """A setting of the kinds `pattern`, `url`, `path`."""
        value = self.settings[key]
        if not isinstance(value, str):
            raise ConfigProblem("is not a text", where=key)
        return value

    def texts(self, key: str) -> list[str]:
        """A setting of the kind `patterns`."""
        value = self.settings[key]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigProblem("is not a list of texts", where=key)
        return value

    def number(self, key: str) -> int:
        """A setting of the kinds `count` and `duration`."""
        value = self.settings[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ConfigProblem("is not a whole number", where=key)
        return value


class Reading:
    """What one collection gives back.

    samples: possibly none, when the first of two readings was taken.
    state: for the same collector's next run, small, "" for nothing.
    warnings: what a person should know although there are values.
    events: what was found to have happened, oldest first.
    session: which stream is live and which has ended; None from a collector that does not know.
    is_idle: there is nothing going on that would make these samples more urgent than any others."""

    __slots__ = ("events", "is_idle", "samples", "session", "state", "warnings")

    def __init__(
        self,
        samples: list[Sample],
        state: str = "",
        warnings: list[str] | None = None,
        events: list[Event] | None = None,
        session: SessionChange | None = None,
        is_idle: bool = False,
    ) -> None:
        self.samples = samples
        self.state = state
        self.warnings = [] if warnings is None else warnings
        self.events = [] if events is None else events
        self.session = session
        self.is_idle = is_idle

    def __repr__(self) -> str:
        return f"Reading({self.samples!r}, {self.state!r}, {self.warnings!r}, {self.events!r})"
