"""What was told to be stored in a flood, and what of it the server has: each sample by its series, time and value.

A byte a sample and a number a body, whatever the bodies held: two days of it are 29 MB.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter

from belabox_metrics.sample import Sample

# Of each run, a second after the one before; the first is the number of the run.
NUMBERS = 167
BEGIN_MS = 1_760_000_400_000
# Of a sample: not here; here, though its sender was not told so; here, and it was told.
_ABSENT, _DOUBTFUL, _TOLD = range(3)


def value(run: int, at: int) -> float:
    """The number at this place of a run: the same each time it is asked for, and another than any beside it."""
    return run if at == 0 else (run * 7919 + at * 104729) % 10007 / 100


def samples(run: int) -> list[Sample]:
    return [
        Sample("flood.run", value(run, 0)),
        *[Sample("flood.value", value(run, at), {"of": str(at)}) for at in range(1, NUMBERS)],
    ]


class Ledger:
    """`copies`: samples that came under a second key though their sender knew that they had come; `doubtful`: those of
    which it could not know. `wrong`: what came and is none of them, how often."""

    def __init__(self) -> None:
        self.copies = self.doubtful = 0
        self.wrong: Counter[str] = Counter()
        self._marks = bytearray()
        self._bodies: dict[str, int] = {}
        labels: list[dict[str, str]] = [{"__name__": "flood_run"}]
        labels += [{"__name__": "flood_value", "of": str(at)} for at in range(1, NUMBERS)]
        self._series = {_text({**each, "device_id": "box"}): at for at, each in enumerate(labels)}

    @property
    def told(self) -> int:
        """How many samples a job has said to be stored."""
        return len(self._marks)

    @property
    def missing(self) -> int:
        return self._marks.count(_ABSENT)

    def tell(self) -> int:
        """One more run is to be stored; its number."""
        self._marks.extend(bytes(NUMBERS))
        return len(self._marks) // NUMBERS

    def arrive(self, key: str, body: bytes, told: bool) -> None:
        """`told`: the sender was given an answer."""
        is_again = key in self._bodies
        if self._bodies.setdefault(key, hash(body)) != hash(body):
            self.wrong["other bytes under the same key"] += 1
            is_again = False
        for line in (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).splitlines():
            series = json.loads(line)
            # What a maintenance tells of itself.
            if series["metric"]["__name__"].startswith("storage_"):
                continue
            at = self._series.get(_text(series["metric"]))
            if at is None or len(series["timestamps"]) != len(series["values"]):
                self.wrong["a line of no such series, or of a time without a value"] += 1
                continue
            self._mark(at, series["timestamps"], series["values"], _TOLD if told else _DOUBTFUL, is_again)

    def _mark(self, at: int, stamps: list[int], values: list[float], mark: int, is_again: bool) -> None:
        marks = self._marks
        for stamp, found in zip(stamps, values):
            run, rest = divmod(stamp - BEGIN_MS, 1000)
            place = run * NUMBERS + at
            if rest or not 0 <= place < len(marks):
                self.wrong["a sample of a time when none was taken"] += 1
            elif found != value(run + 1, at):
                self.wrong["a sample with another value"] += 1
            else:
                before = marks[place]
                if before and not is_again:
                    self.copies += before == _TOLD
                    self.doubtful += before == _DOUBTFUL
                if mark > before:
                    marks[place] = mark


def _text(labels: dict[str, str]) -> str:
    return json.dumps(labels, sort_keys=True)
