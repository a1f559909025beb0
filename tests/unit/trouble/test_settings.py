"""Settings that a card gives back otherwise: what was compiled is in force again, or what the configuration says, and a
person is told which of the two."""

from __future__ import annotations

import sqlite3

import pytest

from belabox_metrics import clock, recover
from belabox_metrics.mark import RECOVER
from belabox_metrics.store import compiled, damage, quarantine, rolled, runs
from belabox_metrics.store.database import Store
from belabox_metrics.store.lock import Lock
from belabox_metrics.store.wreck import View

from .box import RUNS, Box
from .test_damage import _killed, fold_log, heal_aside, zeros_at_the_head

ROW = "UPDATE settings SET value = 7 WHERE section = 'metrics/cpu.usage' AND key = 'interval_ms'"
COPY = "UPDATE settings SET value = replace(value, 'remote', 'remotd') WHERE key = 'copy'"
SETTINGS = "SELECT * FROM settings ORDER BY section, key, position"


def turn(box: Box, *statements: str) -> None:
    connection = sqlite3.connect(box.database)
    for statement in statements:
        assert connection.execute(statement).rowcount > 0
    connection.commit()
    connection.close()


def edit(box: Box) -> None:
    """What nobody has applied."""
    box.config.write_text(box.config.read_text().replace("interval: 30s", "interval: 20s"))


def refuse(box: Box) -> None:
    """As apply leaves it, for what only root can tell."""
    store = Store(str(box.database))
    with store.writing() as connection:
        runs.add(connection, runs.Run("apply", clock.now(), outcome=runs.FAILED, state=compiled.REFUSED))
    store.close()


@pytest.mark.parametrize("job", ["recover.py", "upload.py", "maintain.py", "clock.py", "collect.py"])
@pytest.mark.parametrize("is_copied", [True, False])
def test_who_mends_them_tells_by_what_and_goes_on(box: Box, job: str, is_copied: bool) -> None:
    whole = box.sql(SETTINGS)
    edit(box)
    turn(box, ROW.replace("7", "'soon'"), *([] if is_copied else [COPY]))
    (box.folder / "recover-wanted").touch()
    done = box.job(*([job, "cpu.usage"] if job == "collect.py" else [job]))
    assert done.returncode == 0, done.stderr
    assert "the settings were not what was compiled" in done.stderr
    assert ("what the configuration says now" in done.stderr) != is_copied
    assert (box.sql(SETTINGS) == whole) == is_copied
    ((unedited,),) = box.sql("SELECT count(*) FROM settings WHERE key = 'interval_ms' AND value = 30000")
    assert bool(unedited) == is_copied
    assert box.aside() == []


@pytest.mark.parametrize("job", ["upload.py", "maintain.py", "clock.py"])
def test_where_nobody_can_tell_them_no_database_is_looked_over(box: Box, job: str) -> None:
    box.config.write_text("metrics: [")
    turn(box, ROW, COPY)
    before = box.sql(SETTINGS)
    for _ in range(2):
        done = box.job(job)
        assert (done.returncode, "sudo belabox-metrics apply" in done.stderr) == (1, True), done.stderr
    assert not (box.folder / "recover-wanted").exists()
    assert box.sql(SETTINGS) == before


def test_the_settings_are_read_whole_once_where_they_are(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    from belabox_metrics.upload import uploader

    read: list[sqlite3.Connection] = []
    stored = compiled._Stored

    def reads(connection: sqlite3.Connection) -> compiled._Stored:
        read.append(connection)
        return stored(connection)

    monkeypatch.setattr(compiled, "_Stored", reads)
    monkeypatch.setattr(uploader, "UPLOAD", RECOVER)
    monkeypatch.setenv("BELABOX_METRICS_RECOVER", str(box.folder / "wanted"))
    assert uploader.upload(Store(str(box.database)), clock.now(), everything=True) == 0
    assert len(read) == 1


@pytest.mark.parametrize("damaged", ["", "a row", "the copy"])
def test_a_new_database_works_by_what_the_damaged_one_did(box: Box, damaged: str) -> None:
    whole = box.sql(SETTINGS)
    edit(box)
    turn(box, *{"": [], "a row": [ROW], "the copy": [COPY]}[damaged])
    fold_log(box)
    zeros_at_the_head(box)
    assert box.collect().returncode == 0
    assert (len(box.aside()), box.sql(SETTINGS)) == (1, whole)


@pytest.mark.parametrize("first", ["collect.py", "upload.py"])
@pytest.mark.parametrize("is_sound", [True, False])
def test_a_new_database_puts_nothing_in_force_that_apply_has_refused(box: Box, first: str, is_sound: bool) -> None:
    whole = box.sql(SETTINGS)
    edit(box)
    refuse(box)
    if not is_sound:
        turn(box, ROW, COPY)
    fold_log(box)
    zeros_at_the_head(box)
    for job in (first, "collect.py"):
        box.job(*([job, "memory.usage"] if job == "collect.py" else [job]))
    assert len(box.aside()) == 1
    assert box.sql(SETTINGS) == (whole if is_sound else [])


def test_a_new_database_has_settings_where_the_configuration_is_broken(box: Box) -> None:
    whole = box.sql(SETTINGS)
    box.config.write_text("metrics: [")
    fold_log(box)
    zeros_at_the_head(box)
    assert box.job("upload.py").returncode == 1
    assert box.collect().returncode == 0
    assert (len(box.aside()), box.sql(SETTINGS)) == (1, whole)


def test_where_none_can_be_told_the_configuration_does(box: Box) -> None:
    whole = box.sql(SETTINGS)
    turn(box, ROW, COPY)
    heal_aside(box)
    assert box.sql(SETTINGS) == whole


def test_the_copy_alone_is_enough_where_a_page_of_the_settings_is_gone(box: Box) -> None:
    whole = box.sql(SETTINGS)
    edit(box)
    fold_log(box)
    content = box.database.read_bytes()
    leaves = [at for at in range(0, len(content), 1024) if content[at] == 10 and b"metrics/" in content[at : at + 1024]]
    box.write(leaves[-1], bytes(1024))
    heal_aside(box)
    assert box.sql(SETTINGS) == whole


@pytest.fixture
def here(box: Box, monkeypatch: pytest.MonkeyPatch) -> Box:
    """Its jobs are those of this process."""
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    return box


def test_a_look_that_is_asked_for_while_runs_come_over_is_not_lost(here: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    heal_aside(here)
    RECOVER.leave()
    looked: list[str] = []
    look, adopt = damage.found, rolled.adopt

    def looks(path: str, seconds: float | None = None) -> str:
        looked.append(path)
        return look(path, seconds)

    def adopted(store: Store, view: View, better: list[View]) -> int:
        RECOVER.leave()
        return adopt(store, view, better)

    monkeypatch.setattr(damage, "found", looks)
    with monkeypatch.context() as patched:
        patched.setattr(rolled, "adopt", adopted)
        assert recover.main([]) == 0
    assert (len(looked), RECOVER.is_left()) == (1, True)
    assert recover.main([]) == 0
    assert (len(looked), RECOVER.is_left()) == (2, False)
    assert here.past() == list(range(RUNS))


@pytest.mark.parametrize("is_left", [True, False])
def test_who_is_killed_while_runs_come_over_is_started_again(
    here: Box, monkeypatch: pytest.MonkeyPatch, is_left: bool
) -> None:
    """Also where it is a boot that has started it, before which the mark was gone."""
    heal_aside(here)
    if is_left:
        RECOVER.leave()
    with monkeypatch.context() as patched:
        patched.setattr(rolled, "adopt", lambda *_: _killed())
        with pytest.raises(KeyboardInterrupt):
            recover.main([])
    assert RECOVER.is_left()
    assert recover.main([]) == 0
    assert [aside.salvaged for aside in quarantine.standing(str(here.database))] == [True]
    assert not RECOVER.is_left()


def test_who_has_to_wait_after_a_boot_is_started_again(here: Box) -> None:
    heal_aside(here)
    here.database.rename(here.folder / "away")
    here.database.mkdir()
    assert recover.main([]) == 1
    assert not RECOVER.is_left()
    here.database.rmdir()
    (here.folder / "away").rename(here.database)
    other = Lock(f"{here.database}.recover", 1.0)
    other.acquire()
    assert recover.main([]) == 75
    assert RECOVER.is_left()
    other.release()
    assert recover.main([]) == 0
    assert not RECOVER.is_left()
