"""The nightly walk takes its commands from the pages: whether they are there is known before the night."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .printed import command, commands

STARTS = re.findall(r'command\("([^"]+)"\)', Path(__file__).with_name("steps.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize("start", sorted(set(STARTS)))
def test_what_the_walk_does_is_printed_on_a_page(start: str) -> None:
    assert command(start).startswith(start)


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("```bash\nsudo ./install.sh --try   # a look\n```\n", ["sudo ./install.sh --try"]),
        ("```\n$ systemctl list-timers 'b*'      what runs\n```\n", ["systemctl list-timers 'b*'"]),
        ("```yaml\nmetrics:\n```\n`after` it\n", ["after"]),
        ("```bash\na\nb\n```\nthen `c --d`, or `e`\n", ["a", "b", "c --d", "e"]),
    ],
)
def test_a_command_is_what_a_person_would_copy(page: str, found: list[str]) -> None:
    assert commands(page) == found


def test_what_no_page_prints_is_told() -> None:
    with pytest.raises(LookupError, match="no page prints a command that begins with 'rm -rf"):
        command("rm -rf /")
