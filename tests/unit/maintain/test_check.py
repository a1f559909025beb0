"""The database is looked over by turns, and damage is told and healed."""

from __future__ import annotations

import os
import subprocess
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.odd_cells import loose, put

from belabox_metrics.errors import Damaged
from belabox_metrics.maintain import check
from belabox_metrics.sample import Sample

from .box import DAY_MS, HOUR_MS, SECOND_MS, Box

ROOT = Path(__file__).parents[3]


def checked(box: Box) -> list[tuple[object, ...]]:
    return box.sql("SELECT tags, metric_value FROM metrics WHERE metric_name = 'storage.checked' ORDER BY id")


def test_every_table_has_its_turn(box: Box) -> None:
    for _ in range(5):
        box.maintain()
        box.wait(HOUR_MS)
    tables = [str(tags).split('"')[3] for tags, whole in checked(box) if whole == 1]
    assert tables == ["runs", "minutes", "five_minutes", "small", "runs"]


def test_what_takes_too_long_is_left_and_said_so(
    box: Box, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(300):
        box.sample(count=20)
        box.wait(SECOND_MS)
    monkeypatch.setattr(check, "BUDGET_S", 0.0)
    monkeypatch.setattr(check, "INSTRUCTIONS", 10)
    box.maintain(only="check")
    assert checked(box)[-1][1] == 0
    assert "checked: runs, not to its end" in capsys.readouterr().err


def damage(box: Box) -> None:
    """Pages of the middle of the table of runs hold something else."""
    for _ in range(40):
        for _ in range(20):
            box.sample(count=30)
            box.wait(SECOND_MS)
    with box.store.writing(checkpoint_first=True):
        pass
    size = os.path.getsize(box.store.path)
    with open(box.store.path, "r+b") as file:
        file.seek(size // 2 // 1024 * 1024)
        file.write(b"\xa5" * 4096)


def test_damage_stops_all_at_once(box: Box) -> None:
    damage(box)
    with pytest.raises(Damaged, match="damaged"):
        box.maintain(only="check")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE series SET name = 'another' WHERE name = 'n.value'",
        "UPDATE jobs SET runs_total = 'many' WHERE metric = 'n'",
        "UPDATE boots SET boot_id = CAST(x'ff' AS TEXT)",
    ],
)
def test_what_whole_pages_say_and_can_not_is_found_in_its_turn(box: Box, statement: str) -> None:
    box.sample()
    for _ in check.TURNS:
        box.maintain(only="check")
    with box.store.writing() as connection:
        connection.execute(statement)
    for turn in check.TURNS:
        with pytest.raises(Damaged) if turn == "" else nullcontext():
            box.maintain(only="check")


def test_a_row_that_its_index_does_not_know_is_found(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.sample()
    with loose(Path(box.store.path)) as connection:
        assert put(connection, "boots", "id", 0, -1)
    monkeypatch.setattr(check, "TURNS", ("",))
    with pytest.raises(Damaged, match="index"):
        box.maintain(only="check")


def test_the_job_puts_another_in_its_place(box: Box) -> None:
    damage(box)
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", ROOT / "jobs/maintain.py"],
        env={
            "BELABOX_METRICS_DATABASE": box.store.path,
            "BELABOX_METRICS_RECOVER": f"{box.store.path}.wanted",
            "BELABOX_METRICS_CONFIG": os.devnull,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "the database is damaged" in done.stderr
    assert "moved to" in done.stderr


def test_what_fails_in_one_step_keeps_no_other_from_its_work(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    from belabox_metrics.errors import StoreProblem
    from belabox_metrics.maintain import runner
    from belabox_metrics.maintain.work import Done

    from . import box as boxes

    def broken(_work: object) -> Done:
        raise StoreProblem("no luck")

    for _ in range(2):  # the newest stays
        box.run([Sample("a", 1)])
        box.wait(3 * DAY_MS)
    steps = tuple((name, broken if name == "checkpoint" else step) for name, step in runner.STEPS)
    monkeypatch.setattr(boxes, "STEPS", steps)
    with pytest.raises(StoreProblem, match="no luck"):
        box.maintain()
    assert box.count("minutes") == 1
    assert box.sql("SELECT last_outcome, last_error FROM jobs WHERE job = 'maintain' AND metric = ''") == [
        (2, "no luck")
    ]


def test_tables_that_a_person_has_made_are_looked_over_too(
    box: Box, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with box.store.writing() as connection:
        for name in ('"my songs"', '"a ""b"""', '"order"'):
            connection.execute(f"CREATE TABLE {name} (a)")
    for _ in check.TURNS:
        box.maintain(only="check")
    assert checked(box)[-1] == ('{"table":"small"}', 1)
    monkeypatch.setattr(check, "TURNS", ("",))
    monkeypatch.setattr(check, "BUDGET_S", 0.0)
    monkeypatch.setattr(check, "INSTRUCTIONS", 10)
    box.maintain(only="check")
    assert "checked: small tables, not to its end" in capsys.readouterr().err
