"""The list `metrics:`, one entry a metric that is to be collected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import kinds, own
from .document import Mapping, Node, Sequence
from .duration import DAY, HOUR, SECOND
from .findings import Findings, Unfit, label, similar
from .keys import METRICS
from .sections import NO_KEYS, check_range

if TYPE_CHECKING:
    from .kinds import Value
    from .known import Known

_KINDS = {"name": "text", "interval": "duration", "enabled": "boolean", "priority": "integer", "exec": "name"}
LOWEST_PRIORITY = 3
# A timer that can't follow the clock is late by some 13 ms each time. From here on that is less than 0.5 %.
_LONG_ENOUGH = 5 * SECOND


class Metric:
    """One entry. `settings` are the collector's own, defaults filled in; `reason` is why it has no timer, ""
    when it has one; `stands_for` is the metric that must have none because this one gives its series, "" for none.
    `is_own`: it is a program of a person's own, the setting `exec`."""

    def __init__(self, name: str, interval_ms: int, priority: int, settings: dict[str, Value], reason: str) -> None:
        self.name = name
        self.interval_ms = interval_ms
        self.priority = priority
        self.settings = settings
        self.reason = reason
        self.stands_for = ""
        self.is_own = False

    @property
    def scheduled(self) -> bool:
        return not self.reason


def read(root: Mapping, known: dict[str, Known], findings: Findings) -> list[Metric]:
    """The entries that are right; what is wrong with the others is in `findings`."""
    line, node = root.entries.get(METRICS, (1, None))
    if node is None:
        findings.add(1, METRICS, "is missing", "a list of - name: ... interval: ...; [] for none")
        return []
    if not isinstance(node, Sequence):
        findings.add(line, METRICS, "is not a list", "each metric is an entry of its own: - name: cpu.usage")
        return []
    found: list[Metric] = []
    lines: dict[str, int] = {}
    for number, item in enumerate(node.items, 1):
        entry = _Entry(item, f"{METRICS}[{number}]", known, findings)
        if entry.name in lines:
            findings.add(item.line, entry.path, f"is listed twice, first in line {lines[entry.name]}", "remove one")
        lines.setdefault(entry.name, item.line)
        metric = entry.metric()
        if metric is not None:
            found.append(metric)
    _give_way(found, known)
    return found


def _give_way(metrics: list[Metric], known: dict[str, Known]) -> None:
    """Of two that would give the same series, the larger runs: else each value would be there twice."""
    for metric in metrics:
        if metric.scheduled:
            metric.stands_for = known[metric.name].takes_the_place_of if metric.name in known else ""
    taken = {metric.stands_for: metric.name for metric in metrics if metric.stands_for}
    for metric in metrics:
        if metric.scheduled and metric.name in taken:
            metric.reason = f"{taken[metric.name]} takes its place"


class _Entry:
    def __init__(self, item: Node, path: str, known: dict[str, Known], findings: Findings) -> None:
        self._findings = findings
        self._entries = item.entries if isinstance(item, Mapping) else {}
        self.path = path
        self._line = item.line
        self._known: Known | None = None
        self._program: str | None = None
        self.name = path
        if not isinstance(item, Mapping):
            findings.add(item.line, path, "is not a mapping", "write - name: cpu.usage")
        elif isinstance(name := self._read("name"), str):
            self.path = f"{METRICS}[{label(name)}]"
            self.name = name
            self._known = self._own(name, known) if "exec" in self._entries else known.get(name)
            if self._known is None and "exec" not in self._entries:
                hint = similar(name, known) or f"known are {', '.join(sorted(known))}; one of your own has exec: FILE"
                findings.add(self._entries["name"][0], self.path, "is not a known metric", hint)
        elif "name" not in self._entries:
            findings.add(item.line, path, "has no name")

    def metric(self) -> Metric | None:
        """None when there is something wrong with it."""
        interval = self._interval()
        enabled = self._read("enabled")
        priority = self._read("priority", 0, LOWEST_PRIORITY)
        self._refuse_unknown(self._entries, self.path, (*_KINDS, "config"))
        if self._known is None:
            return None
        settings = self._settings(self._known)
        reason = "disabled" if enabled is False else self._known.not_scheduled(dict(settings))
        rank = priority if isinstance(priority, int) else self._known.priority
        metric = Metric(self.name, interval, rank, settings, reason)
        if self._program is not None:
            metric.is_own = True
            metric.settings["exec"] = self._program
        return metric

    def _own(self, name: str, known: dict[str, Known]) -> Known | None:
        """What is known of a metric that is a program; None when its name or its program's is wrong."""
        line = self._entries["name"][0]
        if name in known:
            self._findings.add(line, self.path, "comes with this program, so it has no exec", "choose another name")
            return None
        what, hint = own.fault(name)
        if what:
            self._findings.add(line, self.path, what, hint)
            return None
        at, node = self._entries["exec"]
        try:
            self._program = str(kinds.read("name", node))
        except Unfit as unfit:
            self._findings.add(at, f"{self.path}.exec", unfit.what, own.HINT)
            return None
        return own.known(name)

    def _interval(self) -> int:
        interval = self._read("interval", SECOND, 7 * DAY)
        if isinstance(interval, int):
            if interval < _LONG_ENOUGH and HOUR % interval:
                line = self._entries["interval"][0]
                what = "is under 5s and does not divide an hour, so no timer can keep it exactly"
                self._findings.add(line, f"{self.path}.interval", what, "take the next whole second")
            return interval
        if self._entries and "interval" not in self._entries:
            self._findings.add(self._line, self.path, "has no interval", "add interval: 30s")
        return 0

    def _settings(self, known: Known) -> dict[str, Value]:
        settings: dict[str, Value] = {}
        for key, (_, default) in known.settings.items():
            if not isinstance(default, (str, int, float, list)):
                raise TypeError(f"{known.name}: the default of {key} has no kind")
            settings[key] = list(default) if isinstance(default, list) else default
        line, node = self._entries.get("config", (0, None))
        if node is None:
            return settings
        path = f"{self.path}.config"
        if not isinstance(node, Mapping):
            self._findings.add(line, path, "is not a mapping", NO_KEYS)
            return settings
        self._refuse_unknown(node.entries, path, tuple(known.settings))
        for key, (at, value) in node.entries.items():
            if key in known.settings:
                kind = known.settings[key][0]
                try:
                    settings[key] = setting = kinds.read(kind, value)
                    if kind == "duration" and isinstance(setting, int):
                        # A unit is ended after 20 s, and a person learns more from who waited himself.
                        check_range(kind, setting, 1, own.LONGEST_MS if key == "timeout" else None)
                except Unfit as unfit:
                    self._findings.add_unfit(at, f"{path}.{key}", unfit)
        return settings

    def _read(self, key: str, low: int | None = None, high: int | None = None) -> Value | None:
        """The value of `key`; None when it is not given, or wrong, which is then a finding."""
        if key not in self._entries:
            return None
        line, node = self._entries[key]
        try:
            value = kinds.read(_KINDS[key], node)
            if isinstance(value, int):
                check_range(_KINDS[key], value, low, high)
        except Unfit as unfit:
            self._findings.add_unfit(line, f"{self.path}.{key}", unfit)
            return None
        return value

    def _refuse_unknown(self, entries: dict[str, tuple[int, Node]], path: str, names: tuple[str, ...]) -> None:
        for key, (line, _) in entries.items():
            if key not in names:
                hint = similar(key, names) or (f"it has {', '.join(names)}" if names else "it has none")
                if self._known and names != tuple(self._known.settings) and key in self._known.settings:
                    hint = "it belongs into config"
                self._findings.add(line, f"{path}.{label(key)}", "is not a known key", hint)
