"""What a person and CI are told of the trials."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import outcome
from .outcome import MOST_WRONG, Row, left_out, tell

FINE = Row("killed", 12, 0, 0, 0.25, "", [])


@pytest.mark.parametrize(
    ("row", "code", "says"),
    [
        (FINE, 0, "|       12 |      0 |        0 |           0.25 s |"),
        (FINE._replace(recovered_s=141.7), 0, "142 s |"),
        (FINE._replace(lost=1), 1, "|      1 |"),
        (FINE._replace(repeated=1), 1, "|        1 |"),
        (FINE._replace(wrong=["the next one: no"]), 1, "  WRONG: the next one: no\n"),
        (FINE._replace(wrong=["no"] * (MOST_WRONG + 3)), 1, "  and 3 more\n"),
        (left_out("a quota", "this kernel has none"), 0, "| left out: this kernel has none |"),
    ],
)
def test_a_row_is_a_line_and_what_must_not_be_an_exit_code(
    capsys: pytest.CaptureFixture[str], row: Row, code: int, says: str
) -> None:
    assert tell("kill", [FINE, row], long=False) == code
    assert says in capsys.readouterr().out


@pytest.mark.parametrize(("long", "kept"), [(True, ["killed", "killed"]), (False, [])])
def test_figures_of_the_long_form_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, long: bool, kept: list[str]
) -> None:
    monkeypatch.setattr(outcome, "KEPT", tmp_path)
    tell("kill", [FINE, FINE], long)
    found = [json.loads(path.read_text())["rows"] for path in tmp_path.iterdir()]
    assert [row["fault"] for rows in found for row in rows] == kept
