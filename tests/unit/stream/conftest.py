"""Real journals, made of recorded lines, and process tables as folders."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Callable, Union

import pytest

FIXTURES = Path(__file__).parents[2] / "fixtures"
REMOTE = "/lib/systemd/systemd-journal-remote"
BOOT = "00000000000000000000000000000002"
MACHINE = "00000000000000000000000000000001"
BELAUI = {"_SYSTEMD_UNIT": "belaUI.service", "_TRANSPORT": "stdout", "SYSLOG_IDENTIFIER": "belaUI"}
KERNEL = {"_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel"}

Entry = dict[str, Union[str, bytes]]
Journal = Callable[[Iterable[Entry]], str]


def recorded(name: str) -> list[Entry]:
    """The entries of a file of `journalctl -o json`."""
    return [json.loads(line) for line in (FIXTURES / "belabox" / name).read_text().splitlines()]


def entry(second: float, text: str | bytes, fields: dict[str, str] = BELAUI) -> Entry:
    """One line, so many seconds after the hour the tests live in."""
    us = str(1_795_200_000_000_000 + int(second * 1_000_000))
    return {
        "__REALTIME_TIMESTAMP": us,
        "__MONOTONIC_TIMESTAMP": str(int(us[-10:])),
        "_BOOT_ID": BOOT,
        "_MACHINE_ID": MACHINE,
        **fields,
        "MESSAGE": text,
    }


def now_ms(second: float) -> int:
    return 1_795_200_000_000 + int(second * 1000)


def exported(entries: Iterable[Entry]) -> bytes:
    """As the export format of the journal has it; what is not a plain line has its length before it."""
    blocks = []
    for one in entries:
        for name, value in one.items():
            if name == "__CURSOR":
                continue
            data = value if isinstance(value, bytes) else value.encode()
            if isinstance(value, bytes) or b"\n" in data:
                blocks.append(name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n")
            else:
                blocks.append(name.encode() + b"=" + data + b"\n")
        blocks.append(b"\n")
    return b"".join(blocks)


def write_journal(root: Path, entries: Iterable[Entry], name: str = "system") -> None:
    """One more file in the journal of the box at `root`."""
    folder = root / "var/log/journal" / MACHINE
    folder.mkdir(parents=True, exist_ok=True)
    command = [REMOTE, "-o", str(folder / f"{name}.journal"), "-"]
    subprocess.run(command, input=exported(entries), capture_output=True, check=True)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """journal(entries) -> the root of a box whose journal has these, too."""
    pytest.importorskip("systemd._reader")
    if not Path(REMOTE).exists():
        pytest.skip("needs systemd-journal-remote")

    def journal(entries: Iterable[Entry]) -> str:
        made = len(list((tmp_path / "var/log/journal").glob("*/*.journal")))
        write_journal(tmp_path, entries, f"system-{made}")
        return str(tmp_path)

    return journal
