"""Each sample is in the file of its day: once, whoever is killed when, and nothing else is touched."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.config.keys import KEYS
from belabox_metrics.errors import StoreProblem
from belabox_metrics.export import archive
from belabox_metrics.export.archive import Archive, Archived, Settings
from belabox_metrics.export.stored import Stored, Wanted
from belabox_metrics.maintain import runner
from belabox_metrics.maintain.archive import archive as step
from belabox_metrics.maintain.pace import Pace
from belabox_metrics.sample import Sample
from belabox_metrics.store import importer, runs
from belabox_metrics.store.importer import OldRun
from belabox_metrics.upload.correction import Correction

from .conftest import START_MS, Box

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
# Of the conftest's START_MS
FIRST, SECOND = "2023-11-15.jsonl.gz", "2023-11-16.jsonl.gz"


def files(box: Box) -> list[str]:
    folder = box.path / "archive"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def run(box: Box, now_ms: int | None = None, **more: Callable[[], object]) -> Archived:
    connection = box.store.reading()
    try:
        settings = Settings(connection, box.store.path)
        made = Archive(connection, box.store.path, settings, **more)  # type: ignore[arg-type]
        return made.run(box.moment, box.moment.wall_ms if now_ms is None else now_ms)
    finally:
        connection.close()


def numbers(box: Box, name: str) -> list[int]:
    """The values of the counter in a day's file: START's first is 0."""
    found: list[int] = []
    for line in gzip.decompress((box.path / "archive" / name).read_bytes()).splitlines():
        document = json.loads(line)
        if document["metric"]["__name__"] == "network_tx_bytes_total":
            found += document["values"]
    return [value // 1000 for value in found]


@pytest.fixture
def days(box: Box) -> Box:
    """Two days and an hour, a run every ten minutes, and an hour without any."""
    box.configure(enabled=1)
    box.many(60, every_ms=600_000)
    box.step(HOUR_MS)
    box.many(2 * 144 - 60, every_ms=600_000, start=60)
    return box


def test_a_day_is_a_file_once_it_is_over(days: Box) -> None:
    done = run(days)
    assert (done.days, files(days)) == ([FIRST, SECOND], [FIRST, SECOND])
    assert numbers(days, FIRST) == [*range(138)]
    assert numbers(days, SECOND) == [*range(138, 282)]
    assert done.size == sum((days.path / "archive" / name).stat().st_size for name in (FIRST, SECOND))
    # A later hour is packed once it is over, and no file before its day is.
    days.many(2, every_ms=600_000, start=288)
    assert (run(days).parts, files(days)) == (1, [FIRST, SECOND, "2023-11-17.parts/00.jsonl.gz"])


def test_again_it_does_nothing(days: Box) -> None:
    run(days)
    before = {name: (days.path / "archive" / name).stat() for name in files(days)}
    done = run(days)
    assert (done.days, done.parts, done.removed) == ([], 0, [])
    assert {name: (days.path / "archive" / name).stat() for name in files(days)} == before


def test_hour_by_hour_it_is_the_same_as_at_once(box: Box, tmp_path: Path) -> None:
    box.configure(enabled=1)
    made = []
    for _ in range(26):
        box.many(6, every_ms=600_000)
        made += run(box).days
    assert made == [FIRST]
    by_hours = (box.path / "archive" / FIRST).read_bytes()
    (box.path / "archive" / FIRST).unlink()
    assert run(box).days == [FIRST]
    assert (box.path / "archive" / FIRST).read_bytes() == by_hours


def test_what_is_not_done_in_time_is_done_the_next_time(days: Box) -> None:
    left = [10]

    def is_over() -> bool:
        left[0] -= 1
        return left[0] < 0

    assert (run(days, is_over=is_over).parts, files(days)[0]) == (10, "2023-11-15.parts/00.jsonl.gz")
    assert run(days).days == [FIRST, SECOND]
    assert numbers(days, FIRST) == [*range(138)]


def test_it_rests_between_pages(days: Box) -> None:
    rests = []
    run(days, rest=lambda: rests.append(1))
    assert len(rests) >= 48


def test_switched_off_it_makes_nothing(days: Box) -> None:
    days.configure(enabled=0)
    assert (run(days).days, (days.path / "archive").exists()) == ([], False)


def test_what_is_too_old_goes_and_nothing_else_does(days: Box) -> None:
    days.configure(enabled=1, keep_ms=DAY_MS)
    folder = days.path / "archive"
    folder.mkdir()
    for name in ("2020-01-01.jsonl.gz", "2020-01-01.jsonl.gz.old", "2020-01-01.db", "notes", "99.jsonl.gz"):
        (folder / name).write_text("x")
    done = run(days, now_ms=START_MS + 2 * DAY_MS + HOUR_MS)
    assert (done.removed, done.days) == (["2020-01-01.jsonl.gz"], [SECOND])
    assert {"2020-01-01.jsonl.gz.old", "2020-01-01.db", "notes", "99.jsonl.gz"} < set(files(days))
    # A day that was removed is not made again.
    assert run(days, now_ms=START_MS + 3 * DAY_MS + HOUR_MS).removed == [SECOND]
    assert run(days, now_ms=START_MS + 3 * DAY_MS + HOUR_MS).days == []


def test_who_may_read_the_database_may_read_the_archive(days: Box) -> None:
    os.chmod(days.store.path, 0o640)
    before = os.umask(0o077)
    try:
        run(days)
    finally:
        os.umask(before)
    folder = days.path / "archive"
    assert (folder.stat().st_mode & 0o777, (folder / FIRST).stat().st_mode & 0o777) == (0o750, 0o640)


def test_a_part_that_is_damaged_is_made_again(days: Box) -> None:
    left = [10]

    def is_over() -> bool:
        left[0] -= 1
        return left[0] < 0

    run(days, is_over=is_over)
    part = days.path / "archive/2023-11-15.parts/03.jsonl.gz"
    whole = part.read_bytes()
    part.write_bytes(whole[:-8] + bytes((whole[-8] ^ 1,)) + whole[-7:])
    with pytest.raises(StoreProblem, match=r"03\.jsonl\.gz: is damaged and was removed"):
        run(days)
    assert run(days).days == [FIRST, SECOND]
    assert numbers(days, FIRST) == [*range(138)]


def test_a_run_with_a_clock_that_was_set_back_is_in_one_file(box: Box) -> None:
    box.configure(enabled=1)
    box.many(2, every_ms=DAY_MS)
    box.moment = Moment(START_MS + 5_000, box.moment.boottime_ms, "boot-a", True)  # two days back
    box.many(1, start=2)
    box.moment = Moment(START_MS + 3 * DAY_MS, box.moment.boottime_ms, "boot-a", True)
    box.many(1, start=3)
    run(box)
    found = [number for name in files(box) if name.endswith("jsonl.gz") for number in numbers(box, name)]
    assert sorted(found) == [0, 1, 2]


def test_an_hour_is_packed_when_no_older_database_can_add_to_it_any_more(box: Box) -> None:
    """Of a database that is taken over, or was damaged: its runs come in while the new one goes on."""
    box.configure(enabled=1)
    samples = [Sample("network.tx_bytes_total", at * 1000, {"interface": "eth0"}) for at in range(144)]
    old = [OldRun(START_MS + at * 600_000, *runs.pack([sample])[:3], sent=True) for at, sample in enumerate(samples)]

    class Source:
        name = "older"

        def batches(self, cursor: str) -> Iterator[importer.Batch]:
            for at in range(int(cursor or 0), len(old), 10):
                yield importer.Batch(old[at : at + 10], str(at + 10), 10)

    box.step(DAY_MS + HOUR_MS // 2)
    with box.store.writing() as connection:
        importer.begin(connection, "older", box.moment, box.moment.wall_ms, len(old))
    box.many(49, every_ms=HOUR_MS, start=144)
    importer.go_on(box.store, Source(), until=0)
    # What is of the new one alone is packed; its first hour, and the day of that, may get something yet.
    assert run(box).days == ["2023-11-17.jsonl.gz"]
    assert "2023-11-16.parts/00.jsonl.gz" not in files(box)
    importer.go_on(box.store, Source(), until=float("inf"))
    assert run(box).days == [FIRST, SECOND]
    assert (numbers(box, FIRST), numbers(box, SECOND)[:2]) == ([*range(144)], [144, 145])


def test_a_directory_that_can_not_be_is_said(days: Box) -> None:
    days.configure(enabled=1, path=str(days.path / "metrics.db" / "below"))
    with pytest.raises(StoreProblem, match="install -d"):
        run(days)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize("inodes", [1, 2])
def test_a_disk_without_an_inode_is_said_and_what_to_do(days: Box, inodes: int) -> None:
    """Its own root is one. With two the folder of a day can be made, and nothing in it."""
    disk = days.path / "archive"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=4m,nr_inodes={inodes}", "tmpfs", disk], check=True)
    try:
        with pytest.raises(
            StoreProblem, match=r"No space left on device \(free some space, or write to another disk\)"
        ):
            run(days)
        assert files(days) == []
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)
    run(days)
    assert FIRST in files(days)


def test_a_disk_that_is_nearly_full_is_left_alone(days: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "RESERVE_BYTES", 10**18)
    monkeypatch.setattr(archive, "LARGEST_RESERVE", 1)
    with pytest.raises(StoreProblem, match="are free: nothing is archived"):
        run(days)
    assert files(days) == []


def test_what_is_rolled_up_when_an_archive_is_begun_is_in_it_as_that(days: Box) -> None:
    connection = days.store.connection()
    shape, job = connection.execute("SELECT shape, job FROM runs WHERE shape IS NOT NULL LIMIT 1").fetchone()
    with days.store.writing() as writing:
        for hour in range(24):
            row = ((START_MS + hour * HOUR_MS) // 60_000 * 2**32 + shape, job, START_MS, f"[4,{hour * 1000},null]")
            writing.execute("INSERT INTO minutes VALUES (?, ?, 2, ?, ?)", row)
        writing.execute("DELETE FROM runs WHERE id < ?", (START_MS + DAY_MS,))
    assert run(days).days == [FIRST, SECOND]
    assert (numbers(days, FIRST), numbers(days, SECOND)) == ([*range(24)], [*range(138, 282)])


def test_the_maintenance_job_does_it_before_it_rolls_up(days: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name, _ in runner.STEPS]
    assert names.index("archive") < names.index("roll_up")
    steps = (("archive", step),)
    days.configure(enabled=0)
    runner.maintain(days.store, days.moment, Pace(share=1), steps)
    assert files(days) == []
    days.configure(enabled=1)
    for _ in range(10):
        runner.maintain(days.store, days.moment, Pace(share=1), steps)
    assert files(days)[:2] == [FIRST, SECOND]
    told = days.store.connection().execute(
        "SELECT sum(metric_value) FROM metrics WHERE metric_name = 'storage.days_archived'"
    )
    assert told.fetchone() == (2,)


_KILLED = """
import os, signal, sys
from belabox_metrics.clock import Moment
from belabox_metrics.export.archive import Archive, Settings
from belabox_metrics.store.database import Store
left = int(sys.argv[2])
CHANGES = ("open", "os.link", "os.rename", "os.remove", "os.rmdir", "os.mkdir")
def die(event, arguments):
    global left
    if event in CHANGES and "archive/" in str(arguments[0]):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(die)
connection = Store(sys.argv[1]).reading()
now_ms = int(sys.argv[3])
Archive(connection, sys.argv[1], Settings(connection, sys.argv[1])).run(Moment(now_ms, 1, "b", True), now_ms)
"""


def test_killed_anywhere_and_run_again_it_is_the_same(box: Box) -> None:
    box.configure(enabled=1)
    box.many(7, every_ms=4 * HOUR_MS)
    arguments = [box.store.path, "", str(box.moment.wall_ms)]
    killed = 0
    for at in range(1, 400):
        arguments[1] = str(at)
        environment = {"PYTHONPATH": str(Path(archive.__file__).parents[2])}
        done = subprocess.run([sys.executable, "-c", _KILLED, *arguments], env=environment, check=False, timeout=60)
        assert done.returncode in (0, -signal.SIGKILL)
        run(box)
        assert numbers(box, FIRST) == [*range(6)]
        assert not [name for name in files(box) if name.startswith("2023-11-15.parts") or name.endswith("partial")]
        if done.returncode == 0:
            break
        killed += 1
        for path in sorted((box.path / "archive").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
    assert killed > 20


def test_what_is_not_configured_is_what_the_configuration_says(box: Box) -> None:
    settings = Settings(box.store.connection(), box.store.path)
    defaults = {key.stored: key.default for key in KEYS if key.section == "storage.archive"}
    assert defaults == {"enabled": settings.enabled, "path": "", "keep_ms": settings.keep_ms}
    assert settings.path == str(box.path / "archive")


def test_a_part_is_what_an_export_of_its_hour_is(days: Box) -> None:
    """And not more: pages of neighbours are not in it."""
    run(days)
    connection = days.store.reading()
    stored = Stored(connection, Correction(connection, days.moment), Wanted())
    pages = stored.pages(START_MS, START_MS + HOUR_MS)
    assert sum(len(page.runs) for page in pages) == 6
    connection.close()
