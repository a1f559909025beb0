"""What the configuration says about health: sections `health`, `remote`, `storage` and `monitoring`."""

from __future__ import annotations

from ..store.compiled import are_whole
from ..store.settings import section, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..store.settings import Value

# What holds while nothing is compiled yet: as in config/keys.py, which is too dear to import here. A test holds
# them equal.
DEFAULTS: dict[tuple[str, str], Value] = {
    ("health", "path"): "/health",
    ("health.degraded_threshold", "pending_metrics"): 5000,
    ("health.degraded_threshold", "upload_age_seconds"): 60,
    ("health.error_threshold", "pending_metrics"): 10_000,
    ("health.error_threshold", "upload_age_seconds"): 600,
    ("monitoring", "clock_skew_warn_threshold_ms"): 2000,
    ("remote", "enabled"): 1,
    ("remote", "mode"): "auto",
    ("remote", "upload_interval_ms"): 30_000,
    ("remote", "url"): "",
    ("storage", "wal_checkpoint_size_mb"): 64,
}


class Limits:
    """The values of DEFAULTS as they are configured. `compiled`: there are settings at all; `whole`: they are what was
    compiled."""

    def __init__(self, found: dict[tuple[str, str], Value], compiled: bool, whole: bool) -> None:
        self._found = found
        self.compiled = compiled
        self.whole = whole

    @property
    def path(self) -> str:
        """Where the report is asked for, beside /health."""
        return str(self._value("health", "path")) or str(DEFAULTS["health", "path"])

    @property
    def pending_degraded(self) -> int:
        return self._number("health.degraded_threshold", "pending_metrics")

    @property
    def pending_error(self) -> int:
        return self._number("health.error_threshold", "pending_metrics")

    @property
    def mode_is_chosen(self) -> bool:
        """The mode of uploads is somebody's wish, and not what the uploader makes of the way to the server."""
        return self._value("remote", "mode") != "auto"

    @property
    def upload_age_degraded_ms(self) -> int:
        """As configured; two intervals where that is not longer than one, which a healthy box could not keep."""
        interval_ms = self._number("remote", "upload_interval_ms")
        age_ms = self._number("health.degraded_threshold", "upload_age_seconds") * 1000
        return age_ms if age_ms > interval_ms else 2 * interval_ms

    @property
    def upload_age_error_ms(self) -> int:
        age_ms = self._number("health.error_threshold", "upload_age_seconds") * 1000
        return max(age_ms, self.upload_age_degraded_ms)

    @property
    def skew_ms(self) -> int:
        return self._number("monitoring", "clock_skew_warn_threshold_ms")

    @property
    def log_bytes(self) -> int:
        """Size of the write-ahead log from which on nobody seems to tidy up."""
        return self._number("storage", "wal_checkpoint_size_mb") * 1024 * 1024

    @property
    def why_no_upload(self) -> str:
        """Why nothing is sent, "" when something is."""
        if not self.compiled:
            return "nothing is sent: the configuration was not applied yet"
        if not self._value("remote", "enabled"):
            return "nothing is sent: remote.enabled is false"
        return "" if self._value("remote", "url") else "nothing is sent: there is no remote.url"

    def _number(self, name: str, key: str) -> int:
        return int(self._value(name, key))

    def _value(self, name: str, key: str) -> Value:
        return self._found.get((name, key), DEFAULTS[name, key])


def read(connection: Connection) -> Limits:
    """The limits that the database's settings state; the default where one is none."""
    found: dict[tuple[str, str], Value] = {}
    for name in sorted({name for name, _ in DEFAULTS}):
        stated = section(connection, name)
        for key in stated:
            if (name, key) in DEFAULTS:
                default = DEFAULTS[name, key]
                found[name, key] = type(default)(shown(stated, key, default))
    compiled = connection.execute("SELECT EXISTS (SELECT 1 FROM settings)").fetchone()[0]
    return Limits(found, bool(compiled), are_whole(connection))
