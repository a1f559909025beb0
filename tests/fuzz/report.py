"""The figures of the long form, out of its ledger, into docs/fuzzing.md and docs/reliability/fuzzing.json."""

from __future__ import annotations

import json
import sys
import textwrap
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from .corpus import kept
from .ledger import Account, Ledger
from .targets import every

DOCS = Path(__file__).parents[2] / "docs"
PAGE, DATA = DOCS / "fuzzing.md", DOCS / "reliability/fuzzing.json"
BEGIN, END = "<!-- table: made by tests/fuzz/run --report -->\n", "<!-- end of the table -->\n"
GOAL_S = 600
TITLES = ("target", "CPU minutes", "inputs", "branches: of the examples, now", "corpus, of it kept", "found by it")
HEAD = f"| {' | '.join(TITLES)} |\n|{' --- |' * len(TITLES)}\n"


def table(accounts: dict[str, Account]) -> str:
    """A line for each target, in the order of the table of targets, and the sum of them."""
    rows = [_row(name, accounts[name]) for name in (target.name for target in every()) if name in accounts]
    had = [account.cpu_seconds for account in accounts.values()]
    whole = sum(seconds >= GOAL_S for seconds in had)
    inputs = sum(account.executions for account in accounts.values())
    half = sorted(had)[len(had) // 2]
    told = (
        f"{len(had)} targets, {sum(had) / 60:.0f} minutes of CPU, {inputs / 1e6:.0f} million inputs. {whole} of them"
        f" had their ten minutes; the least had {min(had) / 60:.1f}, half of them {half / 60:.1f} or more."
    )
    told = textwrap.fill(told, 120)
    return f"{told}\n\n{HEAD}{''.join(rows)}"


def _row(name: str, account: Account) -> str:
    return (
        f"| {name} | {account.cpu_seconds / 60:.1f} | {account.executions} |"
        f" {account.edges_first}, {account.edges} | {account.inputs}, {len(kept(name))} | {len(account.found)} |\n"
    )


def main(folder: str) -> int:
    known = Ledger(Path(folder) / "ledger.json").accounts
    accounts = {target.name: known[target.name] for target in every() if target.name in known}
    if not accounts:
        print("there was no hunt yet: tests/fuzz/run --long", file=sys.stderr)
        return 1
    text = PAGE.read_text()
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{table(accounts)}\n{END}{after}")
    said = {"date": datetime.now(timezone.utc).date().isoformat(), "seconds_wanted": GOAL_S}
    lines = [f"{json.dumps(name)}: {json.dumps(asdict(account))}" for name, account in sorted(accounts.items())]
    DATA.write_text(f'{json.dumps(said)[:-1]}, "targets": {{\n' + ",\n".join(lines) + "\n}}\n")
    json.loads(DATA.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
