"""Prometheus remote-write 1.0: one protobuf message, compressed by snappy (the block format), always.

Protocol: https://prometheus.io/docs/specs/prw/remote_write_spec/, which wants labels sorted by name and the samples of
a series in the order of time. Messages: prompb/remote.proto and prompb/types.proto of Prometheus.
"""

from __future__ import annotations

import struct

from ...distribution import make_importable
from ...errors import ConfigProblem
from .columns import Columns
from .protobuf import eight_bytes, integer, sized

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ...store.queue import PendingRun, Series

# Numbers of fields
_TIMESERIES = 1  # of WriteRequest
_LABELS, _SAMPLES = 1, 2  # of TimeSeries
_NAME, _VALUE = 1, 2  # of Label
_SAMPLE_VALUE, _TIMESTAMP = 1, 2  # of Sample
_double = struct.Struct("<d").pack


class RemoteWrite:
    NAME = "prometheus-remote-write"
    ONE_SESSION = False

    def __init__(self, device_id: str, shapes: dict[int, list[Series]], compress: bool) -> None:  # noqa: ARG002
        """`compress` changes nothing: the protocol knows no other body than a compressed one."""
        self._columns: Columns[bytes] = Columns(device_id, shapes, _head)
        self._compressed = snappy()

    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        }

    def is_own(self, found: dict[str, str]) -> bool:
        return found == self.headers()

    def encode(self, chunk: list[PendingRun]) -> bytes:
        frames: dict[int, tuple[bytes, bytes]] = {}
        series = []
        for head, (timestamps, values) in self._columns.of(chunk).items():
            samples = [head]
            for timestamp_ms, value in zip(timestamps, values):
                if timestamp_ms not in frames:
                    frames[timestamp_ms] = _frame(timestamp_ms)
                before, after = frames[timestamp_ms]
                samples.append(before + _double(value) + after)
            series.append(sized(_TIMESERIES, b"".join(samples)))
        return self._compressed(b"".join(series))

    def shortfall(self, body: bytes, samples: int) -> str:  # noqa: ARG002 - the protocol knows no body of an answer
        return ""

    def checkpoint(self, body: bytes) -> int | None:  # noqa: ARG002 - the protocol knows no body of an answer
        return None


def snappy() -> Callable[[bytes], bytes]:
    """What compresses. Raises ConfigProblem when the package is missing."""
    make_importable()
    try:
        from snappy import compress
    except ImportError as error:
        raise ConfigProblem(
            "prometheus-remote-write needs the package python3-snappy",
            where="remote.format",
            hint="apt install python3-snappy, or another format",
        ) from error
    return compress  # type: ignore[no-any-return]


def _head(labels: dict[str, str]) -> bytes:
    pairs = [
        sized(_NAME, name.encode()) + sized(_VALUE, value.encode())
        for name, value in sorted(labels.items())  # Label names are ASCII: in the order of their bytes.
    ]
    return b"".join([sized(_LABELS, pair) for pair in pairs])


def _frame(timestamp_ms: int) -> tuple[bytes, bytes]:
    """A sample of this time without the eight bytes of its value: what comes before them, and after. All samples of a
    run have the same."""
    after = integer(_TIMESTAMP, timestamp_ms)
    value = eight_bytes(_SAMPLE_VALUE)
    whole = sized(_SAMPLES, value + bytes(8) + after)
    return whole[: -len(after) - 8], after
