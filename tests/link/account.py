"""The reckoning: what the box has stored against what the server has, copy by copy."""

from __future__ import annotations

import base64
import gzip
import json
from collections import Counter, defaultdict
from math import isclose
from typing import Any, NamedTuple

from belabox_metrics.upload.formats.labels import labels_of

# Labels in order, and the time in Unix ms.
Sample = tuple[tuple[tuple[str, str], ...], int]
# VictoriaMetrics keeps twelve digits.
_DIGITS = 1e-9


class Post(NamedTuple):
    """A request that the server has accepted, at that time, over a connection that the box `began` then. `cut`: on
    purpose, the box was not told."""

    began: float
    at: float
    key: str
    cut: bool
    samples: frozenset[Sample]


class Trouble(NamedTuple):
    """Something after which a chunk is sent again: it happened between these two moments (Unix seconds), of which the
    box began nothing anew before the first; and what it was."""

    at: float
    until: float
    what: str


class Account(NamedTuple):
    """`copies`: those beyond the first, by what explains them. `faults`: what must not be, in words."""

    stored: int
    exported: int
    missing: int
    foreign: int
    differing: int
    copies: dict[str, int]
    faults: list[str]


def posts_of(requests: list[dict[str, Any]], packets: list[dict[str, Any]] | None = None) -> list[Post]:
    """`requests` as front.py has written them down, `packets` as begun.py has; without them a connection began when the
    server took it."""
    return [
        Post(
            entry["began"] if packets is None else _began(entry, packets),
            entry["at"],
            entry["key"],
            entry["cut"],
            _samples_in(entry),
        )
        for entry in requests
        if 200 <= entry["status"] < 300
    ]


def _began(request: dict[str, Any], packets: list[dict[str, Any]]) -> float:
    """When the box asked for the connection first: the server may have taken it after the box had given it up, or
    was killed. A port comes back in another connection, so it is the last before the server took it."""
    before = [one for one in packets if one["port"] == request["peer"] and one["at"] <= request["began"]]
    if not before:
        raise RuntimeError(f"nobody saw the box begin the connection of {request['key']}")
    return min(float(one["at"]) for one in before if one["sequence"] == before[-1]["sequence"])


def balance(
    stored: list[dict[str, Any]], exported: list[dict[str, Any]], posts: list[Post], troubles: list[Trouble]
) -> Account:
    """`stored`: rows of the view `metrics`, the numbers; `exported`: lines of /api/v1/export."""
    wanted = {sample_of(row): float(row["metric_value"]) for row in stored}
    found: dict[Sample, list[float]] = defaultdict(list)
    for line in exported:
        labels = _ordered(line["metric"])
        for at, value in zip(line["timestamps"], line["values"]):
            found[labels, at].append(value)
    faults = []
    if len(wanted) != len(stored):
        faults.append(f"{len(stored) - len(wanted)} samples of the box have the series and the time of another")
    missing = wanted.keys() - found.keys()
    foreign = found.keys() - wanted.keys()
    differing = [
        sample
        for sample, values in found.items()
        if sample in wanted and not all(isclose(value, wanted[sample], rel_tol=_DIGITS) for value in values)
    ]
    for kind, which in (("missing", missing), ("foreign", foreign), ("differing", differing)):
        faults += [f"{kind}: {dict(labels)} at {at}" for labels, at in sorted(which)[:5]]
    copies = {sample: len(values) - 1 for sample, values in found.items() if len(values) > 1}
    explained = _explained(copies, posts, troubles)
    if explained[_UNEXPLAINED]:
        faults.append(f"{explained[_UNEXPLAINED]} copies that nothing explains")
    total = sum(map(len, found.values()))
    return Account(
        len(wanted),
        total,
        len(missing),
        len(foreign),
        len(differing),
        {k: n for k, n in explained.items() if n},
        faults,
    )


_UNEXPLAINED = "unexplained"


def _explained(copies: dict[Sample, int], posts: list[Post], troubles: list[Trouble]) -> Counter[str]:
    """Each copy must be of a chunk that was accepted again, after something went wrong in between: the answer was cut,
    or the uploader was killed, or it waited for the answer in vain."""
    of_chunk: dict[str, list[Post]] = defaultdict(list)
    for post in posts:
        of_chunk[_chunk(post.key)].append(post)
    left = dict(copies)
    explained: Counter[str] = Counter()
    for accepted in of_chunk.values():
        # Not by when they were taken or accepted: what the box has given up the kernel still sends, and it may come
        # late, even after what was sent instead.
        accepted.sort(key=lambda post: post.began)
        for at, again in enumerate(accepted):
            # The same bytes, or a part of them: what gets no answer is halved in the end.
            first = next((post for post in reversed(accepted[:at]) if again.samples <= post.samples), None)
            if first is None or first.began == again.began:
                continue
            between = [one.what for one in troubles if first.began <= one.until and one.at <= again.began]
            cause = "the answer was cut" if first.cut else between[0] if between else ""
            if cause:
                for sample in again.samples & left.keys():
                    left[sample] -= 1
                    explained[cause] += 1
    # Less than none is as wrong as too many: the server has not kept what it has accepted twice.
    explained[_UNEXPLAINED] = sum(abs(number) for number in left.values())
    return explained


def _chunk(key: str) -> str:
    """Batch and index: of a key's last two numbers, from where to where, a chunk that was halved has several."""
    return key.rsplit("-", 2)[0]


def first_accepted(posts: list[Post]) -> dict[Sample, float]:
    """When each sample was accepted first, Unix seconds."""
    found: dict[Sample, float] = {}
    for post in posts:
        for sample in post.samples:
            found.setdefault(sample, post.at)
    return found


def sample_of(row: dict[str, Any]) -> Sample:
    return _ordered(labels_of((row["metric_name"], row["tags"] or ""), row["device_id"])), row["timestamp_ms"]


def _samples_in(entry: dict[str, Any]) -> frozenset[Sample]:
    body = base64.b64decode(entry["body"])
    text = gzip.decompress(body) if entry["encoding"] == "gzip" else body
    lines = [json.loads(line) for line in text.splitlines()]
    return frozenset((_ordered(line["metric"]), at) for line in lines for at in line["timestamps"])


def _ordered(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))
