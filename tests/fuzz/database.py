"""The opener of the database, and what brings a damaged one back: bits of its file, its log and its index turned.

What must hold, whatever was turned:

* a job stores its sample, or says in one sentence why not; a database that was moved aside is replaced at once;
* where nothing but the log or its index was turned, nothing is moved aside, and all runs before the first turned byte
  are there, in their order, each once;
* a run on a page that nobody turned is there at the end, wherever it was before;
* the database is whole then, as SQLite's own check says;
* it all ends: libFuzzer's time limit is the judge of that.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from belabox_metrics import journal, recover
from belabox_metrics.clock import Moment
from belabox_metrics.errors import Damaged, Problem
from belabox_metrics.sample import Sample
from belabox_metrics.store import header, queue, runs
from belabox_metrics.store.carving import Carving
from belabox_metrics.store.database import DatabaseError, Store, problem
from belabox_metrics.store.schema import PAGE_SIZE

from .draw import Draw
from .target import Target, scratch

# Folded into the file, and after that in the log alone. A run of these is a quarter of a page.
EARLIER, LATER = 60, 12
NUMBERS = 12
BEGIN_MS = 1_760_000_000_000
MOST_PATCHES = 8
FILES = ("", "-wal", "-shm")


class Original(NamedTuple):
    """`files`: contents by the end of their names. `folded`: runs by the number of the page of the file that they are
    on. `ends`: how long the log was after each run that is in it."""

    files: dict[str, bytes]
    folded: dict[int, set[int]]
    ends: list[int]


@cache
def original() -> Original:
    """As jobs leave it: nobody closes."""
    folder = Path(scratch()) / "original"
    folder.mkdir()
    path = folder / "metrics.db"
    store = Store(str(path))
    for at in range(EARLIER):
        _add(store, at)
    with store.writing() as connection:
        queue.advance(connection, runs.NORMAL, BEGIN_MS + EARLIER // 2 * 1000)
        connection.execute("INSERT INTO settings VALUES ('device', 'id', 0, 'box-1')")
    # Who checkpoints writes at once: so the log is one of a database that was folded into before.
    with store.writing(checkpoint_first=True) as connection:
        runs.add(connection, runs.Run("maintain", _moment(EARLIER)))
    ends = []
    for at in range(EARLIER + 1, EARLIER + 1 + LATER):
        _add(store, at)
        ends.append(os.stat(f"{path}-wal").st_size)
    files = {end: Path(f"{path}{end}").read_bytes() for end in FILES}
    store.close()
    return Original(files, _folded(files[""]), ends)


def _folded(content: bytes) -> dict[int, set[int]]:
    alone = Path(scratch()) / "alone.db"
    found: dict[int, set[int]] = {}
    for page in range(0, len(content), PAGE_SIZE):
        alone.write_bytes(bytes(page) + content[page : page + PAGE_SIZE])
        rows = {json.loads(row[11])[0] for row in Carving(str(alone)).runs(0) if row[11]}
        if rows:
            found[page // PAGE_SIZE] = rows
    assert sum(map(len, found.values())) == EARLIER
    return found


def _add(store: Store, at: int) -> None:
    samples = [
        Sample("n.value", at if number == 0 else at + number / 10, {"of": str(number)}) for number in range(NUMBERS)
    ]
    with store.writing() as connection:
        runs.add(connection, runs.Run("collect", _moment(at), metric="n", samples=samples, state=f"state {at}"))


def _moment(at: int) -> Moment:
    return Moment(BEGIN_MS + at * 1000, 1000 + at * 1000, "boot", True)


# ---- what is turned ----


def turned(draw: Draw, files: dict[str, bytes]) -> dict[str, bytes]:
    """The files with some patches. The first bytes of a file, and of a page, are turned as often as all the others."""
    contents = {end: bytearray(content) for end, content in files.items()}
    for _ in range(MOST_PATCHES):
        if not draw.more():
            break
        end = draw.pick(("", "", "-wal", "-shm"))
        content = contents[end]
        if not content:
            continue
        at = draw.number(len(content))
        where = draw.number(4)
        if where == 0:
            at %= 100
        elif where == 1:
            at = at // PAGE_SIZE * PAGE_SIZE + at % 16
        _turn(draw, content, min(at, len(content) - 1))
    return {end: bytes(content) for end, content in contents.items()}


def _turn(draw: Draw, content: bytearray, at: int) -> None:
    what = draw.number(7)
    if what == 0:
        content[at] ^= 1 << draw.number(8)
    elif what == 1:
        content[at] = draw.number(256)
    elif what == 2:
        word = draw.bytes(4)
        content[at : at + 4] = word[: len(content) - at]
    elif what == 3:
        size = draw.pick((16, 512, PAGE_SIZE, 4096))
        start = at // size * size
        end = min(start + size, len(content))
        content[start:end] = bytes(end - start)
    elif what == 4:
        size = draw.pick((16, 512, PAGE_SIZE))
        piece = content[at : at + size]
        to = draw.number(len(content))
        content[to : to + len(piece)] = piece[: len(content) - to]
    elif what == 5:
        del content[at:]
    else:
        content += draw.bytes(1 + draw.number(64))


# ---- what must hold ----


def opened(data: bytes) -> None:
    whole = original()
    files = turned(Draw(data), whole.files)
    folder = Path(scratch()) / "box"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / "metrics.db"
    for end, content in files.items():
        Path(f"{path}{end}").write_bytes(content)
    wanted = folder / "recover-wanted"
    said: list[str] = []
    with (
        mock.patch.dict(os.environ, BELABOX_METRICS_RECOVER=str(wanted), BELABOX_METRICS_CONFIG=str(folder / "none")),
        mock.patch.object(journal, "record", lambda message, **_: said.append(message)),
    ):
        stored = _stored(path)
        wanted.touch()
        if stored:
            _recovered(path)
    _judge(whole, files, path, stored)


def _stored(path: Path) -> bool:
    """Whether a job has stored its run: as collect does it, with one more try after a database was moved aside."""
    for _ in range(2):
        store = Store(str(path), wait_s=1)
        try:
            _add(store, EARLIER + LATER + 1)
            return True
        except Damaged:
            recover.heal(str(path), "collect")
        except Problem as refused:
            is_told(refused)
            return False
        finally:
            close(store)
    raise AssertionError("a database that was just made is damaged")


def _recovered(path: Path) -> None:
    store = Store(str(path), wait_s=1)
    try:
        recover.recover(store)
    except DatabaseError as error:
        # As main does it.
        is_told(problem(error, str(path)))
    except Problem as refused:
        is_told(refused)
    finally:
        close(store)
    # The next to come meets no damage: if this one did, it has put a new one in its place.
    store = Store(str(path), wait_s=1)
    try:
        _add(store, EARLIER + LATER + 2)
    finally:
        close(store)


def is_told(refused: Problem) -> None:
    assert len(str(refused).splitlines()) == 1


def close(store: Store) -> None:
    # A process ends; this one lives on, and must not keep locks.
    with suppress(DatabaseError, Problem):
        store.close()
    if store._connection is not None:
        store._connection.close()


def _judge(whole: Original, files: dict[str, bytes], path: Path, stored: bool) -> None:
    asides = [
        file
        for file in path.parent.glob("metrics.db.damaged-*")
        if file.name.count("-") == 1 and file.suffix != ".note"
    ]
    asides = [file for file in asides if not file.name.endswith((".header", ".new"))]
    if not stored:
        # It was said that this is not ours, or not for us: nobody may touch it then.
        assert asides == [], "moved aside, though it was refused"
        return
    with closing(sqlite3.connect(path)) as connection:
        # A turned bit in a text is nobody's damage, and may be no UTF-8.
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        rows = connection.execute("SELECT id, packed FROM runs WHERE packed IS NOT NULL ORDER BY id").fetchall()
    assert said == "ok", said
    found = [first for first in (_first(packed) for _, packed in rows) if first is not None]
    if files[""] == whole.files[""]:
        assert asides == [], "a healthy database was moved aside"
        log, original_log = files["-wal"], whole.files["-wal"]
        first = next((at for at, (one, other) in enumerate(zip(original_log, log)) if one != other), len(log))
        kept = EARLIER + sum(end <= first for end in whole.ends)
        numbers = [*range(EARLIER), *range(EARLIER + 1, EARLIER + LATER + 1)][:kept]
        assert found[: len(numbers)] == numbers, f"{len(found)} runs, not {len(numbers)}"
        return
    readable = {number for page, numbers in whole.folded.items() if _same(whole, files, page) for number in numbers}
    if _names_can_be_read(whole, files):
        assert readable <= set(found), f"lost: {sorted(readable - set(found))}"


def _same(whole: Original, files: dict[str, bytes], page: int) -> bool:
    part = slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE)
    return files[""][part] == whole.files[""][part]


def _names_can_be_read(whole: Original, files: dict[str, bytes]) -> bool:
    """Without the names of the series a run is numbers of nothing, and is given up: so this asks for all other pages,
    and for the first one behind its header, which leads to all tables."""
    others = set(range(1, len(whole.files[""]) // PAGE_SIZE)) - set(whole.folded)
    tables = slice(header.LENGTH, PAGE_SIZE)
    return files[""][tables] == whole.files[""][tables] and all(_same(whole, files, page) for page in others)


def _first(packed: str) -> int | None:
    try:
        found = json.loads(packed)[0]
    except (ValueError, IndexError, TypeError, KeyError):
        return None
    return int(found) if isinstance(found, (int, float)) and found == found and abs(found) < 1e9 else None


# ---- its parts ----


def head(data: bytes) -> None:
    """The header alone: what is mended is whole, and mended once; what stood there is kept."""
    path = Path(scratch()) / "head.db"
    with suppress(FileNotFoundError):
        Path(f"{path}.header").unlink()
    content = (data[:100] + original().files[""][len(data[:100]) :]) if data[:1] != b"\xff" else data[1:]
    path.write_bytes(content)
    header.fault(str(path))
    if header.mend(str(path)):
        assert Path(f"{path}.header").read_bytes() == content[:100]
        assert path.read_bytes()[100:] == content[100:]
        assert not header.mend(str(path)), "mended twice"
        assert header.fault(str(path)) == ""
    else:
        assert path.read_bytes() == content


def carved(data: bytes) -> None:
    """A page of anything, as the file and as the log: rows come in the order of their ids, once, of known kinds."""
    path = Path(scratch()) / "carved.db"
    page = bytearray(data[:PAGE_SIZE].ljust(PAGE_SIZE, b"\0"))
    for log in (b"", bytes(32 + 24) + bytes(page)):
        path.write_bytes(page)
        Path(f"{path}-wal").write_bytes(log)
        numbers = []
        for row in Carving(str(path)).runs(0):
            assert len(row) == 13
            assert all(value is None or isinstance(value, (int, str)) for value in row)
            numbers.append(row[0])
        assert numbers == sorted(set(numbers))


def _pages() -> list[Path | str | bytes]:
    whole = original()
    return [whole.files[""][page * PAGE_SIZE : (page + 1) * PAGE_SIZE] for page in [*whole.folded][:2]]


def _patches() -> list[Path | str | bytes]:
    """One of each kind, here and there: enough for a fuzzer to begin with."""
    patches: list[Path | str | bytes] = [b""]
    for end in range(4):
        for where in range(3):
            for what in range(7):
                patches.append(bytes([end, 40 * what + 8, 4 * end + what, where, what, 3, 1, 2, 3, 9]))
    return patches


TARGETS = [
    Target("database.opened", opened, _patches()),
    Target("database.header", head, [b"", b"\xff", bytes(100), b"SQLite format 3\0" + bytes(20)]),
    Target("database.carving", carved, _pages()),
]
