"""Every key of the configuration but those of `metrics:`, declared once."""

from __future__ import annotations

from typing import NamedTuple

from .address import PRIVATE
from .duration import DAY, HOUR, MINUTE, SECOND
from .kinds import Value
from .size import GB, MB

DEFAULT_DATABASE = "/var/lib/belabox-metrics/metrics.db"
DEFAULT_LISTEN = "127.0.0.1:9100"


class Key(NamedTuple):
    """`default` None: there is none. `low` and `high` are the least and the most that is allowed, in the unit
    of the value (ms for a duration); `choices` the only texts."""

    section: str
    name: str
    kind: str
    default: Value | None
    low: int | None = None
    high: int | None = None
    choices: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """`remote.retry.max_backoff`"""
        return f"{self.section}.{self.name}"

    @property
    def stored(self) -> str:
        """The name under which its value is stored, which tells the unit: `max_backoff_ms`."""
        return self.name + _UNITS.get(self.kind, "")


_UNITS = {"duration": "_ms", "percent": "_percent", "rate": "_per_s", "size": "_bytes"}


KEYS = (
    Key("device", "id", "name", None),
    Key("device", "name", "text", ""),
    Key("device", "location", "text", ""),
    Key("storage", "path", "database", DEFAULT_DATABASE),
    Key("storage", "wal_checkpoint_interval", "duration", HOUR, MINUTE, 7 * DAY),
    Key("storage", "wal_checkpoint_size_mb", "integer", 64, 1, 1024),
    Key("storage", "max_size", "size", 5 * GB, 10 * MB, 10_000 * GB),
    Key("storage", "reserve", "size", 256 * MB, MB, 1000 * GB),
    Key("storage.retention", "full_resolution", "duration", 48 * HOUR, HOUR, 3650 * DAY),
    Key("storage.retention", "aggregated_1m", "duration", 7 * DAY, HOUR, 3650 * DAY),
    Key("storage.retention", "aggregated_5m", "duration", 30 * DAY, HOUR, 3650 * DAY),
    Key("storage.archive", "enabled", "boolean", False),
    Key("storage.archive", "path", "directory", ""),
    Key("storage.archive", "keep", "duration", 90 * DAY, DAY, 3650 * DAY),
    Key("remote", "url", "url", ""),
    Key("remote", "enabled", "boolean", True),
    Key("remote", "upload_interval", "duration", 30 * SECOND, SECOND, DAY),
    Key("remote", "timeout", "duration", 30 * SECOND, SECOND, 2 * MINUTE),
    Key("remote", "compression", "boolean", True),
    Key("remote", "batch_size", "integer", 2500, 1, 100_000),
    Key("remote", "chunk_size", "integer", 50, 1, 10_000),
    Key("remote", "format", "text", "victoriametrics", choices=("victoriametrics", "json", "prometheus-remote-write")),
    Key("remote", "mode", "text", "auto", choices=("auto", "realtime", "degraded", "offline")),
    Key("remote", "query_url", "url", ""),
    Key("remote.priority", "high", "duration", 10 * SECOND, SECOND, HOUR),
    Key("remote.priority", "low", "duration", 10 * MINUTE, SECOND, 7 * DAY),
    Key("remote.backfill", "enabled", "boolean", True),
    Key("remote.backfill", "bandwidth_limit", "percent", 20, 1, 100),
    Key("remote.backfill", "rate_limit", "rate", 1, high=1000),
    Key("remote.backfill", "unlimited_when_idle", "boolean", True),
    Key("remote.auth", "type", "text", "none", choices=("none", "bearer_token", "basic", "header")),
    Key("remote.auth", "username", "text", ""),
    Key("remote.auth", "header", "header", ""),
    Key("remote.tls", "ca_file", "credential", ""),
    Key("remote.tls", "client_certificate", "credential", ""),
    Key("remote.tls", "client_key", "credential", ""),
    Key("remote.retry", "enabled", "boolean", True),
    Key("remote.retry", "max_attempts", "integer", 3, 1, 100),
    Key("remote.retry", "initial_backoff", "duration", 5 * SECOND, 100, HOUR),
    Key("remote.retry", "max_backoff", "duration", MINUTE, 100, DAY),
    Key("remote.retry", "backoff_multiplier", "number", 3, 1, 100),
    Key("remote.retry", "jitter_percent", "number", 20, 0, 100),
    Key("health", "enabled", "boolean", True),
    Key("health", "listen", "listen", DEFAULT_LISTEN),
    Key("health", "port", "integer", None, 1, 65535),
    Key("health", "path", "path", "/health"),
    Key("health", "allow", "networks", list(PRIVATE)),
    Key("health", "token_file", "credential", ""),
    Key("health.degraded_threshold", "pending_metrics", "integer", 5000, 1, 10**9),
    Key("health.degraded_threshold", "upload_age_seconds", "integer", 60, 1, 10**7),
    Key("health.error_threshold", "pending_metrics", "integer", 10_000, 1, 10**9),
    Key("health.error_threshold", "upload_age_seconds", "integer", 600, 1, 10**7),
    Key("logging", "level", "text", "info", choices=("debug", "info", "warn", "error")),
    Key("logging", "format", "text", "json", choices=("json", "console")),
    Key("logging", "output", "text", "stdout", choices=("stdout", "stderr", "journal")),
    Key("monitoring", "clock_skew_check_interval", "duration", 5 * MINUTE, 10 * SECOND, DAY),
    Key("monitoring", "clock_skew_warn_threshold_ms", "integer", 2000, 1, DAY),
    Key("monitoring", "clock_skew_url", "url", ""),
)

METRICS = "metrics"
# Read by a module of its own, as metrics are.
ALERTS = "alerts"
SECTIONS = tuple(dict.fromkeys(key.section for key in KEYS))
