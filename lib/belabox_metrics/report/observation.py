"""What a rule has seen, and what a rule is."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from .recording import Recording

# Kinds. Something broke; something was bad for a while that may break others; the stream itself was worse; something
# about the record.
FAULT = "fault"
STRAIN = "strain"
SYMPTOM = "symptom"
NOTE = "note"

# What it means to who watches: nothing is to be seen; it is worse than it should be.
INTERRUPTED = "interrupted"
DEGRADED = "degraded"

MOST_SEEN = 8


class Seen:
    """One number or event that a rule went by: when, of which series or event, and what it said."""

    __slots__ = ("at_ms", "source", "text")

    def __init__(self, at_ms: int, source: str, text: str) -> None:
        self.at_ms = at_ms
        self.source = source
        self.text = text


class Observation:
    """since_ms to until_ms, Unix time; is_open: not over when the record ends. what: a clause that says it, in the past
    tense and with its numbers. subject: which of several, "" where there is one. harm: INTERRUPTED, DEGRADED or "".
    slack_ms: it may have begun so much earlier, as it was looked at so seldom; and so much later if it is_coarse.
    family: strains of one are one."""

    __slots__ = (
        "family",
        "harm",
        "is_coarse",
        "is_open",
        "kind",
        "rank",
        "rule",
        "seen",
        "since_ms",
        "slack_ms",
        "subject",
        "until_ms",
        "what",
    )

    def __init__(
        self,
        since_ms: int,
        until_ms: int,
        what: str,
        seen: list[Seen],
        *,
        subject: str = "",
        harm: str = "",
        slack_ms: int = 0,
        is_open: bool = False,
        is_coarse: bool = False,
        family: str = "",
    ) -> None:
        self.rule = ""
        self.kind = ""
        self.rank = 0
        self.since_ms = since_ms
        self.until_ms = max(since_ms, until_ms)
        self.what = what
        self.seen = seen[:MOST_SEEN]
        self.subject = subject
        self.harm = harm
        self.slack_ms = slack_ms
        self.is_open = is_open
        self.is_coarse = is_coarse
        self.family = family

    def add(self, seen: Seen) -> None:
        """One more thing that it went by, as long as a person would read it."""
        if len(self.seen) < MOST_SEEN:
            self.seen.append(seen)


class Rule:
    """name; kind; inputs, condition, says and silent, for a person: what it looks at, when it speaks, what it says, and
    when it is silent; find: what it sees in a recording."""

    __slots__ = ("condition", "find", "inputs", "kind", "name", "says", "silent")

    def __init__(
        self,
        name: str,
        kind: str,
        find: Callable[[Recording], list[Observation]],
        *,
        inputs: str,
        condition: str,
        says: str,
        silent: str,
    ) -> None:
        self.name = name
        self.kind = kind
        self.find = find
        self.inputs = inputs
        self.condition = condition
        self.says = says
        self.silent = silent
