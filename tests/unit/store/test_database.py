"""One lock, one way to commit, no sync in a collector, and clear words for a file that is no database."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from belabox_metrics.errors import Problem, StoreProblem, TryLater
from belabox_metrics.sample import Sample
from belabox_metrics.store.checkpoint import log_size
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store
from belabox_metrics.store.instant import Instant
from belabox_metrics.store.settings import first, section

from .conftest import Box

ROOT = Path(__file__).parents[3]

# Holds the lock of the database given, says so, and waits to be told to go on.
HOLDER = """
import sys
from belabox_metrics.store.database import Store
with Store(sys.argv[1]).writing() as connection:
    print("holding", flush=True)
    sys.stdin.readline()
"""
# Forty runs of its own metric, each in a transaction of its own.
WRITER = """
import os, sys
from belabox_metrics import clock
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.database import Store
# Eight at once on a busy machine: the lock is not fair.
store = Store(sys.argv[1], wait_s=60)
for number in range(40):
    with store.writing() as connection:
        runs.add(connection, runs.Run("collect", clock.now(), metric=sys.argv[2], samples=[Sample("n", number)]))
os._exit(0)
"""
# As a job: what it has is let go of before it leaves.
LEAVER = """
import os, sys
from belabox_metrics.store.database import Store
def main():
    with Store(sys.argv[1]).writing() as connection:
        connection.execute("CREATE TABLE mine (n)")
main()
os._exit(0)
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env={"PYTHONPATH": str(ROOT / "lib"), "PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def holder(path: str) -> subprocess.Popen[str]:
    process = start(HOLDER, path)
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    return process


def test_eight_writers_on_no_database_make_one_and_lose_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "metrics.db")
    writers = [start(WRITER, path, f"metric.{number}") for number in range(8)]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 8
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM schema_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*), count(DISTINCT id) FROM runs").fetchone() == (320, 320)
        assert connection.execute("SELECT sum(samples_total) FROM jobs").fetchone() == (320,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_who_leaves_has_closed_nothing_and_the_log_stays(tmp_path: Path) -> None:
    path = str(tmp_path / "metrics.db")
    assert start(LEAVER, path).wait(timeout=60) == 0
    assert log_size(path) > 0


def test_who_waits_too_long_for_the_lock_leaves_with_the_holders_name(box: Box) -> None:
    box.run(Sample("n", 1))
    process = holder(box.store.path)
    try:
        impatient = Store(box.store.path, wait_s=0.05)
        with pytest.raises(TryLater) as caught, impatient.writing():
            pass
        assert f"process {process.pid} holds it" in str(caught.value)
        assert caught.value.exit_code == 75
        assert Path(box.store.path + ".lock").read_text().strip() == str(process.pid)
    finally:
        process.kill()
        process.wait()


def test_the_lock_of_a_killed_process_is_free_at_once(box: Box) -> None:
    box.run(Sample("n", 1))
    process = holder(box.store.path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with Store(box.store.path, wait_s=0.05).writing() as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_a_waiter_goes_on_as_soon_as_the_lock_is_free(box: Box) -> None:
    box.run(Sample("n", 1))
    process = holder(box.store.path)
    waiter = start(WRITER, box.store.path, "metric.w")
    process.communicate("go on\n")
    assert waiter.wait(timeout=60) == 0
    assert box.sql("SELECT count(*) FROM runs") == [(41,)]


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_nothing_behind(box: Box, interruption: type[BaseException]) -> None:
    box.run(Sample("n", 1))
    with pytest.raises(interruption), box.store.writing() as connection:
        connection.execute("DELETE FROM runs")
        raise interruption
    assert box.sql("SELECT count(*) FROM runs") == [(1,)]
    box.run(Sample("n", 2))
    assert box.sql("SELECT count(*) FROM runs") == [(2,)]


def test_an_sql_error_inside_is_told_in_words_and_rolled_back(box: Box) -> None:
    box.run(Sample("n", 1))
    with pytest.raises(StoreProblem, match="no such table"), box.store.writing() as connection:
        connection.execute("DELETE FROM runs")
        connection.execute("INSERT INTO nowhere VALUES (1)")
    assert box.sql("SELECT count(*) FROM runs") == [(1,)]


def collect(database: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "jobs/collect.py", "memory.usage", f"--database={database}"],
        env={"BELABOX_METRICS_CONFIG": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )


def newer_schema(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (a)")
        connection.execute("PRAGMA user_version=99")


FOREIGN = [
    ("trigger", "CREATE TRIGGER theirs AFTER INSERT ON runs BEGIN DELETE FROM runs; END"),
    ("view", "CREATE VIEW theirs AS SELECT 1"),
    ("view", "DROP TABLE settings; CREATE VIEW settings AS SELECT 1"),
    ("virtual table", "CREATE VIRTUAL TABLE theirs USING fts5(a)"),
]


@pytest.mark.skipif(os.geteuid() != 0, reason="is about root")
@pytest.mark.parametrize(("kind", "statement"), FOREIGN)
def test_root_runs_nothing_that_somebody_else_put_there(tmp_path: Path, kind: str, statement: str) -> None:
    path = tmp_path / "metrics.db"
    store = Store(str(path))
    store.connection()
    store.close()
    with sqlite3.connect(path) as connection:
        connection.executescript(statement)
    for ask in (Store.reading, Store.connection):
        with pytest.raises(StoreProblem, match=f"holds a {kind} of somebody else, (theirs|settings)"):
            ask(Store(str(path)))


def other_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (a)")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Path.mkdir, "is a directory, not a database (move it away)"),
        (os.mkfifo, "is a named pipe, not a database"),
        (lambda path: path.write_text("SQLite or not, this is a diary\n" * 100), "not a database"),
        (lambda path: path.write_bytes(b"\x00" * 5000), "not a database"),
        (newer_schema, "schema 99, this program knows 5"),
        (other_program, "of another program"),
    ],
    ids=["directory", "pipe", "text", "zeros", "newer", "other"],
)
def test_what_is_no_database_of_ours_is_told_in_one_line_and_left_alone(
    tmp_path: Path, make: object, said: str
) -> None:
    path = tmp_path / "metrics.db"
    assert callable(make)
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    done = collect(path)
    assert done.returncode == 1
    assert said in done.stderr
    assert str(path) in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "metrics.db"
    path.touch()
    assert collect(path).returncode == 0
    assert Store(str(path)).reading().execute("SELECT count(*) FROM metrics").fetchone() == (5,)


def test_a_missing_directory_is_told_in_one_line(tmp_path: Path) -> None:
    done = collect(tmp_path / "missing" / "metrics.db")
    assert done.returncode == 1
    assert "metrics.db.lock: cannot open the lock file" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_maintain_empties_the_log_and_says_when_a_reader_was_in_the_way(box: Box, tmp_path: Path) -> None:
    for number in range(50):
        box.run(Sample("n", number))
    before = log_size(box.store.path)
    reader = sqlite3.connect(f"file:{box.store.path}?mode=ro", uri=True)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM runs").fetchone()
    writing = box.store.writing(checkpoint_first=True)
    with writing:
        pass
    assert not writing.checkpointed
    assert log_size(box.store.path) == before
    reader.close()
    writing = box.store.writing(checkpoint_first=True)
    with writing:
        pass
    assert writing.checkpointed
    assert log_size(box.store.path) == 0


def test_settings_are_replaced_as_a_whole(tmp_path: Path) -> None:
    path = str(tmp_path / "metrics.db")
    replace_settings(path, [("remote", "url", 0, "http://a"), ("metrics/x", "config.p", 0, "b"), ("a", "p", 0, 1)])
    replace_settings(path, [("metrics/x", "config.p", 1, "second"), ("metrics/x", "config.p", 0, "first")])
    connection = Store(path).reading()
    assert section(connection, "metrics/x") == {"config.p": ["first", "second"]}
    assert section(connection, "remote") == {}


def test_a_reader_can_not_write(box: Box) -> None:
    box.run(Sample("n", 1))
    reader = box.store.reading()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM runs")
    reader.close()


def test_there_is_nothing_to_read_before_the_first_run(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no database yet"):
        Store(str(tmp_path / "metrics.db")).reading()


def test_a_torn_log_opens_with_whole_runs_from_the_beginning(tmp_path: Path) -> None:
    """A power cut leaves any prefix of the log: what is there is a prefix of the runs, each complete."""
    origin = Box(str(tmp_path / "metrics.db"))
    for number in range(30):
        origin.run(*[Sample(f"s{at}", number) for at in range(5)])
        origin.step(1000)
    log = Path(origin.store.path + "-wal").read_bytes()
    database = Path(origin.store.path).read_bytes()
    seen = set()
    for cut in range(0, len(log) + 1, 997):
        copy = tmp_path / f"cut-{cut}.db"
        copy.write_bytes(database)
        Path(f"{copy}-wal").write_bytes(log[:cut])
        with sqlite3.connect(copy) as connection:
            assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
            values = [row[0] for row in connection.execute("SELECT packed FROM runs ORDER BY id")]
        assert values == [f"[{','.join([str(number)] * 5)}]" for number in range(len(values))]
        seen.add(len(values))
    assert {0, 15, 29} <= seen
    origin.store.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="of root alone")
def test_root_gives_nothing_away_to_the_owner_of_a_database() -> None:
    """SQLite writes what it takes for the index of the log, and gives it to that owner."""
    nobody = 65534
    # What pytest makes is for root alone, where nobody else could put anything.
    with TemporaryDirectory(dir="/var/tmp") as folder:
        home, victim = Path(folder) / "state", Path(folder) / "of root"
        Path(folder).chmod(0o755)
        victim.write_text("kept")
        home.mkdir(0o750)
        store = Store(str(home / "metrics.db"))
        store.connection()
        store.close()
        (home / "metrics.db-shm").unlink(missing_ok=True)
        for place in (home, *home.iterdir()):
            os.chown(place, nobody, nobody)
        os.link(victim, home / "metrics.db-shm")
        with contextlib.suppress(Problem):
            Store(str(home / "metrics.db")).reading()
        assert (victim.read_text(), victim.stat().st_uid, os.geteuid()) == ("kept", 0, 0)
        (home / "metrics.db-shm").unlink()
        Store(str(home / "metrics.db")).reading().close()
        assert {place.stat().st_uid for place in home.iterdir()} == {nobody}


def test_what_does_not_fit_says_who_tells_more(box: Box) -> None:
    box.run(Sample("n.value", 1))
    with pytest.raises(StoreProblem, match=r"holds what it should not.*doctor --only database"), Instant(box.store):
        int("soon")
    with pytest.raises(StoreProblem, match=r"is not what was compiled.*doctor --only database"):
        first({"port": ["soon"]}, "port", 80)
