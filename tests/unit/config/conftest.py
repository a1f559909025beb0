from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest

from belabox_metrics.config import configuration
from belabox_metrics.errors import ConfigProblem

if TYPE_CHECKING:
    from pathlib import Path

FAKE = "unit.config.fake_collectors"


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], configuration.Configuration]:
    """Text -> the configuration it is, with the fake collectors."""

    def load_text(text: str) -> configuration.Configuration:
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return configuration.load(str(path), FAKE)

    return load_text


@pytest.fixture
def refused(tmp_path: Path, load: Callable[[str], configuration.Configuration]) -> Callable[[str], list[str]]:
    """Text that is no configuration -> what is said about it, a line each, without the file's name."""

    def refuse(text: str) -> list[str]:
        with pytest.raises(ConfigProblem) as caught:
            load(text)
        assert caught.value.exit_code == 78
        lines = str(caught.value).split("\n")
        file = str(tmp_path / "config.yaml")
        assert all(line.startswith(file + ":") for line in lines), lines
        return [line[len(file) + 1 :] for line in lines]

    return refuse
