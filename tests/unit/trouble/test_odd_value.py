"""A value that no job has stored there, in a database in which SQLite finds nothing wrong: whoever meets it is in
trouble once, not for good."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from belabox_metrics import clock, recover
from belabox_metrics.store import damage, settings
from belabox_metrics.store import sqlite as sqlite_binding

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


@pytest.mark.parametrize("value", ["'soon'", "x'ff'", "NULL", "1e999", "CAST(x'31ff' AS TEXT)"])
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
        (METRIC, "UPDATE settings SET value = 1e300 WHERE section = 'metrics/' || ? AND key = 'priority'", False),
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


@pytest.mark.parametrize("is_broken", [True, False])
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_look_applies_no_configuration_unless_settings_are_damaged(
    used: Box, is_broken: bool, is_whole: bool
) -> None:
    said = used.config.read_text().replace("interval: 30s", "interval: 20s")
    used.config.write_text("metrics: [" if is_broken else said)
    if not is_whole:
        turn(used, f"UPDATE settings SET value = 7 WHERE section = 'metrics/{METRIC}' AND key = 'interval_ms'")
    (used.folder / "recover-wanted").touch()
    settings = used.sql("SELECT * FROM settings")
    done = used.job("recover.py")
    assert (done.returncode, (used.folder / "recover-wanted").exists()) == (0, False), done.stderr
    assert (used.sql("SELECT * FROM settings") == settings) == (is_whole or is_broken)


def test_who_shows_a_setting_that_is_none_shows_another() -> None:
    found: dict[str, list[settings.Value]] = {
        "name": [sqlite_binding.Torn("b\ufffdx")],
        "port": ["x"],
        "other": ["box"],
    }
    assert [settings.shown(found, key, "") for key in ("name", "other", "none")] == ["", "box", ""]
    assert settings.shown(found, "port", 80) == 80


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE series SET name = CAST(x'6e2eff' || CAST(position AS BLOB) AS TEXT) WHERE name LIKE 'n.value%'",
        "UPDATE settings SET value = CAST(x'62ff' AS TEXT) WHERE section = 'device' AND key = 'id'",
        "UPDATE settings SET value = CAST(x'687474703aff2f' AS TEXT) WHERE section = 'remote' AND key = 'url'",
    ],
)
def test_nothing_is_sent_under_a_name_that_is_none(used: Box, statement: str) -> None:
    remote = sends(used)
    names = {row[0] for row in used.sql("SELECT DISTINCT name FROM series")}
    turn(used, statement)
    done = used.job("upload.py")
    assert done.returncode == 1, done.stderr
    # What is before it in the queue may have gone.
    assert not any("ufffd" in name for name, _, _ in remote.arrived)
    assert used.job("recover.py").returncode == 0
    done = used.job("upload.py")
    assert done.returncode == 0, done.stderr
    assert len(remote.arrived) == len(set(remote.arrived)) > 0
    devices = {json.loads(series)["device_id"] for series, _, _ in remote.arrived}
    assert devices == {row[0] for row in used.sql("SELECT value FROM settings WHERE section = 'device' AND key = 'id'")}
    assert {row[0] for row in used.sql("SELECT DISTINCT name FROM series")} <= names
    remote.close()


def sends(box: Box) -> Remote:
    """From now on, to this one."""
    remote = Remote()
    said = box.config.read_text().replace('url: ""', f"url: {remote.url}", 1)
    box.config.write_text(said.replace("  enabled: false", "  enabled: true", 1))
    turn(box, "DELETE FROM settings")
    assert box.collect().returncode == 0
    return remote


def test_an_upload_that_meets_it_as_it_writes_down_what_was_sent_makes_no_loop(used: Box) -> None:
    remote = sends(used)
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


@pytest.mark.parametrize("name", ["recover-wanted", "recover-wanted.asked"])
def test_who_asks_waits_at_no_pipe(used: Box, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELABOX_METRICS_RECOVER", str(used.folder / "recover-wanted"))
    os.mkfifo(used.folder / name)
    writer = os.open(used.folder / name, os.O_RDWR | os.O_NONBLOCK)
    recover.suspect()
    assert (used.folder / "recover-wanted").exists()
    os.close(writer)


def test_a_person_who_may_not_ask_hears_of_the_bug_alone(used: Box) -> None:
    used.environment["BELABOX_METRICS_RECOVER"] = "/nowhere/recover-wanted"
    turn(used, "UPDATE jobs SET state = x'ff00' WHERE metric = ?", METRIC)
    done = used.collect(METRIC)
    assert (done.returncode, done.stderr.count("Traceback")) == (1, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE jobs SET last_error = CAST(x'62ff' AS TEXT)",
        "UPDATE settings SET value = CAST(x'62ff' AS TEXT) WHERE key = 'watch'",
        "UPDATE settings SET key = CAST('priority' AS BLOB) WHERE key = 'priority'",
    ],
)
def test_what_names_nothing_moves_no_database(used: Box, statement: str) -> None:
    whole = used.sql("SELECT * FROM settings")
    turn(used, statement)
    (used.folder / "recover-wanted").touch()
    assert used.job("recover.py").returncode == 0
    assert used.sql("SELECT * FROM settings") == whole
    assert used.aside() == []


def test_settings_and_a_page_that_are_both_damaged_cost_no_sample(used: Box) -> None:
    turn(used, f"UPDATE settings SET value = 'soon' WHERE section = 'metrics/{METRIC}' AND key = 'priority'")
    connection = sqlite3.connect(used.database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ((page,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'jobs'").fetchall()
    connection.close()
    used.write((page - 1) * 1024, bytes(1024))
    done = used.collect(METRIC)
    assert done.returncode == 0, done.stderr
    assert len(used.aside()) == 1


def test_a_number_is_not_looked_for_in_the_database_of_another(tmp_path: Path) -> None:
    """The tables of the Go system have some names that ours have too."""
    path = tmp_path / "metrics.db"
    connection = sqlite3.connect(path)
    connection.executescript((Path(__file__).parents[2] / "fixtures/databases/go-v2.sql").read_text())
    connection.execute("UPDATE sessions SET start_time = 'soon'")
    connection.commit()
    connection.close()
    assert damage.found(str(path)) == ""
