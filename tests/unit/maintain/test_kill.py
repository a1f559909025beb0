"""Maintenance killed at each of its writes: the database is whole, and the next one comes to the same as if none had
been."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from belabox_metrics.event import Event
from belabox_metrics.sample import Sample
from belabox_metrics.store import events, runs
from belabox_metrics.store.checkpoint import LOG_LIMIT

from .box import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Box

ROOT = Path(__file__).parents[3]
# As the unit does it, but at a time of the test's; small portions, so that there are many of them.
JOB = """
import os, sys
from belabox_metrics.clock import Moment
from belabox_metrics.maintain.pace import Pace
from belabox_metrics.maintain.runner import STEPS, maintain
from belabox_metrics.store.database import Store
path, wall_ms, boottime_ms, step = sys.argv[1:]
pace = Pace(share=1)
pace.rows = 40
pace.held = lambda seconds, rows: None
moment = Moment(int(wall_ms), int(boottime_ms), "boot", True)
maintain(Store(path), moment, pace, tuple(one for one in STEPS if one[0] == step))
os._exit(0)
"""
# All of the first writes, where each transaction begins in another way; of the many others every so many. At every
# write: BELABOX_METRICS_EVERY_WRITE=1, some minutes.
EACH, STRIDE = 6, 1 if os.environ.get("BELABOX_METRICS_EVERY_WRITE") else 37
STEPS = ("checkpoint", "roll_up", "retention", "room", "check")
Tables = dict[str, list[tuple[object, ...]]]
TABLES = ("runs", "minutes", "five_minutes", "hours", "boots", "shapes", "series", "sessions", "rejected")


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Box]:
    """A database in which every step has something to do."""
    folder = tmp_path_factory.mktemp("before")
    box = Box(folder, sends=True)
    _month(box)
    # A sixteenth of it is kept free: so that some of what is of priority 3 has to go.
    box.configure(True, max_size_bytes=(_used(box) + LOG_LIMIT - 60_000) * 16 // 15)
    return folder, box


def _month(box: Box) -> None:
    """Runs, minutes and five minutes of which some are too old, events, a shape and a boot of nothing, what waits."""
    with box.store.writing() as connection:
        connection.execute("INSERT INTO boots (boot_id) VALUES ('forgotten')")
        connection.execute("INSERT INTO shapes (signature) VALUES ('forgotten')")
        connection.execute("INSERT INTO series VALUES (1, 0, 'forgotten', '')")
        events.add(connection, [Event("link_down", box.moment.wall_ms, {}, 0)], box.moment)
    for age_ms in (29 * DAY_MS, 5 * DAY_MS, 0):
        with box.store.writing() as connection:
            for number in range(120):
                samples = [Sample("a", number), Sample("b_total", number % 50), Sample("c", "x")]
                runs.add(
                    connection,
                    runs.Run("collect", box.moment, metric="n", samples=samples, priority=(2, 3, 3)[number % 3]),
                )
                box.wait(10 * SECOND_MS)
            runs.add(connection, runs.Run("collect", box.moment, metric="g", outcome=runs.NO_DATA))
        box.sent(2, box.moment.wall_ms)
        box.sent(3, box.moment.wall_ms - 15 * MINUTE_MS)
        if age_ms:
            box.wait(age_ms)
            for step in ("roll_up", "retention"):
                box.maintain(only=step)
            box.sent(0, box.moment.wall_ms)
            box.sent(3, box.moment.wall_ms)
    box.wait(49 * HOUR_MS)
    for number in range(600):
        box.sample((2, 3)[number % 2], count=25, value=number * 1.2345678)
        box.wait(SECOND_MS)


def _used(box: Box) -> int:
    (size,), (pages,), (free,) = (
        box.sql(f"PRAGMA {name}")[0] for name in ("page_size", "page_count", "freelist_count")
    )
    return (int(str(pages)) - int(str(free))) * int(str(size))


def job(box: Box, folder: Path, step: str, *traced: str) -> subprocess.CompletedProcess[str]:
    moment = box.moment
    arguments = [str(folder / "metrics.db"), str(moment.wall_ms), str(moment.boottime_ms), step]
    return subprocess.run(
        [*traced, "/usr/bin/python3", "-S", "-c", JOB, *arguments],
        env={"PYTHONPATH": str(ROOT / "lib"), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def result(folder: Path) -> Tables:
    """What all tables say but for what maintenance tells of itself, whose runs are as many as there were attempts."""
    import sqlite3

    connection = sqlite3.connect(folder / "metrics.db")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    found = {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES}
    ours = {row[0] for row in connection.execute("SELECT id FROM jobs WHERE job = 'maintain'")}
    of_ours = {row[10] for row in found["runs"] if row[1] in ours}
    found["runs"] = [row for row in found["runs"] if row[1] not in ours]
    for table in ("shapes", "series"):
        found[table] = [row for row in found[table] if row[0] not in of_ours]
    found["positions"] = connection.execute(
        "SELECT priority, run, samples_sent, samples_rejected, samples_unsent, dropped_pending, dropped_sent"
        " FROM positions ORDER BY 1"
    ).fetchall()
    connection.close()
    return found


def same(found: Tables, wanted: Tables, step: str, when: str) -> None:
    """For want of room the second time may have a stretch more to drop: what maintenance has told of itself takes room
    as well. Then too all of it is counted."""
    if step == "room" and found != wanted:
        kept = [set(one["runs"]) for one in (found, wanted)]
        differ = kept[0] ^ kept[1]
        assert kept[0] <= kept[1] or kept[1] <= kept[0], when
        assert len(differ) <= 30, when
        dropped = [one["positions"][3][5] for one in (found, wanted)]
        assert abs(int(str(dropped[0])) - int(str(dropped[1]))) == 25 * len(differ), when
        assert [row[:5] for row in found["positions"]] == [row[:5] for row in wanted["positions"]], when
        found, wanted = ({**one, "runs": [], "hours": [], "positions": []} for one in (found, wanted))
    assert found == wanted, when


def copied(folder: Path, to: Path) -> Path:
    to.mkdir()
    for path in folder.iterdir():
        if path.name.startswith("metrics.db") and not path.name.endswith("-shm"):
            shutil.copy(path, to)
    return to


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_every_write_it_comes_to_the_same(before: tuple[Path, Box], tmp_path: Path, step: str) -> None:
    folder, box = before
    undisturbed = copied(folder, tmp_path / "undisturbed")
    done = job(box, undisturbed, step)
    assert done.returncode == 0, done.stderr
    wanted = result(undisturbed)
    if step in ("roll_up", "retention", "room"):
        assert wanted != result(copied(folder, tmp_path / "untouched")), "the step had nothing to do"
    if step == "room":
        dropped = [row[5] for row in wanted["positions"]]
        assert (dropped[0], dropped[2]) == (0, 0)
        assert 0 < int(str(dropped[3])) < 300 * 25
    number, reached = 1, 0
    while True:
        place = copied(folder, tmp_path / str(number))
        inject = f"inject=pwrite64,ftruncate:signal=KILL:when={number}"
        done = job(box, place, step, "strace", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,ftruncate", "-e", inject)
        killed = done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        assert killed or done.returncode == 0, done.stderr
        if killed:
            reached = number
            again = job(box, place, step)
            assert again.returncode == 0, again.stderr
        same(result(place), wanted, step, f"killed at write {number}")
        shutil.rmtree(place)
        if not killed:
            break
        number += 1 if number < EACH else STRIDE
    assert reached >= 3
