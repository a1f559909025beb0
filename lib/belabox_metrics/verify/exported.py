"""Lines of VictoriaMetrics' `/api/v1/export`, as a server that can't be trusted gives them.

Format: https://docs.victoriametrics.com/#how-to-export-data-in-json-line-format. A line is a block of one series:
`{"metric": {"__name__": "a", "core": "0"}, "values": [1.5], "timestamps": [1700000000000]}`, times in Unix ms. A
series may have several lines. A value that JSON can't say is null or a text.
"""

from __future__ import annotations

import json
import math

from ..errors import ConfigProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .stored import Labels


class Line:
    """Labels, sorted by name; pairs of time and value, NaN for what is no number."""

    __slots__ = ("labels", "largest", "samples")

    def __init__(self, labels: Labels, samples: list[tuple[int, float]]) -> None:
        self.labels = labels
        self.samples = samples
        self.largest = max((abs(value) for _, value in samples if math.isfinite(value)), default=0.0)


def parse(text: bytes, where: str) -> Line:
    """Raises ConfigProblem, naming `where`, for a line that is not of this format."""
    try:
        # An integer of a million digits would keep the processor busy for minutes, a float does not.
        found = json.loads(text, parse_int=float)
        labels, values, timestamps = found["metric"], found["values"], found["timestamps"]
        if len(values) == len(timestamps) and all(isinstance(label, str) for label in labels.values()):
            return Line(
                tuple(sorted(labels.items())), [(_time(at), _number(value)) for at, value in zip(timestamps, values)]
            )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        pass
    hint = "verify needs a VictoriaMetrics; remote.query_url says where it is, if not beside remote.url"
    raise ConfigProblem("the answer is not what VictoriaMetrics exports", where=where, hint=hint)


def _time(at: Any) -> int:
    """Not of a text: its digits, a million of them, would be the same to int()."""
    if not isinstance(at, float):
        raise TypeError
    return int(at)


def _number(value: Any) -> float:
    return value if isinstance(value, float) else math.nan
