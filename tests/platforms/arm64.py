"""An arm64 Debian, run by qemu-user: the processor of the box, though not its speed. The kernel is this machine's."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from . import units
from .outcome import NotHad, Part, attempt, save

if TYPE_CHECKING:
    from collections.abc import Iterator

QEMU = "/usr/bin/qemu-aarch64-static"
ROOT = units.CACHE / "bookworm-arm64"
PACKAGES = ("python3", "python3-yaml", "python3-requests", "python3-systemd", "sqlite3")
_FORMATS = Path("/proc/sys/fs/binfmt_misc")
# The head of an ELF file for that machine, which bits of it count, and F: opened now, so that it needs not be in ROOT.
_MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
_NAME = "belabox-metrics-arm64"
_FIXTURE = "/src/tests/fixtures/orangepi5plus"


def run() -> Part:
    about = "arm64 under qemu-user"
    try:
        with emulated():
            root()
            about = f"Debian 12, arm64 under qemu-user: {inside('python3 -V; uname -m').replace(chr(10), ', ')}"
            rows = [
                attempt("one collection, stored", one_collection),
                attempt("the processor's own /proc", own_proc),
                attempt(f"unit tests ({', '.join(units.TESTS)})", unit_tests),
            ]
    except NotHad as lacking:
        message = str(lacking)
        rows = [attempt("arm64", lambda: lack(message))]
    return save("arm64", about, rows)


def lack(message: str) -> str:
    raise NotHad(message)


@contextmanager
def emulated() -> Iterator[None]:
    """Programs for arm64 can be started as long as the block lasts. Raises NotHad."""
    if not Path(QEMU).exists():
        raise NotHad("there is no qemu-aarch64-static (package qemu-user-static)")
    if not (_FORMATS / "register").exists():
        mounted = subprocess.run(
            ["mount", "-t", "binfmt_misc", "binfmt_misc", _FORMATS], check=False, capture_output=True
        )
        if mounted.returncode != 0:
            raise NotHad("this kernel has no binfmt_misc, or it needs root")
    others = any("aarch64" in entry.name for entry in _FORMATS.iterdir())
    if not others:
        (_FORMATS / "register").write_bytes(f":{_NAME}:M::{_MAGIC}:{_MASK}:{QEMU}:F".encode())
    try:
        yield
    finally:
        if not others:
            (_FORMATS / _NAME).write_text("-1")


def root() -> None:
    """Builds it once. Raises NotHad."""
    if ROOT.is_dir():
        return
    building = ROOT.with_suffix(".building")
    shutil.rmtree(building, ignore_errors=True)
    words = [
        "mmdebstrap",
        "--arch=arm64",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        "bookworm",
        str(building),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotHad(f"mmdebstrap can't build it: {done.stderr.strip().splitlines()[-1:]}")
    building.rename(ROOT)


def inside(line: str, timeout: float = 3600) -> str:
    """What `line` printed, run by a shell for arm64 on a throw-away copy. Raises AssertionError."""
    done = _inside(line, timeout)
    if done.returncode != 0:
        raise AssertionError(f"exit code {done.returncode} of: {line}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def _inside(line: str, timeout: float) -> subprocess.CompletedProcess[str]:
    # Mounts of a namespace of its own, gone with it.
    script = f"""
        set -e
        mount -t tmpfs tmpfs /mnt
        mkdir /mnt/upper /mnt/work /mnt/root
        mount -t overlay overlay -o lowerdir={ROOT},upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
        mkdir /mnt/root/src /mnt/root/tools
        mount --bind {units.CHECKOUT} /mnt/root/src
        [ ! -d "$2" ] || mount --bind "$2" /mnt/root/tools
        mount -t proc proc /mnt/root/proc
        mount --rbind /dev /mnt/root/dev
        mount -t sysfs sysfs /mnt/root/sys
        exec chroot /mnt/root /bin/sh -c "cd /src && $1"
    """
    words = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", script, "-", line, str(_tools())]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=timeout)


def _tools() -> Path:
    return units.tools("3.11", "aarch64")


def one_collection() -> str:
    collect = "/usr/bin/python3 -I -S jobs/collect.py cpu.usage --database /tmp/metrics.db"
    said = inside(f"{collect} --root {_FIXTURE}; {collect} --root {_FIXTURE}.later; {_stored('/tmp/metrics.db')}")
    assert said.endswith("cpu.usage_percent"), said
    return said.splitlines()[-1]


def own_proc() -> str:
    collect = "/usr/bin/python3 -I -S jobs/collect.py memory.usage --database /tmp/metrics.db"
    said = inside(f"{collect}; {_stored('/tmp/metrics.db')}")
    assert "memory.used_bytes" in said, said
    return said.splitlines()[-1]


def _stored(database: str) -> str:
    query = "SELECT count(*) || ' samples of ' || group_concat(DISTINCT metric_name) FROM metrics"
    return f'sqlite3 -readonly {database} "{query}"'


def unit_tests() -> str:
    done = _inside(f"PYTHONPATH=/tools exec python3 {' '.join(units.words(units.OF_THE_KERNEL))}", 3600)
    return units.summary(done)
