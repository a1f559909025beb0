"""What a box is like before the fault, where a job has nothing to do in one that is well; and what is held against it
afterwards."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zlib
from collections import Counter
from contextlib import closing
from pathlib import Path

from .box import ROOT, Box
from .known import Number, Step, Sums, differing

GO = ROOT / "tests/fixtures/databases/go-v2.sql"
# So many rows it has, and so often they are put behind each other: more than a batch of the import.
ROWS, TIMES = 88, 6
_LATER = """
INSERT INTO metrics SELECT NULL, timestamp_ms + {0} * 200000, metric_name, metric_value, value_text, value_type, tags,
    session_id, device_id, uploaded, priority, dedup_key || {0} FROM metrics WHERE id <= ?
"""
# Its time is before.
LATER_MS = 1_770_000_000_000
_OF_THEIRS = (
    "SELECT timestamp_ms, metric_name, metric_value, value_text, tags, session_id, priority, {sent}"
    f" FROM metrics WHERE timestamp_ms < {LATER_MS}"
)


class Scene:
    """A box that is well. `is_sending`: what it holds and has not sent is sent at the end, and looked for."""

    is_sending = False

    def set(self, box: Box) -> None:
        """Make it so, of one that is well."""

    def left(self, box: Box, code: int) -> list[str]:
        """What must not be where the job, which has met the fault, left with `code`; before its next turn."""
        return []

    def settle(self, box: Box) -> None:
        """What else runs until all has come to its end."""

    def reckoned(self, box: Box, code: int) -> tuple[int, int]:
        """Lost and repeated, beyond the runs of the job, after its next turn."""
        return 0, 0

    def wrong(self, box: Box) -> list[str]:
        """What must not be then."""
        return box.wrong()


class Bare(Scene):
    """Nothing was ever collected: each file is to be made."""

    def set(self, box: Box) -> None:
        for path in box.folder.glob("metrics.db*"):
            path.unlink()

    def wrong(self, box: Box) -> list[str]:
        return box.unsound()


class Damaged(Scene):
    """No header, and nothing leads to the runs any more: all of them can be had, page by page."""

    is_sending = True
    # Collections of the trial: at least, the next one; at most, that which met the fault too.
    least, most = 1, 2

    def __init__(self) -> None:
        self.before = 0

    def set(self, box: Box) -> None:
        self.before = box.runs_of("collect")
        with closing(sqlite3.connect(box.database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            ((root, size),) = connection.execute(
                "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = 'runs'"
            ).fetchall()
        content = bytearray(box.database.read_bytes())
        content[:100] = bytes(100)
        content[(root - 1) * size : root * size] = b"\xa5" * size
        box.database.write_bytes(content)

    def settle(self, box: Box) -> None:
        box.ready(box.job("recover"))

    def reckoned(self, box: Box, code: int) -> tuple[int, int]:
        collected = box.runs_of("collect") - self.before
        return max(0, (self.least if code else self.most) - collected), max(0, collected - self.most)

    def wrong(self, box: Box) -> list[str]:
        found = box.unsound() + box.lacks()
        if (asides := len(list(box.folder.glob("metrics.db.damaged-*.note")))) != 1:
            found.append(f"{asides} notes of damage")
        return found


class SetAside(Damaged):
    """The damaged one was met, and moved: its runs are to follow."""

    least = most = 1

    def set(self, box: Box) -> None:
        super().set(box)
        box.ready(box.job("collect"))


class OfGo(Scene):
    """Another is in its place: of the Go system, just met, its rows to follow."""

    def __init__(self) -> None:
        self.before: Counter[tuple[object, ...]] = Counter()

    def set(self, box: Box) -> None:
        for path in box.folder.glob("metrics.db*"):
            path.unlink()
        with closing(sqlite3.connect(box.database)) as connection:
            connection.executescript("PRAGMA journal_mode=WAL;" + GO.read_text())
            for time in range(1, TIMES):
                connection.execute(_LATER.format(time), (ROWS,))
            connection.commit()
            # Texts are never sent by either.
            self.before = _rows(connection, _OF_THEIRS.format(sent="uploaded AND value_type = 0"))
        box.ready(box.job("collect"), box.job("apply"))

    def reckoned(self, box: Box, code: int) -> tuple[int, int]:
        with closing(sqlite3.connect(box.database)) as connection:
            there = _rows(connection, _OF_THEIRS.format(sent="uploaded"))
        return sum((self.before - there).values()), sum((there - self.before).values())

    def wrong(self, box: Box) -> list[str]:
        left = [path.name for path in box.folder.glob("metrics.db.*-v*")]
        return box.unsound() + [f"{name} is still there" for name in left]


class Archived(Scene):
    """Each day is to be a file."""

    def set(self, box: Box) -> None:
        config = box.folder / "config.yaml"
        config.write_text(config.read_text().replace("storage:\n", "storage:\n  archive: {enabled: true}\n", 1))
        box.ready(box.job("apply"))

    def wrong(self, box: Box) -> list[str]:
        days = {path.name[:10] for path in (box.folder / "archive").glob("????-??-??.jsonl.gz")}
        there: Counter[Number] = Counter()
        steps: dict[Step, Sums] = {}
        for path in (box.folder / "archive").glob("????-??-??.jsonl.gz"):
            there += _numbers(path, "past_value", steps)
        found = box.wrong() + differing(box.known.past, there, "the archive", steps)
        # Of a day that is not over there are parts, and with them what one who was killed has left of one.
        left = [path.name for path in (box.folder / "archive").iterdir() if path.name.lstrip(".")[:10] in days]
        return found + [f"{name} is left" for name in left if name[10:] != ".jsonl.gz"]


class Exported(Scene):
    """All is to be in one file: whole or not there."""

    def left(self, box: Box, code: int) -> list[str]:
        path = box.folder / "export.jsonl.gz"
        if not path.exists():
            return [] if code else ["there is no export"]
        found = differing(box.known.past, _numbers(path, "past_value"), "the export")
        found += differing(box.known.fresh, _numbers(path, "fresh_value"), "the export")
        # Nothing is overwritten by the next one.
        path.unlink()
        return found

    def wrong(self, box: Box) -> list[str]:
        return box.wrong() + self.left(box, 0)


class Copied(Scene):
    """A copy of it is to be made: whole or not there."""

    def left(self, box: Box, code: int) -> list[str]:
        path = box.folder / "snapshot.db"
        if not path.exists():
            return [] if code else ["there is no snapshot"]
        copy = Box(box.folder, box.known)
        copy.database = path
        found = [f"the snapshot: {what}" for what in copy.wrong()]
        # Nothing is overwritten by the next one.
        path.unlink()
        return found

    def wrong(self, box: Box) -> list[str]:
        return box.wrong() + self.left(box, 0)


SCENES: dict[str, type[Scene]] = {
    "": Scene,
    "bare": Bare,
    "damaged": Damaged,
    "set aside": SetAside,
    "of the Go system": OfGo,
    "with an archive": Archived,
    "exported": Exported,
    "copied": Copied,
}


def _rows(connection: sqlite3.Connection, query: str) -> Counter[tuple[object, ...]]:
    """Each as often as it is there, its tags in one spelling."""
    found: Counter[tuple[object, ...]] = Counter()
    for row in connection.execute(query):
        tags = tuple(sorted(json.loads(row[4] or "{}").items()))
        key = (*row[:4], tags, *row[5:])
        found[key] += 1
    return found


def _numbers(path: Path, name: str, steps: dict[Step, Sums] | None = None) -> Counter[Number]:
    """The numbers of series of that name in a packed file of lines; none where it is torn. Into `steps`: what of them
    was rolled up before."""
    found: Counter[Number] = Counter()
    try:
        with gzip.open(path, "rt") as lines:
            for line in lines:
                series = json.loads(line)
                which = series["metric"].get("of")
                if name != series["metric"]["__name__"]:
                    continue
                if "step_ms" not in series:
                    found.update((which, at, value) for at, value in zip(series["timestamps"], series["values"]))
                elif steps is not None:
                    columns = [series[column] for column in ("timestamps", "values", "count", "min", "max")]
                    for at, mean, count, least, greatest in zip(*columns):
                        steps[which, at, series["step_ms"]] = Sums(count, least, greatest, round(mean * count, 6))
    except (OSError, EOFError, zlib.error, ValueError):
        return Counter()
    return found
