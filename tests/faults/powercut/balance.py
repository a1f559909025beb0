"""The reckoning at the end: what the box has stored against what the server has, copy by copy. What only the server
has, or has twice, must be what one cut has taken: nothing else explains it."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from math import isclose
from typing import Any, NamedTuple

from tests.link.account import Post, Sample, sample_of

from .audit import TOLERANCE_S, WINDOW_S
from .state import State

Labels = tuple[tuple[str, str], ...]
# The server keeps twelve digits.
_DIGITS = 1e-9


class Aftermath(NamedTuple):
    """What one cut has left of what was to be sent. `unsent`: samples that the database has and doesn't know to be
    accepted; `newest`: of each series, the time of the last sample that is there."""

    cut: float
    unsent: frozenset[Sample]
    newest: dict[Labels, int]


class Reckoning(NamedTuple):
    """`lost_on_server`: samples that a cut took from the box, which the server has; `copies`: beyond the first."""

    stored: int
    exported: int
    missing: int
    lost_on_server: int
    copies: int
    faults: list[str]


def aftermath(cut: float, after: State) -> Aftermath:
    """Of the cut at that Unix time, which has left this."""
    unsent, newest = set(), dict[Labels, int]()
    for row in after.samples:
        labels, at = sample = sample_of(row)
        newest[labels] = max(at, newest.get(labels, 0))
        if not row["uploaded"]:
            unsent.add(sample)
    return Aftermath(cut, frozenset(unsent), newest)


def balance(final: State, exported: list[dict[str, Any]], posts: list[Post], aftermaths: list[Aftermath]) -> Reckoning:
    """`aftermaths` in the order of the cuts."""
    wanted = {sample_of(row): float(row["metric_value"]) for row in final.samples}
    found: dict[Sample, list[float]] = defaultdict(list)
    for line in exported:
        labels = tuple(sorted(line["metric"].items()))
        for at, value in zip(line["timestamps"], line["values"]):
            found[labels, at].append(value)
    faults = list(final.faults)
    if len(wanted) != len(final.samples):
        faults.append(f"{len(final.samples) - len(wanted)} samples have the series and the time of another")
    missing, foreign = wanted.keys() - found.keys(), found.keys() - wanted.keys()
    differing = {
        sample
        for sample, values in found.items()
        if not all(isclose(value, wanted.get(sample, values[0]), rel_tol=_DIGITS) for value in values)
    }
    accepted = _accepted(posts)
    taken = {sample for sample in foreign if _was_taken(sample, accepted[sample], aftermaths)}
    odd = {sample for sample in found if not _was_sent_again(sample, accepted[sample], aftermaths)}
    uneven = {sample for sample, values in found.items() if len(values) != len(accepted[sample])}
    pending = {sample_of(row) for row in final.samples if not row["uploaded"]}
    for samples, what in (
        (missing, "are not on the server"),
        (differing, "differ"),
        (foreign - taken, "are on the server alone, and no power cut explains it"),
        (odd, "were accepted more than once, and no power cut explains it"),
        (uneven, "are there more or less often than they were accepted"),
        (pending, "are still pending"),
    ):
        if samples:
            faults.append(f"{len(samples)} samples {what}: {min(samples)}")
    total = sum(map(len, found.values()))
    return Reckoning(len(wanted), total, len(missing), len(foreign), total - len(found), faults)


def _accepted(posts: list[Post]) -> dict[Sample, list[Post]]:
    """By when they were sent, not by when they were accepted: what a dead machine has sent may come late."""
    found: dict[Sample, list[Post]] = defaultdict(list)
    for post in sorted(posts, key=lambda post: (post.began, post.at)):
        for sample in post.samples:
            found[sample].append(post)
    return found


def _was_sent_again(sample: Sample, posts: list[Post], aftermaths: list[Aftermath]) -> bool:
    """Whether before each time but the first a cut had taken from the queue that it was accepted, not long before."""
    return all(
        any(
            sample in left.unsent and _is_just_before(before, left.cut) and left.cut <= again.began
            for left in aftermaths
        )
        for before, again in pairwise(posts)
    )


def _was_taken(sample: Sample, posts: list[Post], aftermaths: list[Aftermath]) -> bool:
    """Whether the first cut after it was accepted can have taken it: not long after that, and with all of its series
    that came later."""
    labels, at = sample
    left = next((left for left in aftermaths if posts and posts[-1].began <= left.cut), None)
    return left is not None and _is_just_before(posts[-1], left.cut) and at > left.newest.get(labels, 0)


def _is_just_before(post: Post, cut: float) -> bool:
    return post.began <= cut <= post.at + WINDOW_S + TOLERANCE_S
