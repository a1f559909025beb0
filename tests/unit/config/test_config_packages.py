"""A setting that needs a package says so while the file is checked, not when the first upload fails."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Callable

import pytest

if TYPE_CHECKING:
    from belabox_metrics.config.configuration import Configuration

    Load = Callable[[str], Configuration]
    Refused = Callable[[str], list[str]]

TEXT = "device: {id: box}\nmetrics: []\nremote:\n  format: prometheus-remote-write\n"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, refused: Refused) -> None:
    monkeypatch.setitem(sys.modules, "snappy", None)
    assert refused(TEXT) == [
        "4: remote.format: needs the package python3-snappy, which is not here (apt install python3-snappy)"
    ]


def test_one_that_is_there_is_not_mentioned_nor_one_that_nothing_needs(
    monkeypatch: pytest.MonkeyPatch, load: Load
) -> None:
    assert load(TEXT).values.text("remote.format") == "prometheus-remote-write"
    monkeypatch.setitem(sys.modules, "snappy", None)
    assert load(TEXT.replace("prometheus-remote-write", "json")).values.text("remote.format") == "json"
