"""What the box has stored of one period, series by series under the labels it is sent with."""

from __future__ import annotations

from ..store import queue
from ..upload.formats.labels import labels_of
from ..upload.formats.refusal import refusal
from .periods import right_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..store.queue import PendingRun
    from ..upload.correction import Correction
    from .periods import Period, Stretch
    from .standing import Standing

    Labels = tuple[tuple[str, str], ...]

ALL = 2**31


class SentRun:
    """`samples`: its numbers, as the queue counts them; `set_aside` of these were refused. `lacks`: one of the others
    is not on the server. None of that counts for a run that is not `sent` yet."""

    __slots__ = ("id", "lacks", "samples", "sent", "set_aside")

    def __init__(self, number: int, samples: int, sent: bool) -> None:
        self.id = number
        self.samples = samples
        self.sent = sent
        self.set_aside = 0
        self.lacks = False


class SentSample:
    """A value and what the server has at its time: `found`, the same; `twice`, the same once more; `differs`,
    something else."""

    __slots__ = ("differs", "found", "run", "twice", "value")

    def __init__(self, value: float, run: SentRun) -> None:
        self.value = value
        self.run = run
        self.found = False
        self.twice = False
        self.differs = False


class Column:
    """The samples of one series by their time, Unix ms: mostly one each. `largest`: of their absolute values."""

    __slots__ = ("at", "largest")

    def __init__(self) -> None:
        self.at: dict[int, list[SentSample]] = {}
        self.largest = 0.0

    def add(self, timestamp_ms: int, sample: SentSample) -> None:
        self.at.setdefault(timestamp_ms, []).append(sample)
        self.largest = max(self.largest, abs(sample.value))


class Stored:
    """`samples` numbers, of which `waiting` are not sent yet and `set_aside` were refused; all others are in `columns`.
    `runs`: those of each stretch of the period, by priority, in the order of the queue. Texts never leave the box and
    are not counted. `added`: as Export has it."""

    def __init__(
        self,
        connection: Connection,
        period: Period,
        standing: Standing,
        correction: Correction,
        device_id: str,
        added: dict[str, str],
    ) -> None:
        self.columns: dict[Labels, Column] = {}
        self.samples = self.waiting = self.set_aside = 0
        self.runs: list[tuple[Stretch, int, list[SentRun]]] = []
        self._connection = connection
        self._device_id = device_id
        self._added = added
        self._heads: dict[int, list[Column]] = {}
        for stretch in period.stretches:
            rejected = set(connection.execute(_REJECTED, (stretch.first, stretch.last)).fetchall())
            for priority in queue.PRIORITIES:
                runs = []
                # The same reading that the uploader has of what a run holds.
                for run in queue.waiting(connection, priority, stretch.first - 1, stretch.last, ALL):
                    timestamp_ms = right_ms(correction, run)
                    sent = SentRun(run.id, len(run.numbers), standing.is_sent(priority, run.id))
                    self._add(run, timestamp_ms, sent, rejected)
                    runs.append(sent)
                self.runs.append((stretch, priority, runs))

    def _add(self, run: PendingRun, timestamp_ms: int, sent: SentRun, rejected: set[tuple[int, int]]) -> None:
        self.samples += sent.samples
        if not sent.sent:
            self.waiting += sent.samples
            return
        columns = self._columns_of(run.shape)
        for position, value in run.numbers:
            if (run.id, position) in rejected:
                sent.set_aside += 1
                self.set_aside += 1
            # A format leaves out what no server can be told.
            elif position >= len(columns) or refusal(timestamp_ms, value):
                self.set_aside += 1
            else:
                columns[position].add(timestamp_ms, SentSample(value, sent))

    def _columns_of(self, shape: int) -> list[Column]:
        if shape not in self._heads:
            series = queue.series_of(self._connection, shape)
            labels = [tuple(sorted({**labels_of(one, self._device_id), **self._added}.items())) for one in series]
            self._heads[shape] = [self.columns.setdefault(one, Column()) for one in labels]
        return self._heads[shape]


_REJECTED = "SELECT run, position FROM rejected WHERE run BETWEEN ? AND ?"
