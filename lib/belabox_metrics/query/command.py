"""The command `query`: what a metric was, as a table with plots, as samples, or as JSON lines."""

from __future__ import annotations

import argparse
import json
import sys
import time

from ..errors import Problem
from ..printable import printable
from ..store import history
from ..store.database import DatabaseError, Store
from ..store.failure import tell
from ..store.options import add_database, named
from ..store.tags import tags_of
from ..terminal import columns
from . import period, samples
from .line import Line
from .plot import plot
from .samples import Sample, spelled
from .screen import of_stdout
from .table import Text, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from .screen import Screen

# What happened is not a curve.
EVENTS = ("stream.event", "stream.event_text")
# Up to here every sample is looked at by itself.
_RAW_MS = 3 * 3_600_000
# Steps are multiples of these, as far back as this (ms), so that each holds as many values as the next: samples come
# some times a minute, and what is older than a week is kept by five minutes.
_MINUTE_MS, _FIVE_MS, _WEEK_MS = 60_000, 300_000, 604_800_000
_STEPS = 300
# Plots that fit on a screen: with title and axis, and the empty line above.
_AROUND = 4
_ROWS = (7, 5)
_MOST_PLOTS = 3
_GAPS_TOLD = 2
_DAY_MS = 86_400_000


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    now_ms = time.time_ns() // 1_000_000
    try:
        since_ms, until_ms = period.read(options.since, options.until, now_ms)
        connection = Store(options.database).reading()
        try:
            return _query(connection, options, since_ms, until_ms)
        finally:
            connection.close()
    except (Problem, DatabaseError) as caught:
        return tell("query", caught, options.database)


def _query(connection: Connection, options: argparse.Namespace, since_ms: int, until_ms: int) -> int:
    metric = options.metric
    names = samples.names(connection, metric, since_ms, until_ms)
    if options.json or options.samples or set(names) & set(EVENTS):
        found = samples.samples(connection, metric, since_ms, until_ms)
        for sample in found:
            print(_json(sample) if options.json else _listed(sample))
        empty = not found
    else:
        lines, texts = _read(connection, names, since_ms, until_ms)
        empty = not lines and not texts
        if not empty:
            _show(lines, texts, since_ms, until_ms, options, of_stdout())
    if empty and names and history.points(connection, names, since_ms, until_ms):
        print(f"the samples of {metric} from then are rolled up: they are shown without --samples", file=sys.stderr)
    elif empty:
        print(f"no samples of {metric} {_when(connection, options, since_ms, until_ms)}", file=sys.stderr)
    return 0


def _read(
    connection: Connection, names: tuple[str, ...], since_ms: int, until_ms: int
) -> tuple[list[Line], list[Text]]:
    """By name in the order of `names`; of one name the series with the highest value first."""
    if not names:
        return [], []
    step_ms = _step_ms(since_ms, until_ms, time.time_ns() // 1_000_000)
    # A step begins at a multiple of itself: the first one whole, or a counter would start with a leap.
    begin_ms = since_ms - since_ms % step_ms if step_ms else since_ms
    found = history.points(connection, names, begin_ms, until_ms, step_ms)
    lines = [Line(name, tags, points, step_ms, until_ms) for (name, tags), points in found.items()]
    lines.sort(key=lambda line: (names.index(line.name), -line.greatest if line.points else 0, line.tags))
    texts = [Text(*row) for row in samples.texts(connection, names, since_ms, until_ms)]
    return lines, texts


def _step_ms(since_ms: int, until_ms: int, now_ms: int) -> int:
    span_ms = until_ms - since_ms
    if span_ms <= _RAW_MS:
        return 0
    unit_ms = _FIVE_MS if since_ms < now_ms - _WEEK_MS or span_ms > _STEPS * _FIVE_MS else _MINUTE_MS
    return -(-span_ms // (_STEPS * unit_ms)) * unit_ms


def _show(
    lines: list[Line], texts: list[Text], since_ms: int, until_ms: int, options: argparse.Namespace, screen: Screen
) -> None:
    name, when = screen.fit(options.metric), period.between(since_ms, until_ms)
    head = f"{name}, {when}"
    shown = table(lines, texts, screen, sys.maxsize if options.all else max(screen.height // 2 - 2, 4))
    chosen = [group[0] for group in _by_name(lines) if group[0].points]
    # What moved is of more interest than what did not.
    chosen.sort(key=lambda line: line.is_constant)
    room = screen.height - len(shown) - 3
    rows = next((rows for rows in _ROWS if room >= rows + _AROUND), _ROWS[-1])
    most = len(chosen) if options.all else max(1, min(_MOST_PLOTS, room // (rows + _AROUND)))
    print(head if columns(head) <= screen.width else f"{screen.cut(name, screen.width)}\n{when}")
    print("\n".join(shown))
    for line in chosen[:most]:
        curve = plot(line, since_ms, until_ms, screen, rows)
        if curve:
            print()
            print("\n".join([_title(line, lines, screen), *curve, *_gaps(line, until_ms - since_ms, screen)]))
    left = [line.name for line in chosen[most:]]
    if left:
        hint = f"{_counted(len(left), 'more plot')}: --all, or query {screen.fit(left[0])}"
        print(f"\n{screen.cut(hint, screen.width)}")


def _by_name(lines: list[Line]) -> list[list[Line]]:
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.name, []).append(line)
    return list(groups.values())


def _title(line: Line, lines: list[Line], screen: Screen) -> str:
    others = sum(other.name == line.name for other in lines) - 1
    text = screen.fit(spelled(line.name, line.tags))
    return screen.cut(f"{text}, the highest of {others + 1}" if others else text, screen.width)


def _gaps(line: Line, span_ms: int, screen: Screen) -> list[str]:
    """In words, the longest: a gap of some seconds is not to be seen in a plot of a week."""
    form = "%m-%d %H:%M:%S" if span_ms > _DAY_MS else "%H:%M:%S"

    def clock(at_ms: int) -> str:
        return time.strftime(form, time.localtime(at_ms // 1000))

    longest = sorted(line.gaps, key=lambda gap: gap[0] - gap[1])[:_GAPS_TOLD]
    told = [f"{clock(start)} to {clock(end)}" for start, end in sorted(longest)]
    if len(line.gaps) > len(told):
        told.append(_counted(len(line.gaps) - len(told), "more time"))
    if line.ended_ms is not None:
        told.append(f"since {clock(line.ended_ms)}")
    return [screen.cut(f"no values {', '.join(told)}", screen.width)] if told else []


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _json(sample: Sample) -> str:
    tags = tags_of(sample.tags)
    return json.dumps({"timestamp_ms": sample.timestamp_ms, "name": sample.name, "tags": tags, "value": sample.value})


def _listed(sample: Sample) -> str:
    stamp = period.spelled(sample.timestamp_ms)
    return printable(f"{stamp}  {spelled(sample.name, sample.tags)}  {sample.value}", None)


def _when(connection: Connection, options: argparse.Namespace, since_ms: int, until_ms: int) -> str:
    if not samples.is_known(connection, options.metric):
        return "ever: is that its name? belabox-metrics status lists them"
    return period.told("" if options.until else options.since, since_ms, until_ms)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="belabox-metrics query",
        description="Show what a metric was: a table of its series, and plots. Counters are shown as rates. What"
        " happened to a stream, stream.event, is listed.",
    )
    parser.add_argument("metric", type=named, help="a metric (cpu.usage) or one of its series (cpu.usage_percent)")
    period.add_options(parser, "1h")
    parser.add_argument("--all", action="store_true", help="all series and a plot for each name, however many")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--samples", action="store_true", help="the samples themselves, oldest first")
    form.add_argument("--json", action="store_true", help="the samples, one JSON object a line")
    add_database(parser)
    return parser
