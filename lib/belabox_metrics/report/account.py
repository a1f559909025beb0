"""An incident in words: one sentence, what followed, and what was as usual."""

from __future__ import annotations

from ..quantity import shown
from .incident import Incident
from .observation import DEGRADED, FAULT, INTERRUPTED, SYMPTOM
from .rules.box import BUSY_PERCENT, HOT
from .wording import clock, length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .observation import Observation
    from .recording import Recording

NO_CAUSE = "no cause seen in what was recorded"
# What is told of each: more would be a log.
MOST_STEPS = 12
# Readings that old still tell how things were.
NORMAL_MS = 90_000
# So far below its limit a number is normal.
NORMAL_TEMPERATURE = HOT - 5
NORMAL_BUSY = BUSY_PERCENT - 10


class Step:
    """Something that happened in an incident, `after_ms` its lead, in words. when: the same, as `+3 s`."""

    __slots__ = ("after_ms", "at_ms", "rule", "text", "when")

    def __init__(self, at_ms: int, after_ms: int, when: str, rule: str, text: str) -> None:
        self.when = when
        self.at_ms = at_ms
        self.after_ms = after_ms
        self.rule = rule
        self.text = text


def title(incident: Incident) -> str:
    """`wwan0 disappeared from USB (port 2-1)`, `The encoder stalled`: a name that begins it stays as it is."""
    lead = incident.lead
    is_name = bool(lead.subject) and lead.what.startswith(lead.subject)
    return lead.what if is_name else lead.what[:1].upper() + lead.what[1:]


def sentence(recording: Recording, incident: Incident) -> str:
    """`20:14:05 wwan0 lost its link, 3 s before the bitrate collapsed …; temperature normal (61 °C)`

    Says before and after, never because. A symptom without a fault or a strain before it has no cause."""
    lead = incident.lead
    parts = [f"{clock(lead.since_ms)} {lead.what}"]
    worst = _worst(incident)
    if worst:
        parts[0] += _beside(lead, worst)
    if lead.kind == SYMPTOM:
        parts.append(NO_CAUSE)
    parts += [f"in its time {one.what}" for one in incident.context[:2]]
    parts += normal(recording, incident)
    return "; ".join(parts) + "."


def over(incident: Incident) -> str:
    """How long it took and what was lost in it."""
    took_ms = incident.until_ms - incident.since_ms
    if incident.is_open:
        said = f"It was not over when the record ends, {length(took_ms)} later." if took_ms else ""
    else:
        said = f"It was over at {clock(incident.until_ms)}, after {length(took_ms)}." if took_ms else ""
    for harm, words in ((INTERRUPTED, "The stream was interrupted for"), (DEGRADED, "It was worse than usual for")):
        ms = sum([until - since for since, until in incident.harm(harm)])
        if ms:
            said += f" {words} {length(ms)}."
    return said.strip()


def steps(incident: Incident) -> list[Step]:
    """All else of it in the order of time, the first MOST_STEPS."""
    lead = incident.lead
    found = []
    for one in incident.members:
        if one is lead:
            continue
        lasted = f", for {length(one.until_ms - one.since_ms)}" if one.until_ms - one.since_ms >= 1000 else ""
        if one.is_open and one.until_ms - one.since_ms >= 1000:
            lasted = ", until the record ends"
        after_ms = one.since_ms - lead.since_ms
        sign = "+" if after_ms >= 0 else "\N{MINUS SIGN}"
        when = f"±{length(one.slack_ms)}" if _may_be_either(lead, one) else f"{sign}{length(abs(after_ms))}"
        found.append(Step(one.since_ms, after_ms, when, one.rule, f"{one.what}{lasted}"))
    return found[:MOST_STEPS]


def normal(recording: Recording, incident: Incident) -> list[str]:
    """What would be suspected first, and was well shortly before it and in it, as far as it was recorded."""
    if incident.kind not in (FAULT, SYMPTOM) and not any(one.harm for one in incident.members):
        return []
    told = {one.rule for one in [*incident.members, *incident.context]}
    since_ms, until_ms = (
        incident.onset_ms - NORMAL_MS,
        max(incident.onset_ms, min(incident.until_ms, incident.onset_ms + NORMAL_MS)),
    )
    found = []
    for word, series, limit, rules in (
        ("temperature", recording.one("cpu.temperature"), NORMAL_TEMPERATURE, ("heat", "throttling", "thermal-trip")),
        ("processor", recording.one("cpu.usage_percent", core="all"), NORMAL_BUSY, ("cpu-busy",)),
    ):
        points = series.within(since_ms, until_ms) if series else []
        if series and points and not told.intersection(rules):
            most = max([point.greatest for point in points])
            if most < limit:
                found.append(f"{word} normal ({shown(series.name, most)})")
    return found


def _beside(lead: Observation, worst: Observation) -> str:
    """When `worst` was, seen from the lead. What is read every ten seconds may have been bad for so long already when
    it is first read so: then nobody knows which of the two came first."""
    apart_ms = worst.since_ms - lead.since_ms
    if _may_be_either(lead, worst):
        return f", and within {length(worst.slack_ms)} of it {worst.what}"
    if apart_ms <= -1000:
        return f"; {length(-apart_ms)} before that {worst.what}"
    if apart_ms < worst.slack_ms:
        return f", and {worst.what} (first read {'at that moment' if apart_ms < 1000 else length(apart_ms) + ' later'})"
    return f", {length(apart_ms)} before {worst.what}" if apart_ms >= 1000 else f", and at the same time {worst.what}"


def _may_be_either(lead: Observation, other: Observation) -> bool:
    """Whether `other` may have been before the lead as well as after it."""
    return other.is_coarse and abs(other.since_ms - lead.since_ms) <= other.slack_ms


def _worst(incident: Incident) -> Observation | None:
    """What it did to the stream first: a symptom, or else a fault by which it was interrupted."""
    lead = incident.lead
    others = [one for one in incident.members if one is not lead and one.harm]
    numbers = [one for one in others if one.kind != FAULT and one.rule != "restarted"]
    after = [one for one in numbers if one.since_ms >= lead.since_ms]
    return next(iter(after or numbers or others), None)
