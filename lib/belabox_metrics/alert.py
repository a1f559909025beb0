"""Values that have gone too far: what the configuration calls an alert, judged at each collection of its metric.

An alert is raised when a value has been beyond its limit for long enough, and cleared when it has come back by more
than a little, so that one that hovers about the limit is one alert and not a hundred.
"""

from __future__ import annotations

import time

from .clock import by_now
from .event import CRITICAL, HIGH, Event
from .json_text import parse
from .sample import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .clock import Moment
    from .sample import Sample
    from .store.settings import Value


class Rule:
    """One alert, as config/alerts.py stores it: a JSON object.

    series, tags: whose values; a sample fits that has these tags, and of several the worst counts.
    limit, clear: numbers, or percent of the series `of`, "" for none. above: whether too much is bad, or too little.
    for_ms: how long it must last. Raises ValueError where the text is none."""

    __slots__ = ("above", "clear", "for_ms", "limit", "name", "of", "series", "tags")

    def __init__(self, text: str) -> None:
        said = parse(text)
        if not isinstance(said, dict):
            raise ValueError("is no alert")
        try:
            self.name, self.series, self.tags = str(said["name"]), str(said["series"]), dict(said["tags"])
            self.above = "above" in said
            self.limit = float(said["above" if self.above else "below"])
            self.clear, self.for_ms, self.of = float(said["clear"]), int(said["for_ms"]), str(said["of"])
        except (KeyError, TypeError) as error:
            raise ValueError("is no alert") from error

    def measure(self, samples: list[Sample]) -> Measured | None:
        """The worst value that fits; None where there is none, or nothing to compare it with."""
        scale = 1.0
        if self.of:
            whole = [number for sample in samples if sample.name == self.of and (number := _number(sample)) is not None]
            if not whole or max(whole) <= 0:
                return None
            scale = max(whole) / 100
        worst: tuple[float, Sample] | None = None
        for sample in samples:
            if sample.name != self.series or any(sample.tags.get(key) != self.tags[key] for key in self.tags):
                continue
            number = _number(sample)
            if number is None:
                continue
            if worst is None or (number > worst[0] if self.above else number < worst[0]):
                worst = number, sample
        return Measured(self, worst[0], worst[1], scale) if worst else None

    def words(self) -> str:
        """`above 85`, `below 50 % of encoder.bitrate_limit_kbps`"""
        return f"{'above' if self.above else 'below'} {_shown(self.limit)}" + (f" % of {self.of}" if self.of else "")


class Measured:
    """What a rule found. `is_beyond` its limit, or `is_back`; between the two it is neither."""

    __slots__ = ("is_back", "is_beyond", "text")

    def __init__(self, rule: Rule, number: float, sample: Sample, scale: float) -> None:
        limit, clear = rule.limit * scale, rule.clear * scale
        self.is_beyond = number > limit if rule.above else number < limit
        self.is_back = not self.is_beyond and (number <= clear if rule.above else number >= clear)
        self.text = f"{sample.name}{canonical(sample.tags)} {_shown(number)}"


class Spell:
    """How long a value has been beyond its limit: since `wall_ms`, and `boottime_ms` of the boot `boot_id`."""

    __slots__ = ("boot_id", "boottime_ms", "raised", "wall_ms")

    def __init__(self, wall_ms: int, boottime_ms: int, boot_id: str, raised: bool) -> None:
        self.wall_ms = wall_ms
        self.boottime_ms = boottime_ms
        self.boot_id = boot_id
        self.raised = raised

    def follow(self, moment: Moment) -> None:
        """Where the clock was set since it began, that is as long ago as before."""
        if self.boot_id == moment.boot_id:
            self.wall_ms = by_now(self.wall_ms, moment.wall_ms, moment.boottime_ms - self.boottime_ms)

    def since(self) -> str:
        return time.strftime("%H:%M:%S UTC", time.gmtime(self.wall_ms / 1000))


class Verdict:
    """raised: an alert is on. events: what has changed. memory: for the next run of the metric, `is_news` when it is
    not the one of before."""

    __slots__ = ("events", "is_news", "memory", "raised")

    def __init__(self, raised: bool, events: list[Event], memory: str, is_news: bool) -> None:
        self.raised = raised
        self.events = events
        self.memory = memory
        self.is_news = is_news


def judge(rules: list[Value], samples: list[Sample], memory: str, moment: Moment) -> Verdict:
    """`rules` as they are stored; `memory` is what the last verdict left, "" the first time.

    An alert that is on outlasts a reboot: it is cleared by a value, not by a power cut."""
    before, after, events = _recall(memory), {}, []
    for known in before.values():
        known.follow(moment)
    for text in rules:
        try:
            rule = Rule(str(text))
        except ValueError:  # of another version; apply stores them anew
            continue
        spell = before.get(rule.name)
        measured = rule.measure(samples)
        if measured is not None and measured.is_beyond:
            if spell is None or (not spell.raised and spell.boot_id != moment.boot_id):
                spell = Spell(moment.wall_ms, moment.boottime_ms, moment.boot_id, False)
            if not spell.raised and moment.boottime_ms - spell.boottime_ms >= rule.for_ms:
                spell.raised = True
                said = f"{measured.text} is {rule.words()} since {spell.since()}"
                events.append(_event("alert_raised", rule, moment, CRITICAL, said))
            after[rule.name] = spell
        elif spell is not None and spell.raised:
            if measured is not None and not measured.is_back:
                after[rule.name] = spell
                continue
            was = f"it was {rule.words()} since {spell.since()}"
            said = f"{measured.text}, {was}" if measured else f"{rule.series} is not measured any more, {was}"
            events.append(_event("alert_cleared", rule, moment, HIGH, said))
    left = _remember(after)
    return Verdict(any(spell.raised for spell in after.values()), events, left, left != memory)


def raised(memory: str) -> dict[str, Spell]:
    """Name of each alert that is on, out of what the last verdict left, and since when."""
    return {name: spell for name, spell in _recall(memory).items() if spell.raised}


def _event(name: str, rule: Rule, moment: Moment, priority: int, text: str) -> Event:
    return Event(name, moment.wall_ms, {"alert": rule.name}, priority, text)


def _number(sample: Sample) -> float | None:
    value = sample.value
    # Neither NaN nor infinite: such a one is not stored either.
    return value if isinstance(value, (int, float)) and value - value == 0 else None


def _shown(number: float) -> str:
    """Bytes to the last one, percent to what can be told apart."""
    return str(int(number)) if float(number).is_integer() else f"{number:.6g}"


def _remember(spells: dict[str, Spell]) -> str:
    """A line for each: name, since when by both clocks, raised, boot."""
    return "\n".join(
        [f"{name} {it.wall_ms} {it.boottime_ms} {int(it.raised)} {it.boot_id}" for name, it in spells.items()]
    )


def _recall(memory: str) -> dict[str, Spell]:
    spells: dict[str, Spell] = {}
    for line in memory.split("\n"):
        words = line.split(" ")
        if len(words) == 5 and all(word.isdecimal() and len(word) < 16 for word in words[1:4]):
            spells[words[0]] = Spell(int(words[1]), int(words[2]), words[4], words[3] == "1")
    return spells
