"""A damaged database: the very sample that met it is stored, the damaged one lies aside whole, what can be read of it
comes back once, and what was not sent is sent."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics import clock, recover
from belabox_metrics.clock import Moment
from belabox_metrics.errors import Damaged, StoreProblem
from belabox_metrics.event import Event
from belabox_metrics.maintain.pace import Pace
from belabox_metrics.maintain.runner import STEPS, maintain
from belabox_metrics.sample import Sample
from belabox_metrics.store import damage, events, history, quarantine, rolled, runs
from belabox_metrics.store.database import Store
from belabox_metrics.store.wreck import View

from .box import NUMBERS, RUNS, SENT, Box

PAGE = 1024


def garbage_at_the_head(box: Box) -> None:
    box.write(0, b"not what was written" * 4)


def zeros_at_the_head(box: Box) -> None:
    box.write(0, bytes(100))


def cut_in_half(box: Box) -> None:
    os.truncate(box.database, box.database.stat().st_size // 2 // PAGE * PAGE)


def rows_overwritten(box: Box) -> None:
    """Four pages with rows of the table of runs."""
    content = box.database.read_bytes()
    leaves = [at for at in range(0, len(content), PAGE) if content[at] == 13 and b"[10" in content[at : at + PAGE]]
    for at in leaves[:4]:
        box.write(at, random.Random(at).randbytes(PAGE))


def above_all_rows(box: Box) -> None:
    """The one page that leads to all runs."""
    (page,) = box.sql("SELECT rootpage FROM sqlite_master WHERE name = 'runs'")
    box.write((int(str(page[0])) - 1) * PAGE, random.Random(1).randbytes(PAGE))


def a_text(box: Box) -> None:
    forget_log(box)
    box.database.write_text("SQLite or not, this is a diary\n" * 100)


def zeros(box: Box) -> None:
    forget_log(box)
    box.database.write_bytes(bytes(5000))


def forget_log(box: Box) -> None:
    for end in ("-wal", "-shm"):
        Path(f"{box.database}{end}").unlink()


# What happens, and how many runs of the past are there again at least.
DAMAGES: list[tuple[Callable[[Box], None], int]] = [
    (garbage_at_the_head, RUNS),
    (zeros_at_the_head, RUNS),
    (cut_in_half, RUNS // 5),
    (above_all_rows, RUNS),
    (rows_overwritten, RUNS - 4 * 16),
    (a_text, 0),
    (zeros, 0),
]


@pytest.mark.parametrize(("happens", "least"), DAMAGES, ids=[happens.__name__ for happens, _ in DAMAGES])
def test_the_sample_that_met_it_is_stored_and_the_past_comes_back(
    box: Box, happens: Callable[[Box], None], least: int
) -> None:
    fold_log(box)
    happens(box)
    before = box.database.read_bytes()
    # Whoever finds it first: a table that is hurt deep inside is met by one who reads there.
    heal(box)
    assert box.sql("SELECT count(*) FROM metrics WHERE metric_name = 'memory.used_bytes'")[0] >= (1,)
    (aside,) = box.aside()
    # The head alone is written anew, and kept as it was.
    assert aside.read_bytes()[100:] == before[100:]
    assert box.sql("SELECT count(*) > 0 FROM settings") == [(1,)]
    done = box.job("recover.py")
    assert done.returncode == 0, done.stderr
    past = box.past()
    assert len(past) >= least
    assert past == sorted(set(past)), "each of them once, in order"
    assert box.sql("PRAGMA integrity_check") == [("ok",)]
    # What was sent is not pending, where that could be read; what was not, is.
    pending = box.sql("SELECT count(*) FROM metrics WHERE NOT uploaded AND metric_name LIKE 'n.value%'")
    assert pending == [(sum(at >= SENT for at in past) * NUMBERS,)]
    assert not (box.folder / "recover-wanted").exists()
    # And again, which changes nothing.
    assert box.job("recover.py").returncode == 0
    assert box.past() == past


def heal(box: Box) -> None:
    done = box.collect()
    if not box.aside():
        (box.folder / "recover-wanted").touch()
        assert box.job("recover.py").returncode == 0
        done = box.collect()
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def fold_log(box: Box) -> None:
    store = Store(str(box.database))
    with store.writing(checkpoint_first=True):
        pass
    # Nobody closes: the log stays, as the jobs leave it.
    box.keep = store  # type: ignore[attr-defined]


HEAD = [0, 9, 16, 17, 18, 19, 20, 21, 22, 23, 28, 31, 44, 47, 56, 59, 60, 63, 92]


@pytest.mark.parametrize("byte", HEAD)
def test_a_bit_of_the_head_turned(box: Box, byte: int) -> None:
    fold_log(box)
    content = box.database.read_bytes()
    for bit in (0, 6):
        box.write(byte, bytes([content[byte] ^ 1 << bit]))
    done = box.collect()
    assert done.returncode == 0, done.stderr
    box.job("recover.py")
    assert box.past() == list(range(RUNS))
    assert box.sql("PRAGMA integrity_check") == [("ok",)]


def test_what_a_log_says_last_is_lost_with_a_bit_of_it_and_no_more(box: Box) -> None:
    for _ in range(5):
        box.collect()
    log = Path(f"{box.database}-wal")
    content = bytearray(log.read_bytes())
    content[-500] ^= 1
    log.write_bytes(content)
    done = box.collect()
    assert done.returncode == 0, done.stderr
    assert box.aside() == []
    assert box.past() == list(range(RUNS))
    assert box.sql("PRAGMA integrity_check") == [("ok",)]


def directory(path: Path) -> None:
    path.mkdir()


def other_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (a)")


def newer(path: Path) -> None:
    store = Store(str(path))
    with store.writing() as connection:
        connection.execute("PRAGMA user_version=99")
        connection.execute("INSERT INTO schema_version VALUES (99, '')")
    store.close()


@pytest.mark.parametrize(
    ("make", "said"),
    [(directory, "is a directory"), (other_program, "another program"), (newer, "schema 99")],
)
def test_what_is_whole_but_not_ours_is_told_in_words_and_stays(
    tmp_path: Path, make: Callable[[Path], None], said: str
) -> None:
    box = Box(tmp_path)
    make(box.database)
    done = box.collect()
    assert (done.returncode, said in done.stderr, len(done.stderr.splitlines())) == (1, True, 1), done.stderr
    assert box.aside() == []


def test_an_empty_file_is_an_empty_database(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.database.touch()
    assert box.collect().returncode == 0
    assert box.aside() == []


def test_one_that_a_person_has_named_stays_as_it_is(tmp_path: Path) -> None:
    box = Box(tmp_path)
    diary = tmp_path / "diary"
    diary.write_text("dear diary\n" * 200)
    done = box.job("collect.py", "memory.usage", f"--database={diary}")
    assert (done.returncode, "not a database" in done.stderr) == (1, True)
    assert diary.read_text() == "dear diary\n" * 200


@pytest.mark.parametrize("words", [("health.py", "--help"), ("cli.py", "status"), ("cli.py", "query", "m.0")])
def test_who_only_reads_moves_nothing(box: Box, words: tuple[str, ...]) -> None:
    box.write(0, bytes(100))
    Path(f"{box.database}-wal").write_bytes(b"")
    before = box.database.read_bytes()
    box.job(*words)
    assert box.database.read_bytes() == before
    assert box.aside() == []


@pytest.mark.parametrize("job", ["upload.py", "failed.py"])
def test_other_jobs_lead_to_the_same_place(box: Box, job: str) -> None:
    forget_log(box)
    box.write(0, bytes(100))
    done = box.job(job)
    assert "Traceback" not in done.stderr, done.stderr
    assert len(box.aside()) == 1
    assert box.collect().returncode == 0
    assert box.job("recover.py").returncode == 0
    assert box.past() == list(range(RUNS))


def test_what_takes_too_long_to_make_sure_of_is_looked_over_without_the_lock(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold_log(box)
    rows_overwritten(box)
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    # As on a slow card: there is no time at all while others wait.
    look = damage.found
    monkeypatch.setattr(damage, "_STEP", 1)
    monkeypatch.setattr(damage, "found", lambda path, seconds=0.0: look(path, seconds))
    recover.heal(str(box.database), "upload")
    assert box.aside() == []
    assert (box.folder / "recover-wanted").exists()
    assert recover.main([]) == 0
    assert len(box.aside()) == 1
    assert not (box.folder / "recover-wanted").exists()
    assert RUNS - 4 * 16 <= len(box.past()) < RUNS


def test_a_collector_knows_nothing_of_all_this_while_all_is_well(box: Box) -> None:
    lib = Path(__file__).parents[3] / "lib"
    program = f"import sys; sys.path.insert(0, {str(lib)!r}); from belabox_metrics import collect"
    program += "; collect.main(['memory.usage']); print(*sys.modules)"
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", "-c", program + "; import posix; sys.stdout.flush(); posix._exit(0)"],
        env=box.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    names = ("recover", "refused", *[f"store.{name}" for name in ("quarantine", "damage", "room", "reserve", "header")])
    assert "belabox_metrics.store.database" in done.stdout.split()
    assert not {f"belabox_metrics.{name}" for name in names} & set(done.stdout.split())


def test_half_a_surrogate_pair_in_an_error_is_stored_as_text(box: Box) -> None:
    store = Store(str(box.database))
    with store.writing() as connection:
        run = runs.Run("collect", clock.now(), metric="m.x", outcome=runs.FAILED, error="no file \udcff" + "x" * 600)
        runs.add(connection, run)
    (error,) = box.sql("SELECT last_error FROM jobs WHERE metric = 'm.x'")[0]
    assert str(error).startswith("no file \\udcff")
    assert len(str(error)) == runs.ERROR_LIMIT


def test_eight_at_once_move_it_once_and_lose_no_sample(box: Box) -> None:
    forget_log(box)
    box.write(0, bytes(100))
    jobs = [
        subprocess.Popen(
            ["/usr/bin/python3", "-I", "-S", str(Path(__file__).parents[3] / "jobs/collect.py"), "memory.usage"],
            env=box.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    said = [job.communicate(timeout=120)[1] for job in jobs]
    assert [job.returncode for job in jobs] == [0] * 8, said
    assert len(box.aside()) == 1
    assert sum("moved to" in text for text in said) == 1
    assert box.sql("SELECT count(*) FROM metrics WHERE metric_name = 'memory.used_bytes'") == [(8,)]


def test_who_had_it_open_when_it_was_moved_writes_nothing_into_it_and_tidies_nothing_up(box: Box) -> None:
    mine = Store(str(box.database))
    assert mine.connection().execute("SELECT count(*) FROM runs").fetchone() == (RUNS + 1,)
    zeros_at_the_head(box)
    mine.lock.acquire()
    quarantine.move(str(box.database), "a test")
    mine.lock.release()
    assert box.collect().returncode == 0
    log = Path(f"{box.database}-wal").stat()
    with pytest.raises(Damaged, match="moved aside meanwhile"), mine.writing():
        pass
    mine.close()
    assert Path(f"{box.database}-wal").stat().st_ino == log.st_ino
    assert Path(f"{box.aside()[0]}-wal").exists()
    assert box.collect().returncode == 0


def test_two_are_kept_and_the_first_to_go_is_one_that_was_salvaged(tmp_path: Path) -> None:
    database = tmp_path / "metrics.db"

    def damaged(salvaged: bool) -> str:
        database.write_text("damaged")
        aside = quarantine.move(str(database), "a test")
        aside.salvaged = salvaged
        aside.note()
        return aside.stamp

    first, second, third = damaged(False), damaged(True), damaged(False)
    assert [aside.stamp for aside in quarantine.standing(str(database))] == [first, third]
    fourth = damaged(False)
    assert [aside.stamp for aside in quarantine.standing(str(database))] == [third, fourth]
    assert second not in (first, third)
    assert quarantine.acknowledge(str(database)) == 2
    assert quarantine.acknowledge(str(database)) == 0
    assert json.loads(Path(quarantine.standing(str(database))[0].path + ".note").read_text())["acknowledged"] is True


@pytest.mark.parametrize(
    ("clock_ms", "is_set", "ahead_ms"),
    [
        (1_660_000_000_000, False, 0),  # as of the image, until somebody has set it
        (0, True, 400 * 86_400_000),  # ids run ahead since a server was wrong
    ],
)
def test_no_run_is_taken_for_nonsense_as_a_clock_is_or_was_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock_ms: int, is_set: bool, ahead_ms: int
) -> None:
    box = Box(tmp_path)
    now = clock.now()
    store = Store(str(box.database))
    with store.writing() as connection:
        runs.add(connection, runs.Run("collect", Moment(now.wall_ms - 60_000 + ahead_ms, 1, "before", True)))
        for at in range(50):
            moment = Moment(now.wall_ms - 60_000 + at * 1000, 1000 + at * 1000, "before", True)
            samples = [Sample("n.value0", at * 10)]
            runs.add(connection, runs.Run("collect", moment, metric="m.0", samples=samples))
    store.close()
    zeros_at_the_head(box)
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    found = Moment(clock_ms or now.wall_ms, 20_000, "after", is_set)
    monkeypatch.setattr(clock, "now", lambda: found)
    recover.heal(str(box.database), "collect")
    assert recover.main([]) == 0
    assert box.past() == list(range(50))
    (aside,) = quarantine.standing(str(box.database))
    assert (aside.salvaged, aside.lost) == (True, 0)
    # And what comes now stands behind it.
    assert box.sql("SELECT job FROM jobs WHERE last_run = (SELECT max(id) FROM runs)") == [("recover",)]


def test_an_id_that_one_page_alone_tells_of_is_believed_by_nobody(box: Box) -> None:
    fold_log(box)
    far = clock.LATEST_MS + 1
    with Store(str(box.database)).writing() as connection:
        connection.execute("UPDATE runs SET id = ? WHERE id = (SELECT max(id) FROM runs)", (far,))
    fold_log(box)
    heal_aside(box)
    assert box.job("recover.py").returncode == 0
    assert box.past() == list(range(RUNS))
    assert box.sql(f"SELECT count(*) FROM runs WHERE id >= {far}") == [(0,)]


def heal_aside(box: Box) -> None:
    """Moved aside by somebody who was sure, and a new one is begun."""
    lock = Store(str(box.database)).lock
    lock.acquire()
    quarantine.move(str(box.database), "a test")
    lock.release()
    assert box.collect().returncode == 0


def test_what_is_over_by_the_log_alone_does_not_go_on(box: Box) -> None:
    """A stream that has ended, an alert that was cleared, after the log was last folded in."""
    store = Store(str(box.database))
    now = clock.now()
    with store.writing() as connection:
        runs.remember_alerts(connection, "memory.usage", "raised")
        for uuid in ("over", "live"):
            connection.execute(
                "INSERT INTO sessions (id, start_time, status, metadata, of_boot) VALUES (?, ?, 'active', '{}', 1)",
                (uuid, now.wall_ms - 60_000),
            )
    with store.writing(checkpoint_first=True) as connection:
        runs.remember_alerts(connection, "memory.usage", "")
        connection.execute("UPDATE sessions SET status = 'completed', end_time = ? WHERE id = 'over'", (now.wall_ms,))
    heal_aside(box)
    assert box.sql("SELECT id FROM sessions WHERE status = 'active'") == [("live",)]
    assert box.sql("SELECT coalesce(alerts, '') FROM jobs WHERE metric = 'memory.usage'") == [("",)]
    assert box.job("recover.py").returncode == 0
    assert box.sql("SELECT id, status, end_time FROM sessions WHERE id = 'over'") == [
        ("over", "completed", now.wall_ms)
    ]


def test_an_event_of_before_the_boot_that_found_it_out_comes_back(box: Box) -> None:
    now = clock.now()
    with Store(str(box.database)).writing() as connection:
        early = Event("link_down", now.wall_ms - now.boottime_ms - 5000)
        assert events.add(connection, [early], now) == 1
    heal_aside(box)
    assert box.job("recover.py").returncode == 0
    assert box.sql("SELECT count(*) FROM metrics WHERE metric_name = 'stream.event'") == [(1,)]
    assert quarantine.standing(str(box.database))[0].lost == 0


def test_a_damaged_one_is_not_called_salvaged_before_what_came_is_synced(box: Box) -> None:
    heal_aside(box)
    (box.folder / "recover-wanted").touch()
    reader = Store(str(box.database)).reading()
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM runs").fetchone()
    assert box.collect().returncode == 0
    done = box.job("recover.py")
    assert (done.returncode, "a reader keeps it from being synced" in done.stderr) == (75, True)
    assert [aside.salvaged for aside in quarantine.standing(str(box.database))] == [False]
    assert (box.folder / "recover-wanted").exists()
    reader.close()
    assert box.job("recover.py").returncode == 0
    assert [(aside.salvaged, aside.runs) for aside in quarantine.standing(str(box.database))] == [(True, RUNS + 1)]
    assert box.past() == list(range(RUNS))
    assert not (box.folder / "recover-wanted").exists()


def test_who_can_not_note_that_it_was_moved_asks_for_the_rest_all_the_same(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is full as well."""

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    forget_log(box)
    zeros_at_the_head(box)
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as patched:
        patched.setattr(quarantine.Aside, "note", full)
        with pytest.raises(StoreProblem, match="No space left"):
            recover.heal(str(box.database), "upload")
    assert (box.folder / "recover-wanted").exists()
    assert recover.main([]) == 0
    assert box.past() == list(range(RUNS))


def test_what_was_rolled_up_comes_once_whatever_maintenance_does_meanwhile(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are two ways to see the same minutes, and who is killed begins again."""
    now = clock.now()
    step = (now.wall_ms // 60_000 - 8 * 24 * 60) * 2**32
    packed = f"[[1.0,5.0,6.0,5.0,2]{',null' * (NUMBERS - 1)}]"
    with Store(str(box.database)).writing() as connection:
        connection.execute("INSERT INTO minutes VALUES (? + 1, 1, 2, 1, ?)", (step, packed))
    heal_aside(box)
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    adopt = rolled.adopt

    def adopted(store: Store, view: View, better: list[View]) -> int:
        found = adopt(store, view, better)
        maintain(store, clock.now(), Pace(share=1))
        return found

    monkeypatch.setattr(rolled, "adopt", adopted)
    with monkeypatch.context() as patched:
        patched.setattr(recover, "_note", lambda *_: _killed())
        with pytest.raises(KeyboardInterrupt):
            recover.main([])
    assert recover.main([]) == 0
    maintain(Store(str(box.database)), clock.now(), Pace(share=1))
    kept = box.sql("SELECT sum(value_count) FROM metrics_rolled_up WHERE metric_name = 'n.value0'")
    assert kept == [(2,)]
    assert box.sql("SELECT count(*) FROM minutes") == [(0,)]


def _killed() -> None:
    raise KeyboardInterrupt


def test_runs_below_several_pages_that_are_gone_come_back_out_of_their_own(tmp_path: Path) -> None:
    """Pages that lead to others, in the middle of the table: before, between and behind them it can be read."""
    box = Box(tmp_path)
    number, now = 6000, clock.now()
    with Store(str(box.database)).writing() as connection:
        for at in range(number):
            moment = Moment(now.wall_ms - 10_000_000 + at * 1000, at, "before", True)
            samples = [Sample(f"n.value{index}", at * 10 + index) for index in range(NUMBERS)]
            runs.add(connection, runs.Run("collect", moment, metric="m.0", samples=samples))
    fold_log(box)
    (page,) = box.sql("SELECT rootpage FROM sqlite_master WHERE name = 'runs'")
    content = box.database.read_bytes()

    def pointers(root: int) -> list[int]:
        head = content[(root - 1) * PAGE :][:PAGE]
        assert head[0] == 5
        places = [int.from_bytes(head[12 + 2 * cell :][:2], "big") for cell in range(int.from_bytes(head[3:5], "big"))]
        return [int.from_bytes(head[place:][:4], "big") for place in places] + [int.from_bytes(head[8:12], "big")]

    below = pointers(int(str(page[0])))
    assert len(below) >= 5
    for gone in (below[1], below[3]):
        box.write((gone - 1) * PAGE, random.Random(gone).randbytes(PAGE))
    (tmp_path / "recover-wanted").touch()
    assert box.job("recover.py").returncode == 0
    assert len(box.aside()) == 1
    assert box.past() == list(range(number))


def test_what_was_rolled_up_by_the_log_alone_does_not_come_back_as_runs_too(box: Box) -> None:
    """As when maintenance, which looks for damage last, has found some: the file without its log still has them."""
    now = clock.now()
    store = Store(str(box.database))
    old = Moment(now.wall_ms - 50 * 3_600_000, 1, "before", True)
    with store.writing() as connection:
        connection.execute("DELETE FROM runs")
        for at in range(120):
            moment = Moment(old.wall_ms + at * 1000, 1 + at * 1000, "before", True)
            runs.add(connection, runs.Run("collect", moment, metric="m.0", samples=[Sample("old", at)]))
        runs.add(connection, runs.Run("collect", now, metric="m.0", samples=[Sample("new", 1)]))
        connection.execute("UPDATE positions SET run = ?", (now.wall_ms,))
    with store.writing(checkpoint_first=True):
        pass

    def kept(of: Store) -> tuple[int, int]:
        points = history.points(of.connection(), ("old",), 0, 2**45)["old", ""]
        return sum(point.count for point in points), len(points)

    maintain(store, now, Pace(share=1), tuple(step for step in STEPS if step[0] == "roll_up"))
    before = kept(store)
    assert before[0] == 120
    assert before[1] <= 3
    heal_aside(box)
    assert box.job("recover.py").returncode == 0
    assert kept(Store(str(box.database))) == before
    maintain(Store(str(box.database)), clock.now(), Pace(share=1))
    assert kept(Store(str(box.database))) == before
