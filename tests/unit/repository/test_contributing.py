"""CONTRIBUTING adds a metric: its steps, followed to the letter in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests import markdown
from tests.markdown import ROOT, Fence

PAGE = ROOT / "CONTRIBUTING.md"
NOT_COPIED = (".git", "__pycache__", ".*_cache", ".hypothesis", "results", "screenshots")
# What the steps of the page print, in their order.
PRINTS = [r"system\.files_open \d+\nsystem\.files_max \d+\n", r"system\.files_open 2016\nsystem\.files_max 1048576\n"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True)
    return checkout


def follow(step: Fence, copy: Path) -> str:
    """Do what the mark of the block says with it; what its commands print."""
    if new := re.fullmatch(r"file: (\S+)", step.mark):
        target = copy / new[1]
        assert not target.exists(), "the page adds what is there already"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(step.text)
    elif place := re.fullmatch(r'before "(.+)" in (\S+)', step.mark):
        target = copy / place[2]
        before, found, after = target.read_text().partition(place[1])
        assert found, step.mark
        target.write_text(before + step.text + found + after)
    elif step.mark.startswith("walked: "):
        # As from a shell of its own: what these tests were started with is none of its business.
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
        script = ["bash", "-ec", step.text]
        done = subprocess.run(script, cwd=copy, env=clean, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    return ""


def test_a_metric_is_added_as_the_page_says(copy: Path) -> None:
    steps = [step for step in markdown.fences(PAGE.read_text()) if step.heading == "Add a metric"]
    printed = [said for step in steps if (said := follow(step, copy))]
    for expected, said in zip(PRINTS, printed):
        assert re.fullmatch(expected, said)
    assert len(printed) == len(PRINTS) + 1
    assert " passed" in printed[-1]
    # And what it adds is in the style of the house.
    added = [step.mark.partition(": ")[2] for step in steps if re.fullmatch(r"file: .+\.py", step.mark)]
    ruff = Path(sys.executable).with_name("ruff")
    for words in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [ruff, *words, "--no-cache", *added], cwd=copy, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
