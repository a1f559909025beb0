"""One cell holds what nobody has stored there; then all jobs, as units start them; then what the server and the box
have. What a row of samples says itself is nobody's to know any more: of all others nothing may be missing."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import NamedTuple

from tests.odd_cells import columns, loose, put

from belabox_metrics.maintain import check

from ..box import Box
from ..injection import Range
from ..outcome import Row
from ..server import Sample
from .lived import lived

# So many by chance, of each row of the table.
CELLS, LONG_CELLS = 3, 120
SEED = 20261121
# As often as that all jobs have a turn, and `recover` where somebody asks for it.
TURNS = 4
# What is checked each time is another part: all of them.
JOBS = ("upload", "collect", "collect, with state", "clock", *["maintain"] * len(check.TURNS), "health")
# Whose rows are samples themselves.
OF_SAMPLES = ("runs", "minutes", "five_minutes", "rejected")
TORN = b"\xff\0"
# What a cell holds then. A number can't be told from the one that stood there, nor a value from one that never was.
KIND, TEXT, NUMBER = "another kind", "another text", "another number, or none"


class Odd(NamedTuple):
    """`value` in the `row`th of a table; `as_text`: bytes as a text, which is none."""

    table: str
    column: str
    row: int
    value: object
    as_text: bool = False

    def __str__(self) -> str:
        kind = "text " if self.as_text else ""
        return f"{self.table}.{self.column} of row {self.row} is {kind}{self.value!r}"


class Books:
    """What an unharmed box sends of what was stored before, and keeps: `sent`, `kept`. `stored`: also what it had sent
    before."""

    def __init__(self, here: Range) -> None:
        self.here = here
        self.template = lived(here.template, here.folder / "lived", here.server)
        self.until_ms = time.time_ns() // 1_000_000
        self.stored = set(here.server.arrived())
        here.server.forget()
        box = self._copy("control")
        _, wrong, _ = _lives_on(box)
        if wrong:
            raise RuntimeError(f"without a fault: {wrong}")
        self.sent = self._of_before(here.server.arrived())
        self.stored |= set(self.sent)
        self.kept = _kept(box)

    def trial(self, odd: Odd) -> Reckoned | None:
        """None where the cell held that before, or can't hold it."""
        box = self._copy("trial")
        with loose(box.database) as connection:
            stamps = _stamps(connection, odd)
            if not put(connection, *odd[:4], as_text=odd.as_text):
                return None
        self.here.server.forget()
        recovered_s, wrong, tracebacks = _lives_on(box)
        sent = self._of_before(self.here.server.arrived())
        missing = {sample for sample in self.sent if sample not in sent and sample[1] not in stamps}
        other = {sample for sample in sent if sample not in self.stored and odd.table != "runs"}
        wrong += [f"sent {sample} that was never stored" for sample in sorted(other)[:1]]
        gone = Counter() if odd.table in OF_SAMPLES else self.kept - _kept(box)
        repeated = sum(times - 1 for sample, times in sent.items() if sample[1] not in stamps)
        shutil.rmtree(box.folder)
        lost = len(missing) + sum(gone.values())
        return Reckoned(odd, lost, repeated, recovered_s, tracebacks, [f"{odd}: {what}" for what in wrong])

    def _copy(self, name: str) -> Box:
        folder = self.here.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        return self.template.copy(folder)

    def _of_before(self, arrived: Counter[Sample]) -> Counter[Sample]:
        return Counter({sample: times for sample, times in arrived.items() if sample[1] <= self.until_ms})


class Reckoned(NamedTuple):
    """`lost`: samples that were not sent, or are not kept; `repeated`: sent twice; `wrong`: what must not be."""

    odd: Odd
    lost: int
    repeated: int
    recovered_s: float
    tracebacks: int
    wrong: list[str]


def trials(long: bool) -> Iterator[Row]:
    with Range() as here:
        books = Books(here)
        for fault, every in _faults(books.template).items():
            random.Random(SEED).shuffle(every)
            yield _row(f"a cell holds {fault}", _tried(books, every, LONG_CELLS if long else CELLS), fault != NUMBER)


def _faults(box: Box) -> dict[str, list[Odd]]:
    """What a cell holds, and where that is tried."""
    faults: dict[str, list[Odd]] = {KIND: [], TEXT: [], NUMBER: []}
    with closing(sqlite3.connect(box.database)) as connection:
        for table, column in columns(box.database):
            declared, never_null = connection.execute(
                f"SELECT type, \"notnull\" OR pk FROM pragma_table_info('{table}') WHERE name = ?", (column,)
            ).fetchone()
            found = connection.execute(f"SELECT {column} FROM {table}").fetchall()
            # As many again where the rows differ: of a queue.
            count = 6 if table in ("runs", "settings") else 3
            for row in sorted({at * (len(found) - 1) // (count - 1) for at in range(count)}) if found else []:
                for fault, value in _values(found[row][0], declared, bool(never_null)):
                    faults[fault].append(Odd(table, column, row, value, as_text=value == TORN))
    return faults


def _values(value: object, declared: str, never_null: bool) -> Iterator[tuple[str, object]]:
    """Faults, and what would be one in a cell that holds `value`."""
    yield KIND if never_null else NUMBER, None
    yield from ((KIND, odd) for odd in (0.5, b"x", TORN, "x" if declared == "INTEGER" else 7))
    if isinstance(value, int):
        yield from ((NUMBER, odd) for odd in (7, -1, *[value ^ 1 << bit for bit in (0, 12, 40)]))
    if isinstance(value, str):
        at = len(value) // 2
        turned = [value[:at] + chr(ord(letter) ^ 1) + value[at + 1 :] for letter in value[at : at + 1]]
        yield from ((TEXT, odd) for odd in ("", "x", "[1]", "{}", *turned))


def _tried(books: Books, every: Iterable[Odd], most: int) -> Iterator[Reckoned]:
    tried = 0
    for odd in every:
        if tried == most:
            return
        reckoned = books.trial(odd)
        if reckoned:
            tried += 1
            yield reckoned


def _row(fault: str, reckoned: Iterable[Reckoned], is_promised: bool) -> Row:
    """Where it is not promised that nothing is lost, what was is in the note."""
    found = list(reckoned)
    again = sum(one.repeated > 0 for one in found)
    tracebacks = sum(one.tracebacks > 0 for one in found)
    short = [one for one in found if one.lost]
    note = f"what was accepted is sent again in {again}; a job ends in a traceback before it is healed in {tracebacks}"
    wrong = [what for one in found for what in one.wrong]
    if is_promised:
        wrong += [f"{one.odd}: {one.lost} samples are lost" for one in short]
    else:
        note += f"; samples are lost, which nobody can know, in {len(short)}"
    lost = sum(one.lost for one in short) if is_promised else 0
    return Row(fault, len(found), lost, 0, max(one.recovered_s for one in found), note, wrong)


def _lives_on(box: Box) -> tuple[float, list[str], int]:
    """All jobs in turn, until all do their work: how long that took, what is wrong then, how many tracebacks."""
    began, tracebacks = time.monotonic(), 0
    wanted = box.folder / "recover-wanted"
    for _ in range(TURNS):
        wrong = []
        for name in JOBS:
            done = box.job(name)
            tracebacks += "Traceback" in done.stderr
            if done.returncode or (name == "health" and '"status"' not in done.stdout):
                wrong.append(f"{name}: {done.returncode}: {done.stderr.strip()[-300:]}")
        if wanted.exists():
            done = box.job("recover")
            wrong += [f"recover: {done.stderr.strip()[-300:]}"] if done.returncode else []
        elif not wrong:
            break
    return time.monotonic() - began, wrong, tracebacks


def _stamps(connection: sqlite3.Connection, odd: Odd) -> set[int]:
    """Unix times, in ms, of the samples that the row itself holds."""
    if odd.table != "runs":
        return set()
    query = "SELECT id - lead_ms FROM runs LIMIT 1 OFFSET ?"
    return {int(row[0]) for row in connection.execute(query, (odd.row,))}


def _kept(box: Box) -> Counter[object]:
    """Numbers of what was sent long before, one by one or rolled up."""
    found: Counter[object] = Counter()
    for name in ("past.value", "long_ago.value"):
        found.update(box.stored(name))
        for step, sums in box.rolled(name).items():
            found[step, sums] += sums.numbers
    return found
