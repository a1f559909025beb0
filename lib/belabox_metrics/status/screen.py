"""The reading as lines for a terminal of any width."""

from __future__ import annotations

from ..health.verdict import DEGRADED, ERROR, OK, span
from ..quantity import shown
from ..terminal import BAD, BOLD, DOUBTFUL, GOOD, QUIET, columns, padded
from .reading import ABSENT, FAILING, LATE, LIVE, OFF, WAITING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..terminal import Terminal
    from .reading import Metric, Reading

# A line has room for this many.
VALUES_SHOWN = 2
# From this many columns on there is room for the interval, and for the state in a column of its own.
WIDE, NARROW = 100, 60

_COLOURS = {
    **dict.fromkeys((LIVE, OK), GOOD),
    **dict.fromkeys((WAITING, ABSENT, OFF), QUIET),
    **dict.fromkeys((FAILING, LATE, ERROR), BAD),
    DEGRADED: DOUBTFUL,
}
_UNITS = ("_bytes", "_percent", "_hertz", "_kbps", "_celsius", "_ms", "_seconds")
_PRIORITIES = ("critical", "high", "normal", "low")


def lines(reading: Reading, terminal: Terminal) -> list[str]:
    """The whole screen, top to bottom: the verdict, alerts, metrics, and what becomes of them."""
    report = reading.report
    told = terminal.fit(f"{report['status']}  belabox-metrics {report['version']}, {report['timestamp']}")
    status = report["status"]
    found = [terminal.paint(status, f"{BOLD};{_COLOURS[status]}") + told[len(status) :]]
    for alert in reading.alerts:
        lasted = _rounded(max(0, reading.now.wall_ms - alert.since_ms))
        found.append(terminal.paint(terminal.fit(f"alert  {alert.name} of {alert.metric}, for {lasted}"), BAD))
    return [*found, "", *_table(reading.metrics, terminal), "", *_components(reading, terminal)]


def _table(metrics: list[Metric], terminal: Terminal) -> list[str]:
    wide = terminal.width is None or terminal.width >= WIDE
    narrow = terminal.width is not None and terminal.width < NARROW
    titles = ["METRIC", "STATE", "AGE", "EVERY", "NEXT", "LAST VALUES"]
    hidden = set()
    if all(metric.next_ms is None for metric in metrics):
        hidden.add("NEXT")
    elif not wide:
        hidden.add("EVERY")
    if narrow:
        hidden |= {"STATE", "EVERY", "NEXT"}
    kept = [at for at, title in enumerate(titles) if title not in hidden]
    rows = [titles, *[_cells(metric, whole_names=wide, state_in_text=narrow) for metric in metrics]]
    rows = [[row[at] for at in kept] for row in rows]
    widths = [max(columns(row[at]) for row in rows) for at in range(len(kept) - 1)]
    plain = ["  ".join([*map(padded, row[:-1], widths), row[-1]]).rstrip() for row in rows]
    found = [terminal.paint(terminal.fit(plain[0]), BOLD)]
    for metric, line in zip(metrics, plain[1:]):
        shown_line = terminal.fit(line)
        begin = widths[0] + 2
        if not narrow:
            end = begin + len(metric.state)
            shown_line = shown_line[:begin] + terminal.paint(metric.state, _COLOURS[metric.state]) + shown_line[end:]
        elif metric.state in (FAILING, LATE):
            shown_line = terminal.paint(shown_line, BAD)
        found.append(shown_line)
    return found


def _cells(metric: Metric, *, whole_names: bool, state_in_text: bool) -> list[str]:
    told = metric.told
    if metric.values:
        # The metric's own name stands at the beginning of the line.
        named = [(name if whole_names else _end(name), value) for name, value in metric.values[:VALUES_SHOWN]]
        told = ", ".join(f"{name} {value}" for name, value in named)
        more = len(metric.values) - VALUES_SHOWN
        told += f" and {more} more" if more > 0 else ""
    elif state_in_text and metric.state != LIVE:
        told = f"{metric.state}: {told}"
    return [
        metric.name,
        metric.state,
        *("-" if ms is None else _rounded(ms) for ms in (metric.age_ms,)),
        *("-" if ms is None else span(ms) for ms in (metric.interval_ms,)),
        *("-" if ms is None else _rounded(ms) for ms in (metric.next_ms,)),
        told,
    ]


def _end(series: str) -> str:
    """`usage{all}` of `cpu.usage_percent{all}`: the value says its unit. Labels may have dots and are left alone."""
    name, brace, labels = series.partition("{")
    name = name.rpartition(".")[2]
    for unit in _UNITS:
        if name.endswith(unit) and name != unit:
            name = name[: -len(unit)]
    return name + brace + labels


def _components(reading: Reading, terminal: Terminal) -> list[str]:
    found = []
    components = reading.report["components"]
    told = {name: component for name, component in components.items() if not name.startswith("collector.")}
    refused = reading.report.get("configuration")
    if refused:
        told["config"] = refused
    for name, component in told.items():
        message = component["message"]
        if name == "uploader":
            message += _upload(reading)
        elif name == "storage":
            message += _sizes(component["details"])
        found += _paragraph(terminal, name, component["status"], message)
    return [*found, *_paragraph(terminal, "queue", "", _queue(reading))]


def _paragraph(terminal: Terminal, name: str, status: str, message: str) -> list[str]:
    """What it is about and how it is, and beside them, or below where there is no room, the words."""
    head = f"{name:<9} " + terminal.paint(status, _COLOURS.get(status, ""))
    if terminal.width is not None and terminal.width < NARROW:
        return [head.rstrip(), *terminal.wrapped(message, "  ")]
    first, *rest = terminal.wrapped(message, " " * 20)
    return [head + " " * (10 - len(status)) + first[20:], *rest]


def _upload(reading: Reading) -> str:
    details = reading.report["components"]["uploader"]["details"]
    if details["mode"] == "disabled":
        return ""
    said = ""
    if details["time_since_upload_seconds"] is not None:
        said += f"; last {span(1000 * details['time_since_upload_seconds'])} ago"
    failures = reading.link.failures
    if failures:
        said += f"; {failures} {'failure' if failures == 1 else 'failures in a row'}"
    if reading.next_upload_ms is not None:
        said += f"; next try in {_rounded(reading.next_upload_ms)}"
    return f"{said}; {details['mode']}"


def _sizes(details: dict[str, object]) -> str:
    said = f"; {shown('_bytes', details['database_size_bytes'])}, log {shown('_bytes', details['wal_size_bytes'])}"
    oldest = details["oldest_metric_timestamp"]
    return f"{said}, oldest sample {oldest}" if oldest else said


def _queue(reading: Reading) -> str:
    waiting = reading.waiting
    said = f"{reading.pending} {'sample waits' if reading.pending == 1 else 'samples wait'} to be sent"
    parts = [
        f"{count} {_PRIORITIES[priority] if priority < len(_PRIORITIES) else priority}"
        for priority, count in sorted(waiting.runs.items())
        if count
    ]
    if parts and reading.pending:
        said += f", of {'more than ' if waiting.more else ''}{', '.join(parts)} collections"
        if waiting.oldest_ms is not None and waiting.oldest_ms < reading.now.wall_ms:
            said += f", the oldest of {_rounded(reading.now.wall_ms - waiting.oldest_ms)} ago"
    return said


def _rounded(ms: int) -> str:
    """A length of time in whole seconds: in a column of them `7637 ms` is no help."""
    return span(ms // 1000 * 1000)
