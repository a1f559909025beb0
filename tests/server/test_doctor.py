"""The doctor's upload of nothing, to a real server: accepted, and nothing is there afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from belabox_metrics.doctor import server as examined
from belabox_metrics.doctor.box import Box
from belabox_metrics.store.compiled import replace_settings

from .conftest import Server

pytestmark = pytest.mark.server


@pytest.mark.parametrize(
    ("form", "path"), [("victoriametrics", "/api/v1/import"), ("prometheus-remote-write", "/api/v1/write")]
)
def test_an_upload_of_nothing_is_taken_and_stores_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, path: str
) -> None:
    monkeypatch.setattr("belabox_metrics.owner.USER", "no-such-user")
    database = str(tmp_path / "metrics.db")
    rows = {"url": server.url + path, "enabled": 1, "format": form}
    settings: list[tuple[str, str, int, str | int | float]] = [
        ("remote", key, 0, value) for key, value in rows.items() if isinstance(value, (str, int))
    ]
    replace_settings(database, [*settings, ("device", "id", 0, "examined")])
    found = list(examined.examine(Box("/nonexistent", database)))
    assert [finding.level for finding in found] == ["ok", "ok"], found
    assert "takes uploads" in found[1].what
    assert server.exported('{device_id="examined"}') == []
