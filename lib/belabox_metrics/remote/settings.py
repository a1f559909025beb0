"""What the configuration says about the server, as the jobs that talk to it need it."""

from __future__ import annotations

from ..store.compiled import must_be_whole
from ..store.instant import Still
from ..store.settings import first, section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..store.settings import Value

    Section = dict[str, list[Value]]

# Together, and with what it takes to connect, less than the unit's TimeoutStartSec=.
LONGEST_ANSWER_S = 120.0
_BELOW = ("retry", "backfill", "priority", "auth", "tls")
_SECTIONS = ("device", "monitoring", "remote", *[f"remote.{name}" for name in _BELOW])


class Retry:
    """`remote.retry`: how long to wait after a failure."""

    def __init__(self, found: Section) -> None:
        self.enabled = _flag(found, "enabled", True)
        self.max_attempts = int(first(found, "max_attempts", 3))
        self.initial_backoff_ms = int(first(found, "initial_backoff_ms", 5_000))
        self.max_backoff_ms = int(first(found, "max_backoff_ms", 60_000))
        self.backoff_multiplier = float(first(found, "backoff_multiplier", 3))
        self.jitter_percent = float(first(found, "jitter_percent", 20))


class Backfill:
    """`remote.backfill`: what may be taken of the link for what waited through an outage."""

    def __init__(self, found: Section) -> None:
        self.enabled = _flag(found, "enabled", True)
        self.bandwidth_percent = float(first(found, "bandwidth_limit_percent", 20))
        self.rate_per_s = float(first(found, "rate_limit_per_s", 1))
        self.unlimited_when_idle = _flag(found, "unlimited_when_idle", True)


class Remote:
    """The sections `remote` and `monitoring` and the name of the box, all of one moment.

    `enabled` is false also where there is no URL. The paths of `remote.tls` are those of the configuration, which a job
    in its sandbox may not be able to read: see credentials.py.

    Raises Unsound where they are not what was compiled."""

    def __init__(self, connection: Connection) -> None:
        with Still(connection):
            must_be_whole(connection)
            stored = {name: section(connection, name) for name in _SECTIONS}
        remote = stored["remote"]
        self.url = _text(remote, "url")
        self.enabled = _flag(remote, "enabled", False) and bool(self.url)
        self.format = _text(remote, "format", "victoriametrics")
        self.mode = _text(remote, "mode", "auto")
        self.timeout_s = min(float(first(remote, "timeout_ms", 30_000)) / 1000, LONGEST_ANSWER_S)
        self.compression = _flag(remote, "compression", True)
        self.batch_size = int(first(remote, "batch_size", 2500))
        self.chunk_size = int(first(remote, "chunk_size", 50))
        self.upload_interval_ms = int(first(remote, "upload_interval_ms", 30_000))
        self.query_url = _text(remote, "query_url")
        self.device_id = _text(stored["device"], "id")

        self.retry = Retry(stored["remote.retry"])
        self.backfill = Backfill(stored["remote.backfill"])
        priority = stored["remote.priority"]
        self.high_ms = int(first(priority, "high_ms", 10_000))
        self.low_ms = int(first(priority, "low_ms", 600_000))

        auth = stored["remote.auth"]
        self.auth_type = _text(auth, "type", "none")
        self.auth_username = _text(auth, "username")
        self.auth_header = _text(auth, "header")
        tls = stored["remote.tls"]
        self.ca_file = _text(tls, "ca_file")
        self.client_certificate = _text(tls, "client_certificate")
        self.client_key = _text(tls, "client_key")
        self.has_client_certificate = bool(self.client_certificate)

        monitoring = stored["monitoring"]
        self.clock_skew_url = _text(monitoring, "clock_skew_url")
        self.clock_skew_warn_threshold_ms = int(first(monitoring, "clock_skew_warn_threshold_ms", 2000))


def _text(found: Section, key: str, default: str = "") -> str:
    return str(first(found, key, default))


def _flag(found: Section, key: str, default: bool) -> bool:
    return bool(first(found, key, default))
