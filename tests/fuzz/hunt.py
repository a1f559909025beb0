"""Looks for crashes of one parser: coverage-guided, by atheris, from the recorded examples on.

hunt.py PARSER SECONDS REGRESSIONS      exit code 0 when there was none; what crashed is left in REGRESSIONS/PARSER
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["belabox_metrics"]):
    from .parsers import PARSERS

from .mutations import LONGEST, mutated


def main(name: str, seconds: str, regressions: str) -> None:
    parser = next(parser for parser in PARSERS if parser.name == name)
    corpus = Path(tempfile.mkdtemp(prefix="corpus-"))
    seeds = parser.seeds()
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_bytes(seed)
    kept = Path(regressions) / name
    kept.mkdir(parents=True, exist_ok=True)
    options = [
        *(f"-max_total_time={seconds}", f"-artifact_prefix={kept}/", f"-max_len={LONGEST}", "-timeout=10"),
        *("-rss_limit_mb=2048", "-verbosity=0", "-print_final_stats=1"),
    ]

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        """Half by what libFuzzer does to bytes, half by what is done to words: neither finds all."""
        chance = random.Random(seed)
        found: bytes = atheris.Mutate(data, most) if seed % 2 else mutated(chance, data, seeds)[:most]
        return found

    atheris.Setup([name, *options, str(corpus), str(kept)], parser.parse, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
