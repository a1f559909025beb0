"""When which sample had come to the server, by what a front before it wrote down (tests/link/front.py)."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from belabox_metrics.upload.formats.labels import labels_of

# Labels in order, and the time in Unix ms.
Sample = tuple[tuple[tuple[str, str], ...], int]


def arrivals(requests: list[dict[str, Any]]) -> dict[Sample, float]:
    """When each sample was accepted first, Unix seconds."""
    found: dict[Sample, float] = {}
    for request in requests:
        if not 200 <= request["status"] < 300:
            continue
        for line in body(request).splitlines():
            series = json.loads(line)
            for at in series["timestamps"]:
                found.setdefault((_ordered(series["metric"]), at), request["at"])
    return found


def sample_of(row: dict[str, Any]) -> Sample:
    """Of a row of the view `metrics`."""
    return _ordered(labels_of((row["metric_name"], row["tags"] or ""), row["device_id"])), row["timestamp_ms"]


def body(request: dict[str, Any]) -> str:
    packed = base64.b64decode(request["body"])
    return (gzip.decompress(packed) if request["encoding"] == "gzip" else packed).decode()


def _ordered(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))
