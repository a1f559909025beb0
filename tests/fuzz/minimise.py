"""What hunts have found, as few and as small inputs as take the same ways, into tests/fuzz/corpus: see corpus.py.

minimise.py FOLDER [TARGET...]      FOLDER as campaign.py keeps it; takes libFuzzer's -merge=1

Examples and regressions are there anyway: of the corpus only what goes a way that they don't is kept. What one target
may have is bounded, smallest first, so that a checkout stays small.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .corpus import keep, kept
from .target import Target
from .targets import every

REGRESSIONS = Path(__file__).with_name("regressions")
# Bytes of a target, as they are written; and of one input.
MOST, LONGEST = 4_000, 1_500
COMMAND = """#!/bin/sh
exec {python} -m fuzz.hunt {target} - {found} 0 "$@"
"""


def minimised(target: Target, folder: Path) -> list[bytes]:
    """The inputs of the corpus in `folder` that go where nothing else goes. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="minimise-") as scratch:
        known, grown, found = (Path(scratch) / name for name in ("known", "grown", "found"))
        for place in (known, grown, found):
            place.mkdir()
        regressions = [file.read_bytes() for file in (REGRESSIONS / target.name).glob("*")]
        before = {*target.seeds(), *regressions}
        for number, data in enumerate(before):
            (known / f"{number}").write_bytes(data)
        corpus = folder / "corpus" / target.name
        inputs = [file.read_bytes() for file in corpus.iterdir()] if corpus.exists() else []
        for number, data in enumerate({*inputs, *kept(target.name)} - before):
            if len(data) <= LONGEST:
                (grown / f"{number}").write_bytes(data)
        # libFuzzer starts itself anew for what it merges, by its first argument.
        command = Path(scratch) / "command"
        command.write_text(COMMAND.format(python=sys.executable, target=target.name, found=found))
        command.chmod(0o755)
        # Ways alone, not how often each is gone: an input for each count would fill the checkout.
        options = ["-merge=1", "-use_counters=0", "-use_value_profile=0", str(known), str(grown)]
        subprocess.run(
            [str(command), *options], check=True, capture_output=True, env={**os.environ, "FUZZ_COMMAND": str(command)}
        )
        return sorted({file.read_bytes() for file in known.iterdir()} - before, key=lambda data: (len(data), data))


def main(folder: str, *names: str) -> int:
    os.nice(max(0, 10 - os.nice(0)))
    failed = 0
    for target in every():
        if names and target.name not in names:
            continue
        try:
            found = minimised(target, Path(folder))
        except subprocess.CalledProcessError as error:
            print(f"{target.name}: {error}\n{error.stderr.decode(errors='replace')[-2000:]}", flush=True)
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
