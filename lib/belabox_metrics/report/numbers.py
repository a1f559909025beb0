"""The numbers of a session as CSV (RFC 4180): a row a step, a column a series."""

from __future__ import annotations

import time

from .series import thinned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .recording import Recording
    from .series import Series

# Of the text, and of one header: a page with it inside stays below 2 MB.
MOST_BYTES = 600_000
MOST_COLUMNS = 120
NAME_LIMIT = 120
# Of the time and the end of a line, and of a number.
ROW, CELL = 36, 5
STEPS_MS = (1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000)


class Table:
    """text: CSV, lines end with CR LF; step_ms: the time of a row, in which a number is a mean; left_out: columns that
    had no room."""

    __slots__ = ("left_out", "step_ms", "text")

    def __init__(self, text: str, step_ms: int, left_out: int) -> None:
        self.text = text
        self.step_ms = step_ms
        self.left_out = left_out


def table(recording: Recording) -> Table:
    """As fine as MOST_BYTES allows."""
    known = [series for name in recording.names() for series in recording.all(name)]
    columns = [series for series in known if series.within(recording.since_ms, recording.until_ms)]
    for step_ms in STEPS_MS:
        if step_ms < recording.step_ms or _likely(recording, columns[:MOST_COLUMNS], step_ms) > MOST_BYTES:
            continue
        text = _text(recording, columns[:MOST_COLUMNS], step_ms)
        if text is not None:
            return Table(text, step_ms, len(columns[MOST_COLUMNS:]))
    return Table("", STEPS_MS[-1], len(columns))


def _likely(recording: Recording, columns: list[Series], step_ms: int) -> int:
    """About how long the text will be: to make it in vain takes long. A row has its time and a comma a column."""
    most = (recording.until_ms - recording.since_ms) // step_ms + 1
    counts = [len(series.points) for series in columns]
    return min(most, sum(counts)) * (ROW + len(columns)) + CELL * sum([min(count, most) for count in counts])


def _text(recording: Recording, columns: list[Series], step_ms: int) -> str | None:
    """None when it is too long."""
    rows: dict[int, dict[int, str]] = {}
    for at, series in enumerate(columns):
        for point in thinned(series.within(recording.since_ms, recording.until_ms), step_ms):
            rows.setdefault(point.timestamp_ms, {})[at] = f"{point.mean:.10g}"
    lines = [",".join(["time", "timestamp_ms", *[_quoted(_header(series)) for series in columns]])]
    size = len(lines[0])
    for at_ms in sorted(rows):
        row = rows[at_ms]
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000))
        lines.append(",".join([stamp, str(at_ms), *[row.get(at, "") for at in range(len(columns))]]))
        size += len(lines[-1]) + 2
        if size > MOST_BYTES:
            return None
    return "\r\n".join([*lines, ""])


def _header(series: Series) -> str:
    """Begins with the name of a series, so no spreadsheet takes it for a formula."""
    tags = ",".join(f"{key}={text}" for key, text in sorted(series.tags.items()))
    return (f"{series.name}{{{tags}}}" if tags else series.name)[:NAME_LIMIT]


def _quoted(text: str) -> str:
    plain = "".join([char if char.isprintable() else "?" for char in text])
    return '"' + plain.replace('"', '""') + '"'
