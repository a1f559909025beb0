"""What is sent of any series and any number: a strict server finds nothing wrong with it, every number that can be said
is in it, and no two series have become one."""

from __future__ import annotations

import json
from pathlib import Path

from belabox_metrics.receiver import document, lines
from belabox_metrics.sample import canonical
from belabox_metrics.store.queue import PendingRun
from belabox_metrics.upload.formats.document import Document
from belabox_metrics.upload.formats.labels import tags_of
from belabox_metrics.upload.formats.refusal import refusal
from belabox_metrics.upload.formats.remote_write import RemoteWrite
from belabox_metrics.upload.formats.victoriametrics import Lines
from belabox_metrics.upload.names import is_regular, metric_name

from .draw import HOSTILE, Draw
from .target import NOW_MS, Target

Series = tuple[str, str]
# On the wire several of these would be one, but for the label that tells them apart.
NAMES = ("cpu.usage_percent", "cpu_usage_percent", "cpu usage percent", "a", "own:x", "9.lives", "_9_lives", "")
TAGS: tuple[dict[str, str], ...] = (
    {},
    {"core": "all"},
    {"device_id": "other", "__name__": "x", "stored_as": "y"},
    {"a.b": "1", "a_b": "2"},
    {"a.b": "1"},
    {"a_b": "1"},
)
DAMAGED = ("{", "[]", '{"a":1}', "null")
MOST = 12


def _series(draw: Draw) -> Series:
    name = draw.pick(NAMES) if draw.number(2) else draw.text()
    kind = draw.number(4)
    if kind == 0:
        return name, canonical(dict(draw.pick(TAGS)))
    if kind == 1:
        return name, canonical({draw.text(): draw.text(), "core": draw.text() * (1 + draw.number(64))})
    if kind == 2:
        return name, canonical({f"tag{at}": "x" for at in range(draw.number(40))})
    return name, draw.pick(DAMAGED)


def _runs(draw: Draw, shapes: dict[int, list[Series]]) -> list[PendingRun]:
    found = []
    for number in range(MOST):
        if not draw.more():
            break
        shape = draw.number(len(shapes) + 1)
        numbers = [(at, value) for at in range(1 + draw.number(5)) if isinstance(value := draw.value(), (int, float))]
        timestamp_ms = NOW_MS - draw.number(1000) if draw.number(8) else draw.number(2**50) - 2**49
        found.append(PendingRun(number, timestamp_ms, shape, numbers, "s-1"))
    return found


def lines_of(data: bytes) -> None:
    draw = Draw(data)
    shapes = {at: [_series(draw) for _ in range(1 + draw.number(4))] for at in range(1 + draw.number(3))}
    device = draw.text() if draw.number(4) == 0 else "box-1"
    chunk = _runs(draw, shapes)
    said = [
        (shapes[run.shape][at], run.timestamp_ms)
        for run in chunk
        for at, value in run.numbers
        if at < len(shapes.get(run.shape, ())) and not refusal(run.timestamp_ms, value)
    ]
    body = Lines(device, shapes, False).encode(chunk)
    RemoteWrite(device, shapes, False).encode(chunk)
    if said:
        judged = lines.judge(body, "other", NOW_MS)
        told = [one for one in judged.findings.lines() if "timestamp" not in one]
        assert not told, told[:3]
        found = [json.loads(line) for line in body.split(b"\n") if line]
        assert sum(len(line["values"]) for line in found) == len(said)
        # A text of tags that is damaged stands for itself. Two names that differ by dots alone nobody stores.
        series = {
            (metric_name(name) if is_regular(name) else name, str(tags_of(tags) or tags)) for (name, tags), _ in said
        }
        assert len({json.dumps(line["metric"], sort_keys=True) for line in found}) == len(found) == len(series)
    whole = Document(device, shapes, False).encode(chunk)
    judged = document.judge(whole, "other", NOW_MS)
    told = [one for one in judged.findings.lines() if one.startswith("body: ")]
    assert all("device_id" in one or "time" in one for one in told), told
    assert len(json.loads(whole)["metrics"]) == len(said)


def _seeds() -> list[Path | str | bytes]:
    found: list[Path | str | bytes] = [b""]
    for kind in range(4):
        for at in range(len(HOSTILE)):
            found.append(bytes([3, 1, 1, kind, 2, 0, 0, kind, 0, at, 0, at, 1, 5]) + bytes(range(at, at + 40)))
    return found


TARGETS = [Target("sent.lines", lines_of, _seeds())]
