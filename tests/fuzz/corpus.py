"""The kept corpus: for each target a file of inputs, a JSON string each, which go ways that no example goes."""

from __future__ import annotations

import json
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")


def kept(name: str) -> list[bytes]:
    """Bytes are written as the characters of their numbers, so that what is text can be read."""
    file = CORPUS / f"{name}.jsonl"
    if not file.exists():
        return []
    return [json.loads(line).encode("latin-1") for line in file.read_text().splitlines()]


def keep(name: str, inputs: list[bytes]) -> None:
    CORPUS.mkdir(exist_ok=True)
    file = CORPUS / f"{name}.jsonl"
    if not inputs:
        file.unlink(missing_ok=True)
        return
    lines = [json.dumps(data.decode("latin-1")) for data in sorted(inputs, key=lambda data: (len(data), data))]
    file.write_text("".join(f"{line}\n" for line in lines))
