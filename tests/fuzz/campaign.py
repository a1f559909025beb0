"""Hunts in every target until each has had its time: those first that had least, some at once, on what is idle.

python -m fuzz.campaign --folder FOLDER [--seconds CPU] [--until HH:MM] [--slice CPU] [--workers N] [TARGET...]

FOLDER keeps the corpus of each target, what was found, the log of its last slice and `ledger.json`; a later command
goes on from there. Ends with code 1 if anything was found.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from .corpus import kept
from .ledger import Account, Ledger
from .target import Target
from .targets import every

REGRESSIONS = Path(__file__).with_name("regressions")
COVERED = re.compile(r"^#\d+\s.* cov: (\d+) .*?corp: (\d+)", re.MULTILINE)
EXECUTED = re.compile(r"^stat::number_of_executed_units: *(\d+)", re.MULTILINE)
# Starting costs two seconds of CPU, which is not to be what the time goes into.
SLICE = 60
GRACE_SECONDS = 20


class Hunt:
    """One process on one target, for a slice of CPU time."""

    def __init__(self, target: Target, folder: Path, found: Path, cpu_seconds: float) -> None:
        self.target = target
        self.scratch = tempfile.mkdtemp(prefix="hunt-", dir="/dev/shm")
        self.log = folder / "log" / target.name
        self.log.parent.mkdir(parents=True, exist_ok=True)
        corpus = folder / "corpus" / target.name
        _sow(corpus, target)
        self.found = found / target.name
        command = [sys.executable, "-m", "fuzz.hunt", target.name, str(corpus), str(self.found), str(cpu_seconds)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "TMPDIR": self.scratch}, start_new_session=True
            )

    def ended(self) -> float | None:
        """Seconds of CPU that it had, None while it runs."""
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if not pid:
            return None
        self.process.returncode = os.waitstatus_to_exitcode(status)
        shutil.rmtree(self.scratch, ignore_errors=True)
        return usage.ru_utime + usage.ru_stime

    def stop(self) -> None:
        # Not by Popen, which would look whether it has ended, and take its times away.
        os.kill(self.process.pid, signal.SIGUSR1)

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)

    def account(self, into: Account, cpu_seconds: float) -> None:
        log = self.log.read_text(errors="replace")
        covered = COVERED.findall(log)
        into.cpu_seconds += cpu_seconds
        if covered:
            # The first line is what the corpus takes as it is; of the first slice, what the examples take.
            into.edges_first = into.edges_first or int(covered[0][0])
            into.edges = int(covered[-1][0])
            into.inputs = int(covered[-1][1])
        into.executions += sum(int(number) for number in EXECUTED.findall(log))
        # What was mended since, and removed, was found all the same.
        found = {file.name for file in self.found.iterdir()} if self.found.exists() else set()
        into.found = sorted({*into.found, *found})
        if self.process.returncode and not covered:
            print(f"{self.target.name}: ended with {self.process.returncode}\n{log[-3000:]}", flush=True)


def _sow(corpus: Path, target: Target) -> None:
    """The examples, what was kept, and what once crashed: once, since the corpus holds them from then on."""
    if corpus.exists():
        return
    corpus.mkdir(parents=True)
    crashed = [file.read_bytes() for file in (REGRESSIONS / target.name).glob("*")]
    for number, data in enumerate((*target.seeds(), *kept(target.name), *crashed)):
        (corpus / f"known-{number}").write_bytes(data)


def hunt(targets: list[Target], options: argparse.Namespace) -> Ledger:
    folder = Path(options.folder)
    found = Path(options.found) if options.found else folder / "found"
    ledger = Ledger(folder / "ledger.json")
    running: list[Hunt] = []
    broken: set[str] = set()
    end = _moment(options.until)
    asked_to_end: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda asked, _: asked_to_end.append(asked))
    while True:
        if asked_to_end:
            end = min(end, time.time())
        over = time.time() >= end
        busy = {one.target.name for one in running} | broken
        waiting = [t for t in targets if t.name not in busy and ledger.of(t.name).cpu_seconds < options.seconds]
        while not over and waiting and len(running) < options.workers:
            # Who had least is next: all have had some before any has had all.
            target = min(waiting, key=lambda t: ledger.of(t.name).cpu_seconds)
            waiting.remove(target)
            left = options.seconds - ledger.of(target.name).cpu_seconds
            running.append(Hunt(target, folder, found, min(options.slice, max(left, 5))))
        if not running:
            return ledger
        if over:
            for one in running:
                (one.kill if time.time() > end + GRACE_SECONDS else one.stop)()
        time.sleep(0.5)
        for one in list(running):
            spent = one.ended()
            if spent is None:
                continue
            running.remove(one)
            account = ledger.of(one.target.name)
            one.account(account, spent)
            ledger.save()
            if one.process.returncode and not over:
                # It ended by itself, too slow or too large: whoever mends it starts it again.
                broken.add(one.target.name)
            print(_line(one.target.name, account), flush=True)


def _moment(until: str | None) -> float:
    if until is None:
        return float("inf")
    now = datetime.now().astimezone()
    hour, minute = map(int, until.split(":"))
    end = now.replace(hour=hour, minute=minute, second=0)
    return (end if end > now else end + timedelta(days=1)).timestamp()


def _line(name: str, account: Account) -> str:
    found = ", ".join(account.found) or "nothing"
    return (
        f"{name}: {account.cpu_seconds:.0f} s of CPU, {account.executions} inputs, "
        f"cov: {account.edges_first} -> {account.edges}, found {found}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--found", help="where to leave what crashed, FOLDER/found by default")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--until", metavar="HH:MM")
    parser.add_argument("--slice", type=float, default=SLICE)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    known = every()
    names = {target.name for target in known}
    if unknown := set(options.targets) - names:
        parser.error(f"no target {', '.join(sorted(unknown))}")
    targets = [target for target in known if not options.targets or target.name in options.targets]
    # Whoever sits at this machine does not notice.
    os.nice(19 - os.nice(0))
    ledger = hunt(targets, options)
    accounts = [ledger.of(target.name) for target in targets]
    done = sum(account.cpu_seconds >= options.seconds for account in accounts)
    found = sum(len(account.found) for account in accounts)
    print(f"{len(targets)} targets, {done} of them had {options.seconds:.0f} s of CPU; found: {found}")
    return int(found != 0)


if __name__ == "__main__":
    sys.exit(main())
