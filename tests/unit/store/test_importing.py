"""Of what an import wrote down nothing is believed that it can't have written."""

from __future__ import annotations

import json

import pytest

from belabox_metrics.store import importing

STATE: dict[str, object] = {"cursor": "17", "done": False, "last": 17, "rows": 2, "upto": 2**62, "waits": [0, 1, 0, 17]}
KEYS = tuple(STATE)


def read(text: object) -> dict[str, object] | None:
    return importing.document(text, KEYS, 4)


@pytest.mark.parametrize(
    "cursor", ["", "-1", "1700000000000", "end", '{"at": -5, "id": 3}', '{"at": 1, "id": 2, "from": 0}']
)
def test_what_it_wrote_is_read(cursor: str) -> None:
    state = {**STATE, "cursor": cursor}
    assert read(json.dumps(state)) == state


@pytest.mark.parametrize(
    "turned",
    [
        {"waits": 0},
        {"waits": [0, 0]},
        {"waits": [0, 0, 0, "0"]},
        {"waits": [0, 0, 0, False]},
        {"rows": "x"},
        {"rows": None},
        {"rows": True},
        {"rows": 1.0},
        {"upto": 2**63},
        {"done": 1},
        {"cursor": 17},
        {"cursor": "1x"},
        {"cursor": "[]"},
        {"cursor": '{"at": 1}'},
        {"cursor": '{"at": 1, "ie": 2}'},
        {"cursor": '{"at": 1, "id": "2"}'},
        {"more": 1},
    ],
)
def test_what_it_cannot_have_written_is_not(turned: dict[str, object]) -> None:
    assert read(json.dumps({**STATE, **turned})) is None


@pytest.mark.parametrize("text", ["", "[]", "z}", '{"rows": 2}', "[" * 100_000, "null", b"{}", None, 7])
def test_nor_is_what_is_no_document(text: object) -> None:
    assert read(text) is None
