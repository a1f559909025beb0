"""What a power cut has taken: what the collectors said to have stored, held against what is there after it, and what
the server has accepted against what the queue believes."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, NamedTuple

from tests.link.account import Post, first_accepted, sample_of

from belabox_metrics import journal
from belabox_metrics.store.runs import FAILED

from .state import Run, State

# How much later than a run its record may be, where the job says to have taken less: one may wait for seconds between
# storing and telling, where all of them have used up their share of the processor.
_LATE_S = 20.0
# How far two clocks may be apart.
TOLERANCE_S = 1.0
# What a power cut may take: belabox-metrics-sync.timer waits for thirty seconds and may be one late, and then the disk
# has to write it.
WINDOW_S = 40.0
_FAILURES = {
    journal.COLLECTION_FAILED,
    journal.UPLOAD_FAILED,
    journal.JOB_FAILED,
    journal.UNIT_FAILED,
    journal.DATABASE_DAMAGED,
    journal.CLOCK_WRONG,
}


class Loss(NamedTuple):
    """Of one cut. `said`: collections that were told to be stored since the power came; `lost`: of them not there any
    more; `window_s`: how long before the cut the oldest of these was stored; `unsent`: samples that the server had
    accepted and the database doesn't know it; `unsent_s`: how long before the cut the first of these was accepted."""

    said: int
    lost: int
    window_s: float
    unsent: int
    unsent_s: float
    faults: list[str]


def loss(
    before: State,
    after: State,
    records: list[dict[str, Any]],
    posts: list[Post],
    cut: float,
    since: float = 0.0,
) -> Loss:
    """`before`: when the power came; `after`: when it came again; `records` and `posts`: what was said between, and
    accepted at any time; `since` and `cut`: when the power came and went, Unix seconds."""
    faults = [*after.faults, *_changed(before, after)]
    of_metric: dict[str | None, list[Run]] = defaultdict(list)
    for stored in after.runs.values():
        # That one has failed is told in another way.
        if stored.number not in before.runs and stored.job == "collect" and stored.outcome != FAILED:
            of_metric[stored.metric].append(stored)
    said, lost = 0, []
    # When the last of those that are there was begun: it was stored after that, and what was told before, before.
    begun = max((run.at_ms for number, run in after.runs.items() if number not in before.runs), default=0) / 1000
    for record in records:
        if record.get("MESSAGE_ID") != journal.COLLECTED:
            continue
        said += 1
        at = _at(record)
        run = _run_of(record, of_metric)
        if run is None:
            lost.append(at)
        elif run.size != int(record["BELABOX_COUNT"]):
            faults.append(f"{run.metric}: {record['BELABOX_COUNT']} numbers were stored, {run.size} are there")
    holes = [at for at in lost if at < begun]
    if holes:
        faults.append(f"{len(holes)} runs are gone that were stored before others that are there")
    unsent, unsent_s = _queue(before, after, posts, (since, cut), faults)
    window_s = max((cut - at for at in lost), default=0.0)
    if max(window_s, unsent_s) > WINDOW_S + TOLERANCE_S:
        faults.append(f"the cut took what was {max(window_s, unsent_s):.0f} s old")
    return Loss(said, len(lost), window_s, unsent, unsent_s, faults)


def _changed(before: State, after: State) -> list[str]:
    """What the cut before has left must be left by this one."""
    wrong = [number for number, run in before.runs.items() if after.runs.get(number) != run]
    return [f"{len(wrong)} runs of before are gone or differ, the first is {wrong[0]}"] if wrong else []


def _run_of(record: dict[str, Any], of_metric: dict[str | None, list[Run]]) -> Run | None:
    """The run that a record tells of; none is found twice."""
    told = _at(record)
    late_s = max(_LATE_S, float(record["BELABOX_DURATION_MS"]) / 1000 + TOLERANCE_S)
    runs = of_metric[record["BELABOX_METRIC"]]
    for run in runs:
        if told - late_s <= run.at_ms / 1000 <= told:
            runs.remove(run)
            return run
    return None


def _queue(
    before: State, after: State, posts: list[Post], on: tuple[float, float], faults: list[str]
) -> tuple[int, float]:
    """What is marked as sent must be accepted; the other way round it may be that the cut took the mark."""
    accepted = first_accepted(posts)
    rows = {sample_of(row): bool(row["uploaded"]) for row in after.samples}
    claimed = [sample for sample, sent in rows.items() if sent and sample not in accepted]
    if claimed:
        faults.append(f"{len(claimed)} samples count as sent that the server has not accepted: {claimed[0]}")
    known = {sample_of(row) for row in before.samples if row["uploaded"]}
    forgotten = [sample for sample in known if not rows.get(sample)]
    if forgotten:
        faults.append(f"{len(forgotten)} samples were sent before the power came, and are pending again")
    since, cut = on
    # What was accepted before the power came was the loss of the cut before; what was sent again may be lost again.
    meanwhile = first_accepted([post for post in posts if since <= post.at < cut])
    again = [meanwhile[sample] for sample, sent in rows.items() if not sent and sample in meanwhile]
    return len(again), max((cut - at for at in again), default=0.0)


def failures(records: list[dict[str, Any]]) -> Counter[str]:
    """What the jobs complained of."""
    return Counter(str(record.get("MESSAGE")) for record in records if record.get("MESSAGE_ID") in _FAILURES)


def _at(record: dict[str, Any]) -> float:
    """When it was sent, not when a busy journald has taken it."""
    return int(record.get("_SOURCE_REALTIME_TIMESTAMP", record["__REALTIME_TIMESTAMP"])) / 1e6
