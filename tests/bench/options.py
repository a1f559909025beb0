"""What the command line asks for."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Options(NamedTuple):
    """`seconds`: how long the schedule runs; `quick`: fewer turns, to see whether it works."""

    work: Path
    seconds: int
    quick: bool

    def folder(self, name: str) -> Path:
        """An empty folder for a section."""
        folder = self.work / name
        folder.mkdir()
        return folder

    def turns(self, full: int) -> int:
        return max(2, full // 5) if self.quick else full
