"""The short form of tests/fuzz/run: what once crashed, what was recorded, and a second of what nobody thought of."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from .mutations import mutated
from .parsers import PARSERS, Parser

REGRESSIONS = Path(__file__).with_name("regressions")
SECONDS = 0.5


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_no_input_crashes_a_parser(parser: Parser) -> None:
    seeds = parser.seeds()
    for known in (*seeds, *[file.read_bytes() for file in sorted((REGRESSIONS / parser.name).glob("*"))]):
        parser.parse(known)
    chance = random.Random(parser.name)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        data = mutated(chance, chance.choice(seeds), seeds)
        try:
            parser.parse(data)
        except Exception as crash:
            raise AssertionError(f"{parser.name} crashed on {data[:2000]!r}") from crash


def test_each_file_that_once_crashed_belongs_to_a_parser() -> None:
    names = {parser.name for parser in PARSERS}
    assert {folder.name for folder in REGRESSIONS.glob("*") if folder.is_dir()} <= names
