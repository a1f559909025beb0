"""The documented body of `POST /api/v1/metrics`: one JSON object, its samples in the order of time.

`{"session_id", "device_id", "timestamp", "metrics": [{"name", "value", "tags", "timestamp"}]}`. Names and tags are as
stored, times are RFC 3339 in UTC with milliseconds, `timestamp` of the document is its newest sample's. What was
sampled while no stream was live has no `session_id`. The answer may have a `checkpoint`, in Unix ms.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from ...errors import Damaged
from ...json_text import parse
from ...store.sqlite import Torn
from .compression import are_headers, headers, packed
from .labels import tags_of, utf8
from .refusal import LAST_MS, refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...store.queue import PendingRun, Series

_CONTENT_TYPE = "application/json"
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the Z is written below


class Document:
    NAME = "json"
    ONE_SESSION = True

    def __init__(self, device_id: str, shapes: dict[int, list[Series]], compress: bool) -> None:
        self._device_id = device_id
        self._shapes = shapes
        self._compress = compress
        self._heads: dict[int, list[str]] = {}

    def headers(self) -> dict[str, str]:
        return headers(_CONTENT_TYPE, self._compress)

    def is_own(self, found: dict[str, str]) -> bool:
        return are_headers(found, _CONTENT_TYPE)

    def encode(self, chunk: list[PendingRun]) -> bytes:
        """Raises Damaged for a session whose id is no text any more: to the server it would be another."""
        found = []
        newest = 0
        for run in sorted(chunk, key=lambda run: run.timestamp_ms):
            heads = self._heads_of(run.shape)
            numbers = [
                (heads[at], value)
                for at, value in run.numbers
                if at < len(heads) and not refusal(run.timestamp_ms, value)
            ]
            if numbers:
                newest = run.timestamp_ms
                taken = _rfc3339(newest)
                found += [f'{head}"value":{value!r},"timestamp":"{taken}"}}' for head, value in numbers]
        return packed(
            f'{{{_session(chunk)}"device_id":{_quoted(self._device_id)},"timestamp":"{_rfc3339(newest)}",'
            f'"metrics":[{",".join(found)}]}}',
            self._compress,
        )

    def shortfall(self, body: bytes, samples: int) -> str:
        answer = _answer(body)
        if answer.get("success") is False:
            return "it says that it was no success"
        received = answer.get("received")
        if type(received) is int and received < samples:
            return f"it received {received} of {samples} samples"
        return ""

    def checkpoint(self, body: bytes) -> int | None:
        said = _answer(body).get("checkpoint")
        # bool is a kind of int
        if type(said) is not int or not 0 <= said <= LAST_MS:
            return None
        return said

    def _heads_of(self, shape: int) -> list[str]:
        if shape not in self._heads:
            self._heads[shape] = [_head(name, tags) for name, tags in self._shapes.get(shape, [])]
        return self._heads[shape]


def _answer(body: bytes) -> dict[str, object]:
    """What the server says, as far as it says it as documented."""
    try:
        answer = parse(body.decode())
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _session(chunk: list[PendingRun]) -> str:
    session = chunk[0].session if chunk else ""
    if isinstance(session, Torn):
        raise Damaged("the id of a session is no text")
    return f'"session_id":{_quoted(session)},' if session else ""


def _head(name: str, tags: str) -> str:
    given = {utf8(key): utf8(value) for key, value in (tags_of(tags) or {}).items()}
    return f'{{"name":{_quoted(name)},"tags":{json.dumps(given, separators=(",", ":"))},'


def _quoted(text: str) -> str:
    return json.dumps(utf8(text))


def _rfc3339(timestamp_ms: int) -> str:
    """`2025-10-11T14:30:00.123Z`. Not by way of a float, which would round."""
    return (_EPOCH + timedelta(milliseconds=timestamp_ms)).isoformat(timespec="milliseconds") + "Z"
