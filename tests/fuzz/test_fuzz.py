"""The short form of tests/fuzz/run: what was recorded, what hunts have kept, what once crashed, and a tenth of a
second of what nobody thought of."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from .corpus import CORPUS, kept
from .mutations import mutated
from .target import Target
from .targets import every

REGRESSIONS = Path(__file__).with_name("regressions")
SECONDS = 0.1
TARGETS = every()
NAMES = {target.name for target in TARGETS}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_input_crashes_a_target(target: Target) -> None:
    seeds = target.seeds()
    crashed = [file.read_bytes() for file in sorted((REGRESSIONS / target.name).glob("*"))]
    for known in (*seeds, *kept(target.name), *crashed):
        target.parse(known)
    chance = random.Random(target.name)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        data = mutated(chance, chance.choice(seeds), seeds)
        try:
            target.parse(data)
        except Exception as crash:
            raise AssertionError(f"{target.name} crashed on {data[:2000]!r}") from crash


def test_each_file_that_once_crashed_belongs_to_a_target() -> None:
    assert {folder.name for folder in REGRESSIONS.glob("*") if folder.is_dir()} <= NAMES
    assert {file.stem for file in CORPUS.glob("*")} <= NAMES
