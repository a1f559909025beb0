"""What hunts have found, as few and as small inputs as take the same ways, into tests/fuzz/corpus: see corpus.py.

minimise.py FOLDER [TARGET...]      FOLDER as campaign.py keeps it

It is libFuzzer's merge: its inner half tells which ways each input takes, and from the smallest on those are kept that
take a new one. Only the outer half is done here, in one process for all targets: each start costs seconds.

Examples and regressions are there anyway: of the corpus only what goes a way that they don't is kept. What one target
may have is bounded, so that a checkout stays small.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-untyped]

from .corpus import keep, kept
from .target import Target

with atheris.instrument_imports(include=["belabox_metrics"]):
    from .targets import every

    TARGETS = every()

REGRESSIONS = Path(__file__).with_name("regressions")
# Bytes of a target, as they are written; and of one input.
MOST, LONGEST = 4_000, 1_500


def minimised(target: Target, folder: Path) -> list[bytes]:
    """The inputs of the corpus in `folder` that go where nothing else goes. Raises ChildProcessError."""
    before = {*target.seeds(), *[file.read_bytes() for file in (REGRESSIONS / target.name).glob("*")]}
    corpus = folder / "corpus" / target.name
    grown = {*kept(target.name), *[file.read_bytes() for file in (corpus.iterdir() if corpus.exists() else ())]}
    ordered = sorted((data for data in grown - before if len(data) <= LONGEST), key=lambda data: (len(data), data))
    ways = _ways(target, [*before, *ordered])
    gone = set().union(*ways[: len(before)])
    found = []
    for data, way in zip(ordered, ways[len(before) :]):
        if not way <= gone:
            gone |= way
            found.append(data)
    return found


def _ways(target: Target, inputs: list[bytes]) -> list[set[str]]:
    """Which branches each of them takes, as libFuzzer numbers them. By a child: libFuzzer ends the process."""
    with tempfile.TemporaryDirectory(prefix="minimise-") as scratch:
        control, log = Path(scratch) / "control", Path(scratch) / "log"
        files = [Path(scratch) / f"{number}" for number in range(len(inputs))]
        for file, data in zip(files, inputs):
            file.write_bytes(data)
        control.write_text("\n".join([str(len(files)), "0", *map(str, files)]) + "\n")
        child = os.fork()
        if child == 0:
            _inner(target, control, log)
        _, status = os.waitpid(child, 0)
        if status:
            raise ChildProcessError(log.read_text(errors="replace")[-2000:])
        ways: list[set[str]] = [set() for _ in inputs]
        for line in control.read_text().splitlines():
            word, _, rest = line.partition(" ")
            if word == "FT":
                number, *features = rest.split()
                ways[int(number)] = set(features)
        return ways


def _inner(target: Target, control: Path, log: Path) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)

    def call(data: bytes) -> None:
        try:
            target.parse(data)
        except Exception as crash:
            # It is in the reports of the hunt; here its way is all that counts.
            print(repr(crash), file=sys.stderr)

    # Ways alone, not how often each is gone: an input for each count would fill the checkout.
    options = ["-merge_inner=1", f"-merge_control_file={control}", "-use_counters=0", "-use_value_profile=0"]
    atheris.Setup([target.name, *options], call)
    atheris.Fuzz()
    os._exit(1)


def main(folder: str, *names: str) -> int:
    os.nice(max(0, 10 - os.nice(0)))
    failed = 0
    for target in TARGETS:
        if names and target.name not in names:
            continue
        try:
            found = minimised(target, Path(folder))
        except ChildProcessError as error:
            print(f"{target.name}: {error}", flush=True)
            failed += 1
            continue
        chosen: list[bytes] = []
        size = 0
        for data in found:
            size += len(data) * 2
            if size <= MOST:
                chosen.append(data)
        keep(target.name, chosen)
        print(f"{target.name}: {len(chosen)} of {len(found)} inputs kept", flush=True)
    return int(failed != 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
