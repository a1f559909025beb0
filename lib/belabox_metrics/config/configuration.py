"""The configuration, checked as a whole: load it, then ask it or take its rows for the database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Union

from . import address, alerts, document, metrics, overrides, sections
from .file import read_text
from .findings import Findings
from .keys import KEYS
from .known import COLLECTORS, discover
from .packages import is_installed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .alerts import Alert
    from .kinds import Value
    from .metrics import Metric
    from .sections import Sections

# (section, key, position, value)
Row = tuple[str, str, int, Union[str, int, float]]

# Not stored: it only spells a part of health.listen.
_SPELLINGS = ("health.port",)


class Configuration:
    """What the file says, defaults filled in. `metrics` in the order of the file."""

    def __init__(self, values: Sections, metrics: list[Metric], alerts: list[Alert]) -> None:
        self.values = values
        self.metrics = metrics
        self.alerts = alerts

    @property
    def device_id(self) -> str:
        """The name of this box."""
        return self.values.text("device.id")

    @property
    def database(self) -> str:
        """The path of the database."""
        return self.values.text("storage.path")

    @property
    def listen(self) -> str:
        """`HOST:PORT` of the health socket."""
        return _listen(self.values)

    @property
    def allowed(self) -> list[str]:
        """Networks whose boxes are answered without a token. Who sets a token wants it asked for."""
        if self.token_file and not self.values.is_given("health.allow"):
            return []
        networks = self.values.value("health.allow")
        return networks if isinstance(networks, list) else []

    @property
    def token_file(self) -> str:
        """The file of the token that others must show to the health socket, "" for none."""
        return self.values.text("health.token_file")

    @property
    def uploads(self) -> bool:
        """Whether anything is sent anywhere."""
        return self.values.flag("remote.enabled") and bool(self.values.text("remote.url"))

    def settings(self) -> list[Row]:
        """Rows (section, key, position, value) for the database.

        Durations are ms and their keys end in `_ms`; booleans are 0 and 1; a list is a row for each item, an
        empty list is none. A metric is a section `metrics/NAME` with `interval_ms`, `priority`, `scheduled`,
        `reason`, each setting of its collector under its own name as `config.NAME`, and the lists `alert` and
        `watch` of config/alerts.py."""
        rows: list[Row] = []
        for key in KEYS:
            value = self.listen if key.path == "health.listen" else self.values.value(key.path)
            if value is not None and key.path not in _SPELLINGS:
                rows += _rows(key.section, key.stored, value)
        for metric in self.metrics:
            section = f"metrics/{metric.name}"
            rows += _rows(section, "interval_ms", metric.interval_ms)
            rows += _rows(section, "priority", metric.priority)
            rows += _rows(section, "scheduled", metric.scheduled)
            rows += _rows(section, "reason", metric.reason)
            for name, value in metric.settings.items():
                rows += _rows(section, f"config.{name}", value)
            names = (metric.name, metric.stands_for)
            watching = [alert for alert in self.alerts if alert.enabled and alert.metric in names]
            rows += _rows(section, "alert", [alert.stored() for alert in watching])
            rows += _rows(section, "watch", [alert.watched() for alert in watching])
        return rows


def load(
    path: str,
    collectors: str = COLLECTORS,
    environment: Mapping[str, str] | None = None,
    defaults_file: str = overrides.DEFAULTS_FILE,
) -> Configuration:
    """The configuration in the file `path`, changed by what the environment says (overrides.py); `collectors` is the
    package that tells which metrics there are.

    Raises ConfigProblem with a line `FILE:LINE: KEY: why (hint)` for everything that is wrong."""
    findings = Findings(path)
    root = document.parse(read_text(path), findings)
    values = sections.read(root, findings)
    set_elsewhere = overrides.read(findings, os.environ if environment is None else environment, defaults_file)
    sections.override(values, set_elsewhere, findings)
    known = discover(collectors)
    entries = metrics.read(root, known, findings)
    watched = alerts.read(root, [*known, *[entry.name for entry in entries if entry.is_own]], findings)
    _check_together(values, findings)
    findings.raise_if_any()
    return Configuration(values, entries, watched)


def _check_together(values: Sections, findings: Findings) -> None:
    """What only two keys together can get wrong."""
    if not values.is_given("device.id") and not findings.has("device.id"):
        findings.add(1, "device.id", "is missing", "it tells this box from others: device: {id: belabox-001}")
    wanted = values.is_given("remote.enabled") and values.flag("remote.enabled")
    if wanted and not values.text("remote.url") and not findings.has("remote.url"):
        hint = "set remote.url, or remote.enabled: false"
        line = values.line("remote.enabled")
        findings.add(line, "remote.enabled", "is true but there is no remote.url", hint)
    _check_access(values, findings)
    if values.text("remote.format") == "prometheus-remote-write" and not is_installed("snappy"):
        what, hint = "needs the package python3-snappy, which is not here", "apt install python3-snappy"
        findings.add(values.line("remote.format"), "remote.format", what, hint)
    if values.is_given("health.listen") and values.is_given("health.port"):
        port = address.split(values.text("health.listen"))[1]
        if port != values.integer("health.port"):
            line = values.line("health.port")
            what = f"is not the port of health.listen, {port}"
            findings.add(line, "health.port", what, "remove health.port")
    path = values.text("health.path")
    if path in PAGES or path.startswith(REPORTS):
        findings.add(values.line("health.path"), "health.path", "is another page of this box", "as in: /healthz")
    for small, large in _ORDERED:
        if values.number(small) > values.number(large):
            given, other = (large, small) if values.is_given(large) else (small, large)
            what = f"is {'less' if given == large else 'more'} than {other}"
            findings.add(values.line(given), given, what, "change one of the two")


def _check_access(values: Sections, findings: Findings) -> None:
    """Who proves to be somebody needs all parts of the proof."""
    kind, line = values.text("remote.auth.type"), values.line("remote.auth.type")
    for of, key in (("basic", "remote.auth.username"), ("header", "remote.auth.header")):
        if kind == of and not values.text(key) and not findings.has(key):
            findings.add(line, "remote.auth.type", f"is {of} but there is no {key}")
    # It ends at the first colon (RFC 7617), and what follows would become part of the password.
    if ":" in values.text("remote.auth.username"):
        findings.add(values.line("remote.auth.username"), "remote.auth.username", "has a colon in it")
    pair = ("remote.tls.client_certificate", "remote.tls.client_key")
    for given, other in (pair, pair[::-1]):
        if values.text(given) and not values.text(other) and not findings.has(other):
            findings.add(values.line(given), given, f"is set but {other} is not", "they go together")


# What is where on the health socket beside /health (health/places.py, health/responder.py).
PAGES = ("/metrics", "/health/live", "/health/ready")
REPORTS = "/report/"
# The first of each must not be more than the second.
_ORDERED = (
    ("storage.retention.full_resolution", "storage.retention.aggregated_1m"),
    ("storage.retention.aggregated_1m", "storage.retention.aggregated_5m"),
    ("remote.chunk_size", "remote.batch_size"),
    ("remote.priority.high", "remote.priority.low"),
    ("remote.retry.initial_backoff", "remote.retry.max_backoff"),
    ("health.degraded_threshold.pending_metrics", "health.error_threshold.pending_metrics"),
    ("health.degraded_threshold.upload_age_seconds", "health.error_threshold.upload_age_seconds"),
)


def _listen(values: Sections) -> str:
    place = values.text("health.listen")
    if values.is_given("health.port"):
        return address.joined(address.split(place)[0], values.integer("health.port"))
    return place


def _rows(section: str, key: str, value: Value) -> list[Row]:
    if isinstance(value, list):
        return [(section, key, position, item) for position, item in enumerate(value)]
    return [(section, key, 0, int(value) if isinstance(value, bool) else value)]
