"""Killed anywhere, out of room, damaged, or by eight at once: nothing is lost and nothing comes twice."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from belabox_metrics.errors import StoreProblem, TryLater
from belabox_metrics.store import queue
from belabox_metrics.store.database import Store
from belabox_metrics.store.importer import Import
from belabox_metrics.store.takeover import aside, resume
from belabox_metrics.store.takeover.rows import END

from .conftest import PYTHON, ROOT, ROWS, Box, of_go, rows

V1, V2 = "go-v1.sql", "go-v2.sql"
# Than all of theirs.
LATER_MS = 1_770_000_000_000
WHOLE = ROOT / "tests/unit/takeover/whole.py"
MANY = (
    "INSERT INTO metrics SELECT NULL, timestamp_ms + {0} * 200000, metric_name, metric_value, value_text, value_type,"
    " tags, session_id, device_id, uploaded, priority, dedup_key || {0} FROM metrics WHERE id <= 88"
)


def many(box: Box, times: int = 30) -> Counter[tuple[object, ...]]:
    """A database of more than one batch; what it holds."""
    box.go(V2, *[MANY.format(time) for time in range(1, times)])
    connection = sqlite3.connect(box.path)
    before = rows(connection, f"SELECT {ROWS}, uploaded AND value_type = 0 FROM metrics")
    connection.close()
    return before


def stored(box: Box) -> Counter[tuple[object, ...]]:
    connection = sqlite3.connect(box.path)
    found = rows(connection, f"SELECT {ROWS}, uploaded FROM metrics")
    connection.close()
    return found


def consistent(box: Box) -> None:
    store = Store(str(box.path))
    pending = box.sql("SELECT sum(NOT uploaded AND value_type = 0) FROM metrics")
    assert [(queue.pending_count(store.connection()),)] == pending
    store.close()
    assert box.sql("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize(
    ("calls", "when"),
    [
        ("rename", 1),
        ("unlink", 1),
        ("unlink", 2),
        ("unlink", 3),
        ("fsync", 1),
        ("ftruncate", 1),
        *[("pwrite64", when) for when in (1, 4, 20, 60, 100, 180, 260, 320, 380)],
        *[("fdatasync", when) for when in (1, 2, 3, 5)],
    ],
)
def test_killed_at_any_call_it_goes_on_where_it_was(box: Box, calls: str, when: int) -> None:
    before = many(box)
    killed = subprocess.run(
        ["strace", "-f", "-o", "/dev/null", "-e", f"inject={calls}:signal=KILL:when={when}", *PYTHON, WHOLE, box.path],
        check=False,
        capture_output=True,
        timeout=120,
    )
    # What a call is late enough not to be made, has killed nobody.
    assert killed.returncode in (0, -9, 137), killed.stderr
    again = subprocess.run([*PYTHON, WHOLE, box.path], capture_output=True, text=True, check=False, timeout=120)
    assert again.returncode == 0, again.stderr
    assert stored(box) == before
    assert box.kept() == []
    consistent(box)


@pytest.mark.parametrize(("fault", "code"), [("error=EIO", 1), ("signal=KILL", -9)])
def test_a_file_that_could_not_be_removed_at_the_end_goes_the_next_time(box: Box, fault: str, code: int) -> None:
    before = of_go(V2)
    assert box.go(V2).collect().returncode == 0
    job = [*PYTHON, str(ROOT / "jobs/recover.py")]
    environment = {"BELABOX_METRICS_DATABASE": str(box.path), "BELABOX_METRICS_RECOVER": str(box.folder / "wanted")}
    struck = ["strace", "-f", "-o", "/dev/null", "-e", "trace=unlink", "-e", f"inject=unlink:{fault}:when=1", *job]
    done = subprocess.run(struck, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert box.kept() == ["metrics.db.go-v2"]
    subprocess.run(job, env=environment, check=True, capture_output=True)
    assert box.kept() == []
    # Of now is what was collected.
    assert box.sql(f"SELECT count(*) FROM metrics WHERE timestamp_ms < {LATER_MS}") == [(sum(before.values()),)]


def test_the_kills_above_do_kill(box: Box) -> None:
    many(box)
    log = box.folder / "calls"
    subprocess.run(["strace", "-f", "-c", "-o", log, *PYTHON, WHOLE, box.path], check=True, capture_output=True)
    made = {line.split()[-1]: int(line.split()[3]) for line in log.read_text().splitlines() if "." in line}
    assert made["pwrite64"] > 380
    assert made["rename"] == 1


def test_eight_jobs_at_once_take_it_over_once(box: Box) -> None:
    before = of_go(V2)
    box.go(V2)
    command = [*PYTHON, str(ROOT / "jobs/collect.py"), "memory.usage", "--database", str(box.path)]
    jobs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    collected = 0
    for job in jobs:
        _, errors = job.communicate(timeout=60)
        # On a machine that is busy enough one may give the lock up.
        assert job.returncode in (0, 75), errors
        collected += job.returncode == 0
    assert box.kept() == ["metrics.db.go-v2"]
    assert collected
    assert box.sql("SELECT runs_total FROM jobs WHERE metric = 'memory.usage'") == [(collected,)]
    imports = [subprocess.Popen([*PYTHON, WHOLE, box.path], stderr=subprocess.PIPE, text=True) for _ in range(3)]
    codes = []
    for job in imports:
        _, errors = job.communicate(timeout=60)
        codes.append(job.returncode)
        assert job.returncode in (0, 75), errors
    assert 0 in codes
    found = box.sql(f"SELECT count(*) FROM metrics WHERE timestamp_ms < {LATER_MS}")
    assert found == [(sum(before.values()),)]
    consistent(box)


def test_the_slower_of_two_processes_at_the_end_of_it_is_content(box: Box) -> None:
    before = of_go(V2)
    box.go(V2).store.connection()
    another = Store(str(box.path))

    def tell(state: Import) -> None:
        if state.cursor == END:
            assert resume.resume(another, time.monotonic() + 60).done
            assert box.kept() == []

    state = resume.resume(box.store, time.monotonic() + 60, tell)
    assert state.done
    assert state.rows == sum(before.values())
    assert box.kept() == []
    consistent(box)


def test_while_the_go_program_runs_nothing_is_touched(box: Box) -> None:
    box.go(V2)
    before = box.path.read_bytes()
    with open(f"{box.path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TryLater):
            Store(str(box.path), wait_s=0.1).connection()
    assert box.path.read_bytes() == before
    assert box.kept() == []


def test_a_log_that_a_power_cut_left_is_taken_over_too(box: Box, tmp_path: Path) -> None:
    box.go(V2)
    connection = sqlite3.connect(box.path)
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute(MANY.format(1))
    connection.commit()
    cut = Box(tmp_path / "cut")
    cut.folder.mkdir()
    for tail in ("", "-wal"):
        shutil.copy(f"{box.path}{tail}", f"{cut.path}{tail}")
    connection.close()
    assert cut.take_over().done
    assert cut.sql("SELECT count(*) FROM metrics") == [(176,)]
    cut.store.close()


def test_somebody_who_looks_at_it_holds_up_the_move_and_nothing_else(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "PATIENCE_S", 0.1)
    box.go(V2)
    writer = sqlite3.connect(box.path)
    writer.execute(MANY.format(1))
    writer.commit()
    reader = sqlite3.connect(box.path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM metrics").fetchone()
    writer.execute(MANY.format(2))
    writer.commit()
    with pytest.raises(TryLater, match="in use"):
        box.store.connection()
    assert box.kept() == []
    reader.close()
    writer.close()
    assert box.take_over().done
    assert box.sql("SELECT count(*) FROM metrics") == [(264,)]


def damage(path: Path, table: str, leaves: int) -> int:
    """Overwrite some leaf pages of the table, or index, `table`; how many rows that takes away."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    pages = connection.execute(
        "SELECT pageno, ncell FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno", (table,)
    ).fetchall()[2 : 2 + leaves]
    connection.close()
    with path.open("r+b") as file:
        for page, _ in pages:
            file.seek((page - 1) * size)
            file.write(b"\xa5" * size)
    return sum(cells for _, cells in pages)


def test_of_a_damaged_table_all_arrives_that_can_be_read(box: Box) -> None:
    before = many(box)
    lost = damage(box.path, "metrics", 3)
    state = box.take_over()
    box.store.close()
    assert state.done
    found = stored(box)
    assert found <= before
    assert sum(found.values()) == sum(before.values()) - lost
    assert state.left == lost
    # Somebody else may know more.
    assert box.kept() == ["metrics.db.go-v2"]
    consistent(box)


def test_of_a_damaged_index_nothing_is_lost(box: Box) -> None:
    before = many(box)
    assert damage(box.path, "idx_timestamp", 3)
    state = box.take_over()
    box.store.close()
    assert state.done
    assert stored(box) == before
    consistent(box)


def test_a_file_that_is_gone_is_told(box: Box) -> None:
    many(box)
    box.take_over(seconds=0)
    (box.folder / "metrics.db.go-v2").unlink()
    with pytest.raises(StoreProblem, match="gone"):
        box.take_over()


def test_a_disk_that_is_full_in_the_middle_loses_nothing(box: Box) -> None:
    before = many(box)
    box.take_over(seconds=0)
    connection = box.store.connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreProblem, match="full"):
        box.take_over()
    connection.execute("PRAGMA max_page_count=1000000")
    assert box.kept() == ["metrics.db.go-v2"]
    assert box.take_over().done
    assert stored(box) == before
    consistent(box)


def test_no_room_for_a_new_database_leaves_the_old_one_to_come(box: Box) -> None:
    before = many(box)
    command = [*PYTHON, str(ROOT / "jobs/collect.py"), "memory.usage", "--database", str(box.path)]
    limited = ["prlimit", "--fsize=8192", *command]
    assert subprocess.run(limited, check=False, capture_output=True, timeout=60).returncode != 0
    assert box.take_over().done
    assert stored(box) == before
    assert box.kept() == []


def test_a_newer_schema_is_refused_in_words_and_stays(box: Box) -> None:
    box.store.connection()
    box.store.close()
    connection = sqlite3.connect(box.path)
    connection.execute("PRAGMA user_version=99")
    connection.execute("UPDATE schema_version SET version = 99")
    connection.commit()
    connection.close()
    with pytest.raises(StoreProblem, match="newer version: upgrade"):
        Store(str(box.path)).connection()
    assert box.kept() == []


def test_a_transaction_that_a_power_cut_ended_is_not_taken_for_rows(box: Box, tmp_path: Path) -> None:
    """The first milestone had no log but a journal, which undoes what was half written."""
    connection = sqlite3.connect(box.path, isolation_level=None)
    connection.executescript((ROOT / "tests/fixtures/databases/go-v1.sql").read_text())
    connection.execute("PRAGMA cache_size=1")
    connection.execute("BEGIN")
    for _ in range(9):
        connection.execute("INSERT INTO metrics SELECT NULL, timestamp + 1, metric_name, 0, device_id FROM metrics")
    cut = Box(tmp_path / "cut")
    cut.folder.mkdir()
    for tail in ("", "-journal"):
        shutil.copy(f"{box.path}{tail}", f"{cut.path}{tail}")
    connection.close()
    assert cut.take_over().done
    assert cut.sql("SELECT count(*) FROM metrics") == [(28,)]
    assert sorted(path.name for path in cut.folder.glob("*journal")) == []
    cut.store.close()
