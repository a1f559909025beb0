"""A report at a terminal: its words, without what only a drawing can show."""

from __future__ import annotations

from ..printable import printable
from . import account
from .report import MOST_INCIDENTS
from .summary import verdict
from .wording import clock, date

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .report import Report


def words(made: Report) -> str:
    """Lines that do nothing to a terminal, whatever a device or a network calls itself."""
    recording, found = made.recording, made.incidents
    lines = [f"session {recording.session.id}, from {date(recording.session.start_ms)}", verdict(recording, found)]
    for number, one in enumerate(found[:MOST_INCIDENTS], 1):
        lines += ["", f"{number}. {account.sentence(recording, one)}"]
        for step in account.steps(one):
            lines.append(f"     {step.when:<11} {step.text}")
        if account.over(one):
            lines.append(f"   {account.over(one)}")
    if len(found) > MOST_INCIDENTS:
        lines += ["", f"{len(found) - MOST_INCIDENTS} more are not shown"]
    if made.minutes:
        lines += ["", "worst minutes"]
        lines += [f"  {clock(minute.at_ms)}  {minute.cause()}" for minute in made.minutes]
    lines += ["", "belabox-metrics report -o FILE.html makes a page of it, with charts and numbers"]
    return "".join(f"{printable(line, None)}\n" for line in lines)
