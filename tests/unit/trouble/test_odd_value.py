"""A value that no job has stored there, in a database in which SQLite finds nothing wrong: whoever meets it is in
trouble once, not for good."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from belabox_metrics import clock, suspicion
from belabox_metrics.store import compiled, damage, runs, settings
from belabox_metrics.store import sqlite as sqlite_binding
from belabox_metrics.store.database import Store

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


# Of what was compiled there are the rows, their copy and its sum.
ROW = f"UPDATE settings SET value = 7 WHERE section = 'metrics/{METRIC}' AND key = 'interval_ms'"
TURNED = {
    "none": "UPDATE settings SET value = value",
    "a row": ROW,
    "the kind of a row": ROW.replace("7", "value * 1.0"),
    "a section": "UPDATE settings SET section = 'remotd' WHERE section = 'remote'",
    "a row is gone": "DELETE FROM settings WHERE section = 'device'",
    "the copy": "UPDATE settings SET value = replace(value, 'remote', 'remotd') WHERE key = 'copy'",
    "the copy is gone": "DELETE FROM settings WHERE key = 'copy'",
    "the copy is no text": "UPDATE settings SET value = CAST(CAST(value AS BLOB) || x'ff' AS TEXT) WHERE key = 'copy'",
    "the sum": "UPDATE settings SET value = value + 1 WHERE key = 'crc32'",
    "the section of the sum": "UPDATE settings SET section = x'' WHERE key = 'crc32'",
    "the section of the copy": "UPDATE settings SET section = 'x' WHERE key = 'copy'",
    "the key of the copy": "UPDATE settings SET key = 'coqy' WHERE key = 'copy'",
}


@pytest.mark.parametrize("job", ["recover.py", "upload.py", "maintain.py", "clock.py"])
@pytest.mark.parametrize("what", TURNED)
def test_settings_are_mended_by_who_needs_them_and_no_configuration_is_applied(used: Box, what: str, job: str) -> None:
    settings = used.sql("SELECT * FROM settings")
    used.config.write_text(used.config.read_text().replace("interval: 30s", "interval: 20s"))
    turn(used, TURNED[what])
    (used.folder / "recover-wanted").touch()
    done = used.job(job)
    assert done.returncode == 0, done.stderr
    assert used.sql("SELECT * FROM settings") == settings
    assert ("not what was compiled" in done.stderr) == (what != "none")
    assert used.aside() == []


@pytest.mark.parametrize(
    ("config", "is_mended"), [("usable", True), ("broken", False), ("refused", False), ("missing", False)]
)
def test_where_the_copy_is_damaged_too_it_is_the_configuration_that_tells(
    used: Box, config: str, is_mended: bool
) -> None:
    settings = used.sql("SELECT * FROM settings")
    if config == "broken":
        used.config.write_text("metrics: [")
    if config == "missing":
        used.config.unlink()
    if config == "refused":
        # As apply leaves it, for what only root can tell.
        store = Store(str(used.database))
        with store.writing() as connection:
            runs.add(connection, runs.Run("apply", clock.now(), outcome=runs.FAILED, state=compiled.REFUSED))
        store.close()
    turn(used, ROW)
    turn(used, TURNED["the copy"])
    done = used.job("maintain.py")
    assert (done.returncode == 0) == is_mended, done.stderr
    assert (used.sql("SELECT * FROM settings") == settings) == is_mended
    assert ("sudo belabox-metrics apply" in done.stderr) != is_mended
    assert used.aside() == []


@pytest.mark.parametrize("key", ["enabled", "url"])
def test_nothing_is_deleted_for_a_setting_whose_name_is_gone(used: Box, key: str) -> None:
    """What says that samples are to be sent: without it nothing has to wait for that."""
    remote = sends(used)
    assert used.collect(METRIC).returncode == 0
    turn(used, f"UPDATE settings SET key = CAST(x'75ff' AS TEXT) WHERE section = 'remote' AND key = '{key}'")
    days_ms = 3 * 86_400_000
    turn(used, f"UPDATE runs SET id = id - {days_ms}")
    turn(used, f"UPDATE positions SET run = run - {days_ms}")
    waiting = (
        "SELECT count(*) FROM runs JOIN positions USING (priority) JOIN jobs ON jobs.id = runs.job"
        " WHERE runs.id > run AND packed IS NOT NULL AND jobs.job <> 'maintain'"
    )
    before = used.sql(waiting)
    done = used.job("maintain.py")
    assert done.returncode == 0, done.stderr
    assert (used.sql(waiting), used.aside()) == (before, [])
    assert used.job("upload.py").returncode == 0
    assert len(remote.arrived) >= NUMBERS
    remote.close()


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
        "UPDATE series SET name = 'n.valuf1' WHERE name = 'n.value1'",
        "UPDATE series SET tags = replace(tags, '1', '3') WHERE name LIKE 'n.value%'",
        "UPDATE series SET shape = shape + 64 WHERE name = 'n.value0'",
        "DELETE FROM series WHERE name = 'n.value0'",
        "UPDATE series SET position = -1 WHERE name = 'n.value0'",
        # Each of them a text, and a setting that may be missing.
        "UPDATE settings SET value = 'https' || substr(value, 5) WHERE section = 'remote' AND key = 'url'",
        "UPDATE settings SET value = 'another' WHERE section = 'device' AND key = 'id'",
        "UPDATE settings SET key = 'ie' WHERE section = 'device' AND key = 'id'",
        "UPDATE settings SET section = 'devicd' WHERE section = 'device'",
    ],
)
def test_nothing_is_sent_under_another_name_or_elsewhere(used: Box, statement: str) -> None:
    remote = sends(used)
    names = {row[0] for row in used.sql("SELECT DISTINCT name FROM series")}
    turn(used, statement)
    done = used.job("upload.py")
    # Settings are mended before anything goes.
    assert done.returncode == (0 if " settings " in statement else 1), done.stderr
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


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE positions SET run = run + (1 << 30) WHERE priority = 2",
        "UPDATE positions SET run = run + (1 << 50) WHERE priority = 2",
        "UPDATE positions SET priority = priority + 4 WHERE priority = 2",
        "UPDATE positions SET run = 'soon' WHERE priority = 2",
        "DELETE FROM positions WHERE priority = 2",
        "UPDATE flights SET last_run = last_run + (1 << 30)",
        "UPDATE flights SET batch_id = replace(batch_id, '-', char(13))",
        "UPDATE flights SET batch_id = CAST(x'61ff' AS TEXT)",
        "UPDATE flights SET body = CAST(body AS TEXT)",
        # To a server that drops lines it can't read, and says that all is fine.
        "UPDATE flights SET body = x''",
        "UPDATE flights SET headers = replace(headers, 'crc32', 'crc33')",
        "UPDATE flights SET headers = substr(headers, 1, length(headers) - 2)",
        "UPDATE flights SET start = 'soon'",
    ],
)
@pytest.mark.parametrize("first", ["upload.py", "maintain.py"])
def test_what_tells_how_far_was_sent_leaves_nothing_out(used: Box, statement: str, first: str) -> None:
    remote = sends(used)
    remote.code = 503
    assert used.job("upload.py").returncode == 75
    assert used.sql("SELECT count(*) > 0 FROM flights") == [(1,)]
    remote.code = 204
    turn(used, statement)
    turned_ms = clock.now().wall_ms
    assert used.collect("memory.usage").returncode == 0
    used.job(first)
    for _ in range(2):
        if (used.folder / "recover-wanted").exists():
            assert used.job("recover.py").returncode == 0
        done = used.job("upload.py")
    assert done.returncode == 0, done.stderr
    assert past_in(remote) >= set(range(SENT, RUNS))
    assert any("memory_" in name and stamp >= turned_ms for name, stamp, _ in remote.arrived)
    # Each moment of which anything is said to be sent.
    moments = used.sql("SELECT DISTINCT timestamp_ms FROM metrics WHERE uploaded AND metric_name NOT LIKE 'n.value%'")
    assert {stamp for (stamp,) in moments} <= {stamp for _, stamp, _ in remote.arrived}
    # Ids are not given from there on.
    assert used.sql(f"SELECT max(id) < {turned_ms + 2 * 86_400_000} FROM runs") == [(1,)]
    remote.close()


@pytest.mark.parametrize(
    "change",
    [
        "after_run = after_run + (1 << 41)",
        "upto_run = upto_run + (1 << 41)",
        "upto_run = 1",
        "after_run = 'soon'",
        "priority = priority + 4",
    ],
)
def test_what_waits_in_the_backlog_is_not_left_out(used: Box, change: str) -> None:
    remote = sends(used)
    newest = "(SELECT max(id) FROM runs)"
    turn(used, f"INSERT INTO backlog (priority, after_run, upto_run) SELECT 2, max(run), {newest} FROM positions")
    turn(used, f"UPDATE positions SET run = {newest}")
    turn(used, f"UPDATE backlog SET {change}")
    for _ in range(3):
        done = used.job("upload.py")
        if (used.folder / "recover-wanted").exists():
            assert used.job("recover.py").returncode == 0
    assert done.returncode == 0, done.stderr
    assert past_in(remote) >= set(range(SENT, RUNS))
    remote.close()


STATES = {
    "no JSON": "replace(state, '{', 'z')",
    "no word": "replace(replace(state, 'true', 'trud'), 'false', 'falsd')",
    "another key": "replace(state, 'upto', 'uptn')",
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
@pytest.mark.parametrize("is_done", [True, False])
def test_where_an_import_stands_keeps_nobody_from_his_work(used: Box, state: str, is_done: bool) -> None:
    """Of one that is done nobody asks; what is still to come comes, with all that came since."""
    sqlite3.connect(used.database).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    used.write(0, bytes(100))
    assert used.collect(METRIC).returncode == 0
    if is_done:
        assert used.job("recover.py").returncode == 0
    moved = used.aside()
    assert len(moved) == 1
    turn(used, f"UPDATE jobs SET state = {state} WHERE job = 'import'")
    assert used.collect(METRIC).returncode == 0
    before = samples(used)
    (used.folder / "recover-wanted").touch()
    used.job("maintain.py")
    for job in ("recover.py", "maintain.py", "recover.py"):
        done = used.job(job)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert not (used.folder / "recover-wanted").exists()
    assert len(used.aside()) == (1 if is_done else 2)
    assert used.past() == list(range(RUNS))
    assert samples(used) >= before


@pytest.mark.parametrize("shape", ["NULL", "shape + (1 << 20)", "(SELECT shape FROM runs WHERE id = :other)"])
def test_a_run_whose_series_are_not_known_keeps_no_others_back(used: Box, shape: str) -> None:
    remote = sends(used)
    ids = [row[0] for row in used.sql("SELECT id FROM runs WHERE json_extract(packed, '$[0]') % 10 = 0 ORDER BY id")]
    ((other,),) = used.sql("SELECT max(values_run) FROM jobs WHERE metric = 'memory.usage'")
    statement = f"UPDATE runs SET shape = {shape.replace(':other', str(other))} WHERE id = ?"
    turn(used, statement, str(ids[SENT + 50]))
    done = used.job("upload.py")
    assert (done.returncode, f"{NUMBERS} samples set aside" in done.stderr) == (0, True), done.stderr
    assert past_in(remote) == set(range(SENT, RUNS)) - {SENT + 50}
    # Not of the other's series either.
    assert not any("n_value" not in name and value == (SENT + 50) * 10 for name, _, value in remote.arrived)
    turn(used, statement, str(ids[SENT + 60]))
    assert used.collect(METRIC).returncode == 0
    for words in (["maintain.py"], ["upload.py"], ["cli.py", "export", "--database", str(used.database)]):
        done = used.job(*words)
        assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    of_past = {line["metric"]["__name__"] for line in told if RUNS * 10 - 10 in line.get("values", [])}
    assert of_past == {"n_value0"}
    assert not any((SENT + 60) * 10 in line.get("values", []) for line in told)
    assert used.aside() == []
    remote.close()


def past_in(remote: Remote) -> set[int]:
    """Which runs of the past have arrived."""
    return {int(value) // 10 for name, _, value in remote.arrived if "n_value" in name}


def test_an_upload_that_meets_it_as_it_writes_down_what_was_sent_makes_no_loop(used: Box) -> None:
    remote = sends(used)
    assert used.job("upload.py").returncode == 0
    assert used.collect(METRIC).returncode == 0
    forget_constraints(used, "jobs", "UPDATE jobs SET runs_total = NULL WHERE job = 'upload'")
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
    for now_ms in (5000, 10_000, 5000 + suspicion.ASK_AGAIN_MS, 6000 + suspicion.ASK_AGAIN_MS):
        monkeypatch.setattr(clock, "boottime_ms", lambda now_ms=now_ms: now_ms)
        suspicion.suspect()
        asked.append(wanted.exists())
        wanted.unlink(missing_ok=True)
    assert asked == [True, False, True, False]


def test_who_asks_writes_through_no_link(used: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a command of root ends in a traceback, and somebody who may write there has been before."""
    monkeypatch.setenv("BELABOX_METRICS_RECOVER", str(used.folder / "recover-wanted"))
    other = used.folder / "of somebody"
    other.write_text("kept")
    (used.folder / "recover-wanted.asked").symlink_to(other)
    suspicion.suspect()
    assert other.read_text() == "kept"
    assert (used.folder / "recover-wanted").exists()


@pytest.mark.parametrize("name", ["recover-wanted", "recover-wanted.asked"])
def test_who_asks_waits_at_no_pipe(used: Box, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELABOX_METRICS_RECOVER", str(used.folder / "recover-wanted"))
    os.mkfifo(used.folder / name)
    writer = os.open(used.folder / name, os.O_RDWR | os.O_NONBLOCK)
    suspicion.suspect()
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
