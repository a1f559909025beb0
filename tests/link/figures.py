"""What each phase was like: for the collectors, for the uploader, for what is critical."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from statistics import median
from typing import Any, NamedTuple

from belabox_metrics import journal

from ..pressure import Waits
from .account import Post, first_accepted, sample_of

# Of a timer's gap; beyond it a run was missed.
_LATE = 1.5
CRITICAL, LOW = 0, 3


class Window(NamedTuple):
    """A phase as it was, Unix seconds. `failed`: units that did so in it."""

    kind: str
    title: str
    start: float
    end: float
    failed: list[str]

    def has(self, at: float) -> bool:
        return self.start <= at < self.end


class Evidence(NamedTuple):
    """`samples`: rows of the view metrics, `runs`: of collections, `intervals`: metric -> ms, `collected` and
    `uploaded`: records of the journal; `waits`: for how long the machine's programs waited for the host."""

    samples: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    intervals: dict[str, int]
    collected: list[dict[str, Any]]
    uploaded: list[dict[str, Any]]
    posts: list[Post]
    kills: list[tuple[float, str]]
    waits: Waits


def figures(windows: list[Window], evidence: Evidence) -> list[dict[str, Any]]:
    """A row a phase."""
    arrival = first_accepted(evidence.posts)
    arrivals = [(row["timestamp_ms"] / 1000, row["priority"], arrival.get(sample_of(row))) for row in evidence.samples]
    waits = _waits_ms(evidence)
    late = _late(evidence)
    return [
        {
            "kind": window.kind,
            "phase": window.title,
            "seconds": round(window.end - window.start),
            **_of_collectors(window, evidence, waits, late),
            **_of_uploader(window, evidence),
            **_of_critical(window, arrivals),
            **_recovery(window, arrivals, evidence.posts),
            "units_failed": window.failed,
        }
        for window in windows
    ]


def of_critical(windows: list[Window], evidence: Evidence) -> list[float]:
    """From a critical sample to the server's acceptance, seconds each, of what was sampled in these phases; without
    what they waited for the host."""
    arrival = first_accepted(evidence.posts)
    found: dict[int, float] = {}
    for row in evidence.samples:
        at, arrived = row["timestamp_ms"], arrival.get(sample_of(row))
        if row["priority"] == CRITICAL and arrived and any(window.has(at / 1000) for window in windows):
            took = arrived - at / 1000 - evidence.waits.between(at / 1000, arrived)
            found[at] = max(took, found.get(at, 0.0))
    return sorted(found.values())


def _of_collectors(
    window: Window, evidence: Evidence, waits: list[tuple[float, float, float]], late: list[float]
) -> dict[str, Any]:
    runs = [run for run in evidence.runs if window.has(run["at"] / 1000)]
    here = [(whole, wait) for at, whole, wait in waits if window.has(at)]
    return {
        "runs": len(runs),
        "runs_failed": sum(run["outcome"] == 2 for run in runs),
        "runs_late": sum(window.has(at) for at in late),
        "run_median_ms": round(median([whole for whole, _ in here]), 1) if here else None,
        "store_median_ms": round(median([wait for _, wait in here]), 1) if here else None,
        "store_longest_ms": round(max((wait for _, wait in here), default=0), 1),
    }


def _of_uploader(window: Window, evidence: Evidence) -> dict[str, Any]:
    """`uploads_whole`: those that also began in it. How late one ends that began before is no matter of the link."""
    records = [record for record in evidence.uploaded if window.has(told_at(record))]
    uploaded = [record for record in records if record.get("MESSAGE_ID") == journal.UPLOADED]
    modes = Counter(record["BELABOX_MODE"] for record in records if record.get("BELABOX_MODE"))
    return {
        "uploads": len(uploaded),
        "uploads_whole": sum(
            window.has(told_at(record) - float(record["BELABOX_DURATION_MS"]) / 1000) for record in uploaded
        ),
        "uploads_failed": sum(record.get("MESSAGE_ID") == journal.UPLOAD_FAILED for record in records),
        "modes": dict(modes.most_common()),
        "killed": sum(window.has(at) for at, _ in evidence.kills),
    }


def _of_critical(window: Window, arrivals: list[tuple[float, int, float | None]]) -> dict[str, Any]:
    took: dict[float, float] = defaultdict(float)
    for at, priority, arrived in arrivals:
        if priority == CRITICAL and arrived and window.has(at):
            took[at] = max(took[at], arrived - at)
    return {
        "critical": len(took),
        "critical_median_s": round(median(took.values()), 2) if took else None,
        "critical_worst_s": round(max(took.values()), 2) if took else None,
    }


def _recovery(
    window: Window, arrivals: list[tuple[float, int, float | None]], posts: list[Post]
) -> dict[str, float | None]:
    """From the end of the phase before: until something was accepted, and until all was that had been sampled by then.
    Without priority 3, which may wait ten minutes on the best of days."""
    began = window.start
    first = min((post.at for post in posts if post.at >= began), default=None)
    behind = [arrived for at, priority, arrived in arrivals if priority < LOW and at < began and arrived]
    return {
        "first_accepted_s": None if first is None else round(first - began, 1),
        "caught_up_s": round(max(0.0, max(behind, default=began) - began), 1),
    }


def _late(evidence: Evidence) -> list[float]:
    """When each run came that was due before, and that nobody but the box has held up."""
    of_metric: dict[str, list[int]] = defaultdict(list)
    for run in evidence.runs:
        of_metric[run["metric"]].append(run["at"])
    found = []
    for metric, stamps in of_metric.items():
        allowed_s = evidence.intervals[metric] * _LATE / 1000
        for earlier, later in zip(stamps, stamps[1:]):
            begin, end = earlier / 1000, later / 1000
            if end - begin > allowed_s + evidence.waits.between(begin, end):
                found.append(end)
    return found


def _waits_ms(evidence: Evidence) -> list[tuple[float, float, float]]:
    """(when, how long a run took, how much of it was storing: the lock, the transaction) of each collection.

    A run's `duration_us` ends before it is stored; what the journal says, after."""
    stamps: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for run in evidence.runs:
        stamps[run["metric"]].append((run["at"] / 1000, run["duration_us"] / 1000))
    found = []
    for record in evidence.collected:
        if record.get("MESSAGE_ID") != journal.COLLECTED:
            continue
        runs = stamps[record["BELABOX_METRIC"]]
        place = bisect_right(runs, (told_at(record), 0.0)) - 1
        if place >= 0:
            at, before = runs[place]
            whole = float(record["BELABOX_DURATION_MS"])
            found.append((at, whole, max(0.0, whole - before)))
    return found


def told_at(record: dict[str, Any]) -> float:
    """When it was told, Unix seconds: journald, which may be busy, takes it later."""
    return int(record.get("_SOURCE_REALTIME_TIMESTAMP") or record["__REALTIME_TIMESTAMP"]) / 1e6
