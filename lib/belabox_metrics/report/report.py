"""A session, looked at by all rules: what documents are made of."""

from __future__ import annotations

from ..errors import UsageProblem
from ..store import sessions
from . import minutes, recording
from .account import normal, over, sentence, steps, title
from .grouping import incidents
from .rules.catalog import RULES, observe
from .summary import lines, verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..store.sessions import Stored
    from .incident import Incident
    from .minutes import Minute
    from .recording import Recording

# Told one by one; a stream that has more has one trouble, and it is among them.
MOST_INCIDENTS = 60
_IN_AN_ID = set("0123456789abcdef-")


class Report:
    """recording; incidents, earliest first; minutes: the worst, in the order of time."""

    __slots__ = ("incidents", "made_ms", "minutes", "recording")

    def __init__(self, found: Recording, made_ms: int) -> None:
        self.recording = found
        self.made_ms = made_ms
        self.incidents: list[Incident] = incidents(observe(found))
        self.minutes: list[Minute] = minutes.worst(found, self.incidents)


def report(connection: Connection, session: Stored, now_ms: int) -> Report:
    """Raises sqlite's DatabaseError."""
    return Report(recording.read(connection, session, now_ms), now_ms)


def chosen(connection: Connection, beginning: str) -> Stored:
    """The session whose id begins so; the newest for "". Raises UsageProblem for none and for several."""
    beginning = beginning.lower()
    found = sessions.starting(connection, beginning) if set(beginning) <= _IN_AN_ID else []
    if not found:
        what = f"there is no session {beginning[:40]!r}" if beginning else "no stream has been recorded yet"
        raise UsageProblem(what, hint="belabox-metrics sessions lists them")
    if beginning and len(found) > 1:
        raise UsageProblem(f"several sessions begin with {beginning!r}", hint="belabox-metrics sessions lists them")
    return found[0]


def document(made: Report) -> dict[str, object]:
    """For a program: times are Unix time in ms, words are those of the page."""
    session, found = made.recording.session, made.incidents
    return {
        "session": {
            "id": session.id,
            "status": session.status,
            "start_time_ms": session.start_ms,
            "end_time_ms": session.end_ms,
            "since_ms": made.recording.since_ms,
            "until_ms": made.recording.until_ms,
        },
        "made_ms": made.made_ms,
        "verdict": verdict(made.recording, found),
        "summary": {line.name: line.value for line in lines(made.recording, found)},
        "findings": [_incident(made.recording, one) for one in found[:MOST_INCIDENTS]],
        "findings_left_out": max(0, len(found) - MOST_INCIDENTS),
        "worst_minutes": [
            {
                "timestamp_ms": minute.at_ms,
                "interrupted_ms": minute.interrupted_ms,
                "degraded_ms": minute.degraded_ms,
                "score": minute.score,
                "cause": minute.cause(),
                "findings": [at for at, one in enumerate(found[:MOST_INCIDENTS]) if one in minute.of],
            }
            for minute in made.minutes
        ],
        "rules": [rule.name for rule in RULES],
    }


def _incident(found: Recording, one: Incident) -> dict[str, object]:
    return {
        "rule": one.lead.rule,
        "kind": one.kind,
        "title": title(one),
        "sentence": sentence(found, one),
        "over": over(one),
        "normal": normal(found, one),
        "since_ms": one.since_ms,
        "onset_ms": one.onset_ms,
        "until_ms": one.until_ms,
        "is_over": not one.is_open,
        "steps": [
            {"timestamp_ms": step.at_ms, "after_ms": step.after_ms, "rule": step.rule, "text": step.text}
            for step in steps(one)
        ],
        "observations": [
            {
                "rule": member.rule,
                "kind": member.kind,
                "harm": member.harm,
                "subject": member.subject,
                "since_ms": member.since_ms,
                "until_ms": member.until_ms,
                "text": member.what,
                "seen": [
                    {"timestamp_ms": seen.at_ms, "source": seen.source, "text": seen.text} for seen in member.seen
                ],
            }
            for member in one.members
        ],
    }
