"""From readings that are bad to observations."""

from __future__ import annotations

from ...quantity import shown
from ..observation import Observation, Seen
from ..series import spells
from ..wording import length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ...store.history import Point
    from ..recording import Recording
    from ..series import Series, Spell

# A reading that came late is no gap.
GAP = 2.5
# With one good reading between two bad ones it is one spell, and so it is with a short time without any.
JOIN, UNSEEN_MS = 2.5, 30_000


def bad(
    recording: Recording,
    series: Series | None,
    is_bad: Callable[[Point], bool],
    *,
    least: int = 1,
    lasting_ms: int = 0,
    is_steady: bool = True,
) -> list[Spell]:
    """The spells of a series within the session, of `least` readings or more and of `lasting_ms` or longer. is_steady:
    only while nobody starts or stops the stream. None of a series that is not there."""
    if series is None:
        return []
    since_ms, until_ms = recording.steady_ms if is_steady else (recording.since_ms, recording.until_ms)
    # A rate is of the time before its reading.
    points = series.within(since_ms + series.interval_ms if is_steady and not recording.is_cut else since_ms, until_ms)
    found = spells(points, round(GAP * series.interval_ms), is_bad, round(JOIN * series.interval_ms), UNSEEN_MS)
    for spell in found:
        # One that is followed by a gap is over as far as anybody knows.
        spell.is_open = spell.is_open and spell.until_ms >= until_ms - GAP * series.interval_ms
    return [spell for spell in found if len(spell) >= least and spell.until_ms - spell.since_ms >= lasting_ms]


def evidence(series: Series, spell: Spell, limit: str, *, above: bool) -> list[Seen]:
    """The reading before, the first bad one, the worst and the last."""
    source = named(series)
    worst = max(spell.points, key=lambda point: point.greatest if above else -point.least)
    found = []
    if spell.before:
        found.append(Seen(spell.before.timestamp_ms, source, f"{shown(series.name, spell.before.last)} before"))
    first = spell.points[0]
    found.append(Seen(first.timestamp_ms, source, f"{_value(series, first, above)}, {limit}"))
    if worst is not first:
        found.append(
            Seen(worst.timestamp_ms, source, f"{_value(series, worst, above)}, the worst of {len(spell)} readings")
        )
    if not spell.is_open:
        found.append(Seen(spell.until_ms, source, f"well again, after {length(spell.until_ms - spell.since_ms)}"))
    return found


def observed(
    series: Series,
    spell: Spell,
    what: str,
    limit: str,
    *,
    above: bool,
    subject: str = "",
    harm: str = "",
    family: str = "",
) -> Observation:
    """A spell as an observation."""
    return Observation(
        spell.since_ms,
        spell.until_ms,
        what,
        evidence(series, spell, limit, above=above),
        subject=subject,
        harm=harm,
        slack_ms=series.interval_ms,
        is_open=spell.is_open,
        is_coarse=series.is_coarse,
        family=family,
    )


def named(series: Series) -> str:
    """`thermal.throttle_percent device=cpufreq-cpu4`"""
    return " ".join([series.name, *[f"{key}={text}" for key, text in sorted(series.tags.items())]])


def at_least(limit: float) -> Callable[[Point], bool]:
    """Bad is what is this, or more."""
    return lambda point: point.mean >= limit


def at_most(limit: float) -> Callable[[Point], bool]:
    """Bad is what is this, or less."""
    return lambda point: point.mean <= limit


def _value(series: Series, point: Point, above: bool) -> str:
    return shown(series.name, point.greatest if above else point.least)
