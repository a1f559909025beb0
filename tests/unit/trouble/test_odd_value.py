"""A value that no job has stored there, in a database in which SQLite finds nothing wrong: whoever meets it is in
trouble once, not for good."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from belabox_metrics import clock, recover
from belabox_metrics.store import damage

from .box import NUMBERS, RUNS, SENT, Box
from .remote import Remote

METRIC = "cpu.usage"


@pytest.fixture
def used(box: Box) -> Box:
    """One that has something to remember, and its settings."""
    for _ in range(2):
        assert box.collect(METRIC).returncode == 0
    return box


def turn(box: Box, statement: str, *values: str) -> None:
    connection = sqlite3.connect(box.database)
    assert connection.execute(statement, values).rowcount > 0
    connection.commit()
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def samples(box: Box) -> int:
    ((count,),) = box.sql("SELECT count(*) FROM metrics WHERE metric_name LIKE 'cpu.usage%'")
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize("column", ["state", "alerts"])
def test_a_text_with_a_turned_bit_is_none_to_go_by(used: Box, column: str) -> None:
    before = samples(used)
    turn(used, f"UPDATE jobs SET {column} = CAST(x'6370ff7520' AS TEXT) WHERE metric = '{METRIC}'")
    assert used.collect(METRIC).returncode == 0
    done = used.collect(METRIC)
    assert (done.returncode, used.aside()) == (0, []), done.stderr
    assert samples(used) > before


@pytest.mark.parametrize("value", ["'soon'", "x'ff'", "NULL", "1e300", "-9223372036854775808"])
@pytest.mark.parametrize("key", ["priority", "interval_ms"])
def test_a_setting_that_is_none_is_compiled_anew_by_who_needs_it(used: Box, key: str, value: str) -> None:
    where = f"section = 'metrics/{METRIC}' AND key = '{key}'"
    was = used.sql(f"SELECT value FROM settings WHERE {where}")
    before = samples(used)
    turn(used, f"UPDATE settings SET value = {value} WHERE {where}")
    done = used.collect(METRIC)
    assert done.returncode == 0, done.stderr
    assert samples(used) > before
    assert used.sql(f"SELECT value FROM settings WHERE {where}") == was
    assert used.aside() == []


@pytest.mark.parametrize(
    ("metric", "statement", "is_moved"),
    [
        (METRIC, "UPDATE jobs SET state = x'ff00' WHERE metric = ?", True),
        (METRIC, "UPDATE jobs SET state_boottime_ms = 'soon' WHERE metric = ?", True),
        (METRIC, "UPDATE jobs SET alerts = x'ff00' WHERE metric = ?", True),
        # Nobody has an alert about memory while this runs, who would not look there.
        ("memory.usage", "UPDATE settings SET value = 'x' WHERE section = 'metrics/' || ? AND key = 'watch'", False),
    ],
)
def test_who_ends_in_a_traceback_asks_for_a_look_at_the_whole(
    used: Box, metric: str, statement: str, is_moved: bool
) -> None:
    turn(used, statement, metric)
    done = used.collect(metric)
    assert "Traceback" in done.stderr
    assert done.returncode == 1
    assert (used.folder / "recover-wanted").exists()
    done = used.job("recover.py")
    assert done.returncode == 0, done.stderr
    assert bool(used.aside()) == is_moved
    done = used.collect(metric)
    assert done.returncode == 0, done.stderr
    assert used.past() == list(range(RUNS))


def test_a_broken_configuration_is_in_nobodys_way(used: Box) -> None:
    used.config.write_text("metrics: [")
    (used.folder / "recover-wanted").touch()
    settings = used.sql("SELECT * FROM settings")
    done = used.job("recover.py")
    assert (done.returncode, (used.folder / "recover-wanted").exists()) == (0, False), done.stderr
    assert used.sql("SELECT * FROM settings") == settings


def test_an_upload_that_meets_it_as_it_writes_down_what_was_sent_makes_no_loop(used: Box) -> None:
    remote = Remote()
    said = used.config.read_text().replace('url: ""', f"url: {remote.url}", 1)
    used.config.write_text(said.replace("  enabled: false", "  enabled: true", 1))
    turn(used, "DELETE FROM settings")
    assert used.collect().returncode == 0
    forget_constraints(used, "positions", "UPDATE positions SET samples_sent = NULL")
    done = used.job("upload.py")
    assert (done.returncode, "a value is gone" in done.stderr) == (1, True), done.stderr
    assert len(used.aside()) == 1
    assert used.job("recover.py").returncode == 0
    done = used.job("upload.py")
    assert done.returncode == 0, done.stderr
    numbers = used.sql("SELECT count(*) FROM metrics WHERE value_type = 0")
    assert numbers == [(SENT * NUMBERS + len({(name, stamp) for name, stamp, _ in remote.arrived}),)]
    remote.close()


def forget_constraints(box: Box, table: str, statement: str) -> None:
    """As damage does, which knows none."""
    connection = sqlite3.connect(box.database)
    connection.execute("PRAGMA writable_schema=ON")
    ((schema,),) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchall()
    edit = "UPDATE sqlite_master SET sql = ? WHERE name = ?"
    for text, then in ((schema.replace("NOT NULL", ""), statement), (schema, "")):
        connection.execute(edit, (text, table))
        connection.commit()
        connection.close()
        connection = sqlite3.connect(box.database)
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(then)
        connection.commit()
    connection.close()


def test_what_stays_a_bug_asks_once_an_hour(used: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = used.folder / "recover-wanted"
    monkeypatch.setenv("BELABOX_METRICS_RECOVER", str(wanted))
    # Of a boot before, which was longer, and of nobody.
    (used.folder / "recover-wanted.asked").write_text("99999999999")
    asked = []
    for now_ms in (5000, 10_000, 5000 + recover.ASK_AGAIN_MS, 6000 + recover.ASK_AGAIN_MS):
        monkeypatch.setattr(clock, "boottime_ms", lambda now_ms=now_ms: now_ms)
        recover.suspect()
        asked.append(wanted.exists())
        wanted.unlink(missing_ok=True)
    assert asked == [True, False, True, False]


def test_who_asks_writes_through_no_link(used: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a command of root ends in a traceback, and somebody who may write there has been before."""
    monkeypatch.setenv("BELABOX_METRICS_RECOVER", str(used.folder / "recover-wanted"))
    other = used.folder / "of somebody"
    other.write_text("kept")
    (used.folder / "recover-wanted.asked").symlink_to(other)
    recover.suspect()
    assert other.read_text() == "kept"
    assert (used.folder / "recover-wanted").exists()


def test_a_person_who_may_not_ask_hears_of_the_bug_alone(used: Box) -> None:
    used.environment["BELABOX_METRICS_RECOVER"] = "/nowhere/recover-wanted"
    turn(used, "UPDATE jobs SET state = x'ff00' WHERE metric = ?", METRIC)
    done = used.collect(METRIC)
    assert (done.returncode, done.stderr.count("Traceback")) == (1, 1)


def test_a_number_is_not_looked_for_in_the_database_of_another(tmp_path: Path) -> None:
    """The tables of the Go system have some names that ours have too."""
    path = tmp_path / "metrics.db"
    connection = sqlite3.connect(path)
    connection.executescript((Path(__file__).parents[2] / "fixtures/databases/go-v2.sql").read_text())
    connection.execute("UPDATE sessions SET start_time = 'soon'")
    connection.commit()
    connection.close()
    assert damage.found(str(path)) == ""
