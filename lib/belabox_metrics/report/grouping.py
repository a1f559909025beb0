"""From observations to incidents.

1. Faults that begin while another lasts are one incident (JOIN_MS longer, and at most CHAIN_MS after the one before).
2. A symptom belongs to the incident in which it begins; else to the nearest that begins within NEAR_MS, since some
   faults are noticed only seconds after what they did; else to the one that was over no longer than NEAR_MS ago.
   Symptoms without a fault are incidents of their own.
3. A strain that lies within an incident belongs to it, and so does one in whose time a fault of its family came. One
   that was there before symptoms without a fault, and lasted until they began, leads them. Any other is an incident of
   its own, and is told beside those that share its time.
4. Notes belong to all incidents of their time; without any, they are one.
"""

from __future__ import annotations

from .incident import CHAIN_MS, MOMENT_MS, Incident
from .observation import FAULT, NOTE, STRAIN, SYMPTOM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .observation import Observation

JOIN_MS = 5_000
NEAR_MS = 15_000
# Alerts that the configuration is shipped with, and the rules that look at the same numbers.
_ALERTS = {
    "bitrate": ("bitrate-low",),
    "cpu_temperature": ("heat", "throttling"),
    "cpu_usage": ("cpu-busy",),
    "dropped_frames": ("frames-dropped",),
    "memory": ("memory-short",),
    "packet_loss": ("loss",),
    "round_trip": ("round-trip",),
}
# A rule that tells the whole of it, and those that then tell a part of it.
_PARTS = {"relay-silent": ("link-lost", "no-link"), "link-lost": ("link-silent",), "modem-gone": ("link-silent",)}


def incidents(observations: Iterable[Observation]) -> list[Incident]:
    """All incidents, earliest first."""
    left = _without_alerts(_without_parts(list(observations)))
    found = _faults([one for one in left if one.kind == FAULT])
    alone: list[Observation] = []
    for one in left:
        if one.kind == SYMPTOM:
            home = _home(found, one)
            if home:
                home.add(one)
            else:
                alone.append(one)
    found += _groups(alone, NEAR_MS)
    found += _strains(found, [one for one in left if one.kind == STRAIN])
    for note in [one for one in left if one.kind == NOTE]:
        homes = [incident for incident in found if incident.members and _meet(incident, note)]
        for incident in homes:
            incident.add(note)
        if not homes:
            found.append(Incident([note]))
    return sorted([incident for incident in found if incident.members], key=lambda incident: incident.since_ms)


def _without_parts(observations: list[Observation]) -> list[Observation]:
    """What a rule that knows more has told already. Of a link only its own."""
    hidden = set()
    parts = [one for one in observations if any(one.rule in rules for rules in _PARTS.values())]
    for whole in [one for one in observations if one.rule in _PARTS]:
        for part in parts:
            if part.rule not in _PARTS[whole.rule] or (whole.subject and whole.subject != part.subject):
                continue
            if whole.since_ms - MOMENT_MS <= part.since_ms <= whole.until_ms:
                hidden.add(id(part))
    return [one for one in observations if id(one) not in hidden]


def _without_alerts(observations: list[Observation]) -> list[Observation]:
    """An alert that says what a rule says is one more thing that the rule went by."""
    kept = []
    for one in observations:
        rules = _ALERTS.get(one.subject, ()) if one.rule == "alert" else ()
        same = rules and [
            other
            for other in observations
            if other.rule in rules
            and other.since_ms - NEAR_MS <= one.until_ms
            and one.since_ms <= other.until_ms + NEAR_MS
        ]
        if same:
            for seen in one.seen:
                same[0].add(seen)
        else:
            kept.append(one)
    return kept


def _faults(faults: list[Observation]) -> list[Incident]:
    found: list[Incident] = []
    for one in faults:
        last = found[-1] if found else None
        if last and one.since_ms <= min(last.until_ms + JOIN_MS, last.members[-1].since_ms + CHAIN_MS):
            last.add(one)
            continue
        found.append(Incident([one]))
    return found


def _home(found: list[Incident], symptom: Observation) -> Incident | None:
    """The incident that a symptom belongs to."""
    at_ms = symptom.since_ms
    within = [one for one in found if one.onset_ms <= at_ms <= one.reach_ms]
    if within:
        return within[-1]
    later_ms = max(NEAR_MS, symptom.slack_ms if symptom.is_coarse else 0)
    near = [one for one in found if at_ms - symptom.slack_ms - MOMENT_MS <= one.onset_ms <= at_ms + later_ms]
    if near:
        return min(near, key=lambda one: abs(one.onset_ms - at_ms))
    past = [one for one in found if one.onset_ms <= at_ms <= one.reach_ms + NEAR_MS]
    return past[-1] if past else None


def _groups(observations: list[Observation], apart_ms: int) -> list[Incident]:
    found: list[Incident] = []
    for one in observations:
        if found and one.since_ms <= found[-1].until_ms + apart_ms:
            found[-1].add(one)
        else:
            found.append(Incident([one]))
    return found


def _strains(found: list[Incident], strains: list[Observation]) -> list[Incident]:
    """The strains that are incidents of their own. The others go to those that they belong to."""
    families: dict[str, list[Observation]] = {}
    for observation in strains:
        families.setdefault(observation.family or observation.rule, []).append(observation)
    own: list[Incident] = []
    for members in families.values():
        for strain in _groups(members, CHAIN_MS):
            standing = [one for one in found if one.members]
            inside = [one for one in standing if _holds(one, strain) or _is_of(one, strain.lead)]
            if inside:
                for member in strain.members:
                    inside[0].add(member)
                continue
            led = [one for one in standing if one.kind == SYMPTOM and _leads(strain, one)]
            for other in standing:
                if other not in led and _meet(other, strain.lead):
                    other.context.append(strain.lead)
            for other in led:
                for symptom in other.members:
                    strain.add(symptom)
                other.members = []
            own.append(strain)
    return own


def _holds(incident: Incident, strain: Incident) -> bool:
    """It begins within and does not outlast it, and was not there before symptoms that have no fault."""
    return (
        incident.since_ms - NEAR_MS <= strain.since_ms <= incident.until_ms
        and strain.until_ms <= incident.until_ms + NEAR_MS
        and (incident.kind == FAULT or strain.since_ms > incident.since_ms + strain.lead.slack_ms)
    )


def _is_of(incident: Incident, strain: Observation) -> bool:
    """A fault of its family came in its time, as far as anybody looked: memory was short, and a program was killed."""
    return any(
        one.kind == FAULT
        and one.family
        and one.family == strain.family
        and strain.since_ms <= one.since_ms <= strain.until_ms + strain.slack_ms
        for one in incident.members
    )


def _leads(strain: Incident, symptoms: Incident) -> bool:
    """It was there before, as far as anybody looked, and still when they began."""
    return strain.since_ms - strain.lead.slack_ms <= symptoms.since_ms <= strain.until_ms + JOIN_MS


def _meet(incident: Incident, one: Observation) -> bool:
    """They share some time."""
    return incident.since_ms - MOMENT_MS <= one.until_ms and one.since_ms <= incident.until_ms + MOMENT_MS
