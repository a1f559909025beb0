"""The lines of VictoriaMetrics' `/api/v1/import`: one series a line, its values and timestamps (Unix ms) as arrays.

Format: https://docs.victoriametrics.com/single-server-victoriametrics/#json-line-format. The server answers 204 to a
line it can't parse and drops it, so nothing doubtful may leave.
"""

from __future__ import annotations

import json

from .columns import Columns
from .compression import are_headers, headers, packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...store.queue import PendingRun, Series

_CONTENT_TYPE = "application/x-ndjson"


class Lines:
    NAME = "victoriametrics"
    ONE_SESSION = False

    def __init__(self, device_id: str, shapes: dict[int, list[Series]], compress: bool) -> None:
        self._columns: Columns[str] = Columns(device_id, shapes, _head)
        self._compress = compress

    def headers(self) -> dict[str, str]:
        return headers(_CONTENT_TYPE, self._compress)

    def is_own(self, found: dict[str, str]) -> bool:
        return are_headers(found, _CONTENT_TYPE)

    def encode(self, chunk: list[PendingRun]) -> bytes:
        lines = [
            f'{head}"values":{_array(values)},"timestamps":{_array(timestamps)}}}\n'
            for head, (timestamps, values) in self._columns.of(chunk).items()
        ]
        return packed("".join(lines), self._compress)

    def shortfall(self, body: bytes, samples: int) -> str:  # noqa: ARG002 - the server's answer has no body
        return ""

    def checkpoint(self, body: bytes) -> int | None:  # noqa: ARG002 - the server's answer has no body
        return None


def _head(labels: dict[str, str]) -> str:
    return f'{{"metric":{json.dumps(labels, separators=(",", ":"))},'


def _array(numbers: list[int] | list[float]) -> str:
    return f"[{','.join(map(repr, numbers))}]"
