"""A report as one HTML file: nothing is fetched, no script is run, and no text of a device or a network is markup."""

from __future__ import annotations

import time
from binascii import b2a_base64

from .. import __version__
from ..chart.drawing import drawn
from ..markup import escaped
from . import account, numbers, timeline
from .observation import FAULT, INTERRUPTED, NOTE, STRAIN, SYMPTOM
from .report import MOST_INCIDENTS
from .rules.catalog import RULES
from .style import CSS
from .summary import lines, verdict
from .wording import clock, date, length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .incident import Incident
    from .minutes import Minute
    from .recording import Recording
    from .report import Report

TEXT_LIMIT = 300
MOST_EVENTS = 300
# Colour is never the only sign of a kind.
_KINDS = {FAULT: "Fault", STRAIN: "Strain", SYMPTOM: "Seen at the stream alone", NOTE: "About the record"}


def html(made: Report, home: str = "") -> str:
    """The whole file. home: the address of a page to go back to, "" for none."""
    recording, found = made.recording, made.incidents
    began = time.strftime("%d %B %Y, %H:%M", time.localtime(recording.session.start_ms / 1000))
    harmed = " harmed" if any(one.harm(INTERRUPTED) for one in found) else ""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Stream of {began}</title><style>{CSS}</style></head><body><main>",
        f'<p class="screen"><a href="{escaped(home)}">this box</a></p>' if home else "",
        f"<h1>Stream of {began}</h1>",
        f'<p class="verdict{harmed}">{escaped(verdict(recording, found))}</p>',
        "<h2>Findings</h2>",
        *_findings(recording, found),
        *_minutes(made.minutes, found),
        "<h2>The stream</h2>",
        _facts(recording, found),
        "<h2>Timeline</h2>",
        *_timeline(recording, found),
        *_events(recording),
        *_download(recording),
        *_rules(found),
        _footer(made),
        "</main></body></html>",
    ]
    return "\n".join([part for part in parts if part]) + "\n"


def _facts(recording: Recording, found: list[Incident]) -> str:
    rows = [
        f"<div><dt>{escaped(line.name)}</dt><dd>{escaped(line.value, TEXT_LIMIT)}</dd></div>"
        for line in lines(recording, found)
    ]
    return f'<dl class="facts">{"".join(rows)}</dl>'


def _findings(recording: Recording, found: list[Incident]) -> list[str]:
    if not found:
        return ["<p>No rule found anything in what was recorded.</p>"]
    parts = [_finding(recording, number, one) for number, one in enumerate(found[:MOST_INCIDENTS], 1)]
    left_out = len(found) - MOST_INCIDENTS
    if left_out > 0:
        parts.append(f"<p>{left_out} more are not shown.</p>")
    return parts


def _finding(recording: Recording, number: int, one: Incident) -> str:
    steps = [f"<li><b>{step.when}</b><span>{escaped(step.text, TEXT_LIMIT)}</span></li>" for step in account.steps(one)]
    over = account.over(one)
    return "".join(
        [
            f'<article class="{one.kind}" id="finding-{number}"><p class="kind">{number} · {_KINDS[one.kind]}</p>',
            f"<h3>{escaped(account.title(one), TEXT_LIMIT)}</h3>",
            f"<p>{escaped(account.sentence(recording, one), 2 * TEXT_LIMIT)}</p>",
            f'<ol class="steps">{"".join(steps)}</ol>' if steps else "",
            f'<p class="quiet">{escaped(over)}</p>' if over else "",
            _derivation(number, one),
            "</article>",
        ]
    )


def _derivation(number: int, one: Incident) -> str:
    """What each of its rules went by."""
    rows = [
        f'<tr><td class="time">{clock(seen.at_ms)}</td><td><a href="#rule-{member.rule}">{member.rule}</a></td>'
        f"<td><code>{escaped(seen.source, TEXT_LIMIT)}</code></td><td>{escaped(seen.text, TEXT_LIMIT)}</td></tr>"
        for member in one.members[: account.MOST_STEPS + 1]
        for seen in member.seen
    ]
    table = _table(f"How finding {number} was found", ("time", "rule", "from", "said"), rows)
    return f"<details><summary>How this was found</summary>{table}</details>"


def _minutes(minutes: list[Minute], found: list[Incident]) -> list[str]:
    if not minutes:
        return []
    rows = []
    for minute in minutes:
        lost = [
            f"{words} {length(ms)}"
            for words, ms in (("interrupted", minute.interrupted_ms), ("worse than usual", minute.degraded_ms))
            if ms
        ]
        score = "" if minute.score is None else f", score {minute.score:.0f}"
        shown = [number for number, one in enumerate(found[:MOST_INCIDENTS], 1) if one in minute.of][:4]
        links = ", ".join([f'<a href="#finding-{number}">{number}</a>' for number in shown])
        of = f" ({'finding' if len(shown) == 1 else 'findings'} {links})" if links else ""
        rows.append(
            f"<li><b>{clock(minute.at_ms)[:5]}</b> {', '.join(lost)}{score}: {escaped(minute.cause(), 2 * TEXT_LIMIT)}"
            f"{of}</li>"
        )
    return ["<h2>Worst minutes</h2>", f'<ul class="minutes">{"".join(rows)}</ul>']


def _timeline(recording: Recording, found: list[Incident]) -> list[str]:
    charts = timeline.charts(recording, found)
    if not charts:
        return ["<p>No numbers are left of this time.</p>"]
    window = timeline.window(recording)
    said = "Numbers mark the findings, a shade how long they lasted"
    return [
        f'<p class="quiet">{said}; dotted lines in the first chart are events.</p>',
        *[drawn(chart, window) for chart in charts],
    ]


def _events(recording: Recording) -> list[str]:
    events = recording.events[-MOST_EVENTS:]
    if not events:
        return []
    rows = [
        f'<tr><td class="time">{clock(event.timestamp_ms)}</td><td>{escaped(event.name)}</td>'
        f"<td>{escaped(' '.join(event.tags.values()), TEXT_LIMIT)}</td><td>{escaped(event.text, TEXT_LIMIT)}</td></tr>"
        for event in events
    ]
    count = len(recording.events)
    shown = f"{count} events" if count == len(events) else f"The last {len(events)} of {count} events"
    table = _table("Events", ("time", "event", "of", "said"), rows)
    return ["<h2>Events</h2>", f"<details><summary>{shown}</summary>{table}</details>"]


def _download(recording: Recording) -> list[str]:
    table = numbers.table(recording)
    if not table.text:
        return []
    data = b2a_base64(table.text.encode("utf-8"), newline=False).decode("ascii")
    name = f"{recording.session.id[:8]}.csv"
    left_out = f" {table.left_out} series had no room." if table.left_out else ""
    link = f'<a download="{escaped(name)}" href="data:text/csv;charset=utf-8;base64,{data}">{escaped(name)}</a>'
    size = f"{len(table.text) / 1000:.0f} kB"
    what = f"a row for each {length(table.step_ms)}, with the means of it. Times are UTC.{left_out}"
    return ["<h2>Raw numbers</h2>", f"<p>{link}, {size}: {what}</p>"]


def _rules(found: list[Incident]) -> list[str]:
    spoke = {member.rule for one in found for member in one.members}
    parts = []
    for rule in RULES:
        said = "spoke" if rule.name in spoke else "silent"
        parts.append(
            f'<dt id="rule-{rule.name}">{rule.name} <small>{said}</small></dt><dd>{escaped(rule.condition)}'
            f" Says: {escaped(_lower(rule.says))} <small>From {escaped(rule.inputs)}. No word"
            f" {escaped(rule.silent)}.</small></dd>"
        )
    intro = (
        "A rule speaks when its condition holds in what was recorded. It tells what came before and after, not what"
        " was the cause: that is for a person to judge."
    )
    return ["<h2>Rules</h2>", f'<p class="quiet">{intro}</p>', f'<dl class="rules">{"".join(parts)}</dl>']


def _footer(made: Report) -> str:
    session, when = escaped(made.recording.session.id), date(made.made_ms)
    said = f"Session {session}, looked at {when} by belabox-metrics {__version__}. Times are those of the box."
    return f"<footer>{said}</footer>"


def _table(label: str, head: tuple[str, ...], rows: list[str]) -> str:
    """One that is too wide for a telephone is scrolled in itself, also by the keyboard."""
    cells = "".join(f"<th>{cell}</th>" for cell in head)
    table = f"<table><tr>{cells}</tr>{''.join(rows)}</table>"
    return f'<div class="wide" tabindex="0" role="region" aria-label="{label}">{table}</div>'


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
