"""Looks for crashes of one target: coverage-guided, by atheris, from what is known on.

hunt.py TARGET CORPUS FOUND CPU_SECONDS     for so many seconds of CPU; CORPUS grows by each input that went a new way,
                                            FOUND has an input for each place that crashed
hunt.py TARGET - FOUND 0 OPTION...          libFuzzer with options of its own: to minimise a corpus, to run one file

A crash does not end the hunt: it is kept once, by the place where it happened, and the hunt goes on past it. What ends
it is an input that takes longer than `LONGEST_SECONDS` or more memory than `MOST_MEMORY`.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Callable

import atheris  # type: ignore[import-untyped]

from .mutations import LONGEST, mutated
from .targets import find

LONGEST_SECONDS = 30
MOST_MEMORY = "2048"
CALLS_BETWEEN_LOOKS = 64


def place(crash: BaseException) -> str:
    """Names a crash by its kind and the line that raised it, so that each is kept once."""
    frame = traceback.extract_tb(crash.__traceback__)[-1]
    return f"{type(crash).__name__}-{Path(frame.filename).stem}-{frame.lineno}"


def watched(parse: Callable[[bytes], object], found: Path, cpu_seconds: float) -> Callable[[bytes], None]:
    """`parse`, whose crashes are written down, and which asks libFuzzer to end when its time is over."""
    known = {file.name for file in found.iterdir()}
    calls = 0

    def call(data: bytes) -> None:
        nonlocal calls
        calls += 1
        if cpu_seconds and calls % CALLS_BETWEEN_LOOKS == 0 and time.process_time() > cpu_seconds:
            os.kill(os.getpid(), signal.SIGUSR1)
        try:
            parse(data)
        except Exception as crash:
            name = place(crash)
            if name not in known:
                known.add(name)
                (found / name).write_bytes(data)
                print(f"found {name}\n{traceback.format_exc()}", file=sys.stderr, flush=True)

    return call


def main(name: str, corpus: str, found: str, cpu_seconds: str, *more: str) -> None:
    # What is imported only when it is needed has to be instrumented too.
    with atheris.instrument_imports(include=["belabox_metrics"]):
        target = find(name)
        seeds = target.seeds()
        for seed in seeds:
            with suppress(Exception):
                target.parse(seed)
    Path(found).mkdir(parents=True, exist_ok=True)
    options = [
        *(f"-artifact_prefix={found}/", f"-max_len={LONGEST}", f"-timeout={LONGEST_SECONDS}"),
        *(f"-rss_limit_mb={MOST_MEMORY}", "-print_final_stats=1", "-reload=0"),
    ]

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        """Half by what libFuzzer does to bytes, half by what is done to words: neither finds all."""
        chance = random.Random(seed)
        made: bytes = atheris.Mutate(data, most) if seed % 2 else mutated(chance, data, seeds)[:most]
        return made

    arguments = [*options, *more] if corpus == "-" else [*options, corpus]
    # libFuzzer starts its first argument again when it minimises.
    command = os.environ.get("FUZZ_COMMAND", name)
    call = watched(target.parse, Path(found), float(cpu_seconds))
    atheris.Setup([command, *arguments], call, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
