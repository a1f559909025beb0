"""The section `alerts:`, by name: which values make a sample critical."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from . import kinds
from .document import Mapping, Scalar
from .duration import DAY, SECOND
from .findings import Findings, Unfit, label, shown, similar
from .keys import ALERTS
from .sections import NO_KEYS, check_range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .kinds import Value

# How far a value must come back, as a part of its limit, where `clear` is not given.
BACK = 0.1
# A tag of an event, and a word of what a job remembers.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_SERIES = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,127}")
_KEYS = ("metric", "series", "tags", "above", "below", "of", "for", "clear", "enabled")
# Of each there is an event and a row: more are not watched by a person.
MOST = 50


class Alert(NamedTuple):
    """`series` of the collector `metric`, of samples that have `tags`, is too much (`above`) or too little beyond
    `limit`, for `for_ms`, until it is back at `clear`. The two are percent of the series `of` where there is one."""

    name: str
    metric: str
    series: str
    above: bool
    limit: float
    clear: float
    of: str = ""
    for_ms: int = 0
    tags: dict[str, str] = {}  # noqa: RUF012 - never changed
    enabled: bool = True

    def stored(self) -> str:
        """As alert.py reads it."""
        limit = {"above" if self.above else "below": self.limit, "clear": self.clear}
        where = {"name": self.name, "series": self.series, "tags": self.tags, "of": self.of}
        return json.dumps({**where, **limit, "for_ms": self.for_ms}, separators=(",", ":"))

    def watched(self) -> str:
        """`SERIES > LIMIT`, by which collect.py sees without more ado that all is well; `SERIES ? 0` where that takes
        more."""
        return f"{self.series} {'?' if self.of else '>' if self.above else '<'} {0 if self.of else self.limit}"


# The thresholds of the requirements.
DEFAULTS = (
    Alert("packet_loss", "srt.packet_loss", "srt.packet_loss_percent", True, 5, 4.5),
    Alert("round_trip", "srt.packet_loss", "srt.rtt_ms", True, 500, 450),
    # Off: what a receiver holds back until it is due fills its buffer while all is well. It tells of a sender's.
    Alert("buffer", "srt.packet_loss", "srt.buffer_ms", True, 90, 81, of="srt.latency_ms", enabled=False),
    Alert("dropped_frames", "encoder", "encoder.frames_dropped_percent", True, 1, 0.9),
    Alert(
        "bitrate",
        "encoder",
        "encoder.output_bitrate_kbps",
        False,
        50,
        55,
        of="encoder.bitrate_limit_kbps",
        for_ms=10 * SECOND,
    ),
    Alert("cpu_temperature", "cpu.temperature", "cpu.temperature", True, 85, 76.5),
    Alert("cpu_usage", "cpu.usage", "cpu.usage_percent", True, 90, 81, for_ms=30 * SECOND, tags={"core": "all"}),
    Alert("memory", "memory.usage", "memory.available_bytes", False, 100_000_000, 110_000_000),
)


def read(root: Mapping, known: Iterable[str], findings: Findings) -> list[Alert]:
    """The alerts that come with the program, changed by what the file says of them, and those of the file. What is
    wrong with one is in `findings`. `known` are the metrics there are."""
    alerts = {alert.name: alert for alert in DEFAULTS}
    line, node = root.entries.get(ALERTS, (1, None))
    if node is None:
        return list(alerts.values())
    if not isinstance(node, Mapping):
        findings.add(line, ALERTS, "is not a mapping", NO_KEYS)
        return []
    for name, (at, entry) in node.entries.items():
        path = f"{ALERTS}.{label(name)}"
        if not _NAME.fullmatch(name):
            findings.add(at, path, "is not a name", "small letters, digits, dashes and underscores, 32 at most")
        elif not isinstance(entry, Mapping):
            findings.add(
                at, path, "is not a mapping", "as in {metric: cpu.temperature, series: cpu.temperature, above: 80}"
            )
        else:
            alert = _Entry(at, path, entry, findings).alert(name, alerts.get(name), known)
            if alert is not None:
                alerts[name] = alert
    if len(alerts) > MOST:
        findings.add(line, ALERTS, f"has more than {MOST} alerts")
    return list(alerts.values())


class _Entry:
    def __init__(self, line: int, path: str, node: Mapping, findings: Findings) -> None:
        self._line = line
        self._path = path
        self._entries = node.entries
        self._findings = findings
        self._of = ""
        self._fits = True

    def alert(self, name: str, default: Alert | None, known: Iterable[str]) -> Alert | None:
        """The alert it makes of `default`, or of nothing; None when something is wrong with it."""
        for key, (line, _) in self._entries.items():
            if key not in _KEYS:
                self._add(line, key, "is not a known key", similar(key, _KEYS) or f"it has {', '.join(_KEYS)}")
        own = default.metric if default else ""
        metric = self._text("metric", own)
        if metric not in (own, "") and metric not in known:
            self._add(self._entries["metric"][0], "metric", "is not a known metric", similar(metric, known))
        series = self._series("series", default.series if default else "")
        self._of = self._series("of", default.of if default else "")
        above, limit, given = self._limit(default)
        back = limit - abs(limit) * BACK * (1 if above else -1)
        clear = self._number("clear", default.clear if default and not given else back)
        if clear > limit if above else clear < limit:
            self._add(
                self._entries["clear"][0], "clear", "is beyond the limit itself", "it tells when all is well again"
            )
        return self._whole(
            Alert(
                name,
                metric,
                series,
                above,
                limit,
                clear,
                self._of,
                self._duration("for", default.for_ms if default else 0),
                self._tags(default.tags if default else {}),
                self._value("enabled", "boolean", default.enabled if default else True) is True,
            )
        )

    def _whole(self, alert: Alert) -> Alert | None:
        missing = [key for key, value in (("metric", alert.metric), ("series", alert.series)) if not value]
        if not {"above", "below"} & {*self._entries} and alert.name not in {known.name for known in DEFAULTS}:
            missing.append("above or below")
        if missing and self._fits:
            self._findings.add(self._line, self._path, f"has no {' and no '.join(missing)}")
        return alert if self._fits and not missing else None

    def _limit(self, default: Alert | None) -> tuple[bool, float, bool]:
        """Whether above, the limit, and whether the file says so."""
        if "above" in self._entries and "below" in self._entries:
            line = max(self._entries[key][0] for key in ("above", "below"))
            self._add(line, "below", "can't be together with above", "make two alerts of it")
        for key in ("above", "below"):
            if key in self._entries:
                return key == "above", self._number(key, 0), True
        return (default.above, default.limit, False) if default else (True, 0, False)

    def _number(self, key: str, default: float) -> float:
        """Percent where it is a part of another series."""
        line, node = self._entries.get(key, (0, None))
        if not self._of and isinstance(node, Scalar) and node.text.endswith("%"):
            self._add(
                line, key, f"is {shown(node.text)} of nothing", "remove the %, or add of: the series it is a part of"
            )
            return default
        value = self._value(key, "percent" if self._of else "number", default)
        return float(value) if isinstance(value, (int, float)) else default

    def _duration(self, key: str, default: int) -> int:
        value = self._value(key, "duration", default, 0, DAY)
        return value if isinstance(value, int) else default

    def _series(self, key: str, default: str) -> str:
        name = self._text(key, default)
        if name and not _SERIES.fullmatch(name):
            self._add(
                self._entries[key][0], key, f"{shown(name)} is not the name of a series", "as in cpu.usage_percent"
            )
        return name

    def _text(self, key: str, default: str) -> str:
        return str(self._value(key, "text", default))

    def _tags(self, default: dict[str, str]) -> dict[str, str]:
        if "tags" not in self._entries:
            return default
        line, node = self._entries["tags"]
        if not isinstance(node, Mapping):
            self._add(line, "tags", "is not a mapping", "as in {core: all}")
            return default
        found = {}
        for key, (at, value) in node.entries.items():
            try:
                found[key] = str(kinds.read("text", value))
            except Unfit as unfit:
                self._add(at, f"tags.{label(key)}", unfit.what, unfit.hint)
        return found

    def _value(self, key: str, kind: str, default: Value, low: int | None = None, high: int | None = None) -> Value:
        if key not in self._entries:
            return default
        line, node = self._entries[key]
        try:
            value = kinds.read(kind, node)
            if isinstance(value, (int, float)):
                check_range(kind, value, low, high)
        except Unfit as unfit:
            self._add(line, key, unfit.what, unfit.hint)
            return default
        return value

    def _add(self, line: int, key: str, what: str, hint: str = "") -> None:
        self._fits = False
        self._findings.add(line, f"{self._path}.{label(key)}", what, hint)
