"""The figures of a hunt: what each target was given, and what came of it, kept from one command to the next."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Account:
    """Of one target. `edges`: branches of the program that its corpus takes, `edges_first` those of its examples."""

    cpu_seconds: float = 0.0
    executions: int = 0
    edges_first: int = 0
    edges: int = 0
    inputs: int = 0
    found: list[str] = field(default_factory=list)


class Ledger:
    """A JSON file {target: account}."""

    def __init__(self, file: Path) -> None:
        self._file = file
        known = json.loads(file.read_text()) if file.exists() else {}
        self.accounts = {name: Account(**account) for name, account in known.items()}

    def of(self, name: str) -> Account:
        return self.accounts.setdefault(name, Account())

    def save(self) -> None:
        """Whole or not at all: the next command goes on from it."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        accounts = {name: asdict(account) for name, account in sorted(self.accounts.items())}
        fresh.write_text(json.dumps(accounts, indent=1) + "\n")
        os.replace(fresh, self._file)
