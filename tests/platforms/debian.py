"""One Debian or Ubuntu in the lab: the walk of a new user, and the unit tests by its Python and its SQLite."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from tests.machine.machine import COMMAND, Machine, booted

from . import keys, steps, units
from .outcome import NotHad, Part, Row, attempt, save

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITES = {
    "bullseye": "Debian 11",
    "jammy": "Ubuntu 22.04",
    "bookworm": "Debian 12",
    "noble": "Ubuntu 24.04",
    "trixie": "Debian 13",
}
_VERSIONS = """
import sqlite3, subprocess, sys
systemd = subprocess.run(["systemctl", "--version"], capture_output=True, text=True).stdout.split()[1]
print(f"systemd {systemd}, Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")
"""


def run(suite: str) -> Part:
    rows: list[Row] = []
    about = SUITES[suite]
    os.environ["MACHINE_SUITE"] = suite
    built = attempt("a root of it", partial(root, about))
    if built.state != "ok":
        return save(suite, about, [built])
    for course in (steps.SCRIPT, steps.PACKAGE):
        with machine(suite) as box:
            about = f"{SUITES[suite]}: {box.run('python3', '-I', '-c', _VERSIONS).stdout.strip()}"
            rows += walk(box, course)
        save(suite, about, rows)  # should the night not be long enough
    with machine(suite) as box:
        rows.append(attempt(f"unit tests ({', '.join(units.TESTS)})", partial(unit_tests, box)))
    return save(suite, about, rows)


def run_pages(suite: str) -> Part:
    """As a part of its own: it takes as long as all the rest of a system."""
    os.environ["MACHINE_SUITE"] = suite
    rows = [attempt(SUITES[suite], partial(pages, SUITES[suite]))]
    return save(f"pages-{suite}", SUITES[suite], rows)


def root(about: str) -> None:
    """Built once, and kept. Raises NotHad, where its mirror can't be reached or its keys are not here."""
    if about.startswith("Ubuntu"):
        os.environ["MACHINE_KEYRING"] = str(keys.keyring())
    done = subprocess.run([COMMAND, "root"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith("E: ")]
        raise NotHad(said[0] if said else "it could not be built")


@contextmanager
def machine(suite: str) -> Iterator[Machine]:
    with booted(f"platform-{suite}-{os.getpid()}") as box:
        steps.prepare(box)
        yield box


def walk(box: Machine, course: tuple[steps.Step, ...]) -> list[Row]:
    """Each step stands on the one before: the first that fails is the last."""
    rows: list[Row] = []
    for step in course:
        rows.append(attempt(step.title, lambda step=step: step.do(box)))  # type: ignore[misc]
        if rows[-1].state == "failed":
            break
    return rows


def unit_tests(box: Machine) -> str:
    version = box.run("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").stdout.strip()
    box.run("mkdir", "/root/tools")
    unpack = [str(COMMAND), "exec", box.name, "--", "tar", "-x", "-C", "/root/tools"]
    with subprocess.Popen(["tar", "-c", "-C", str(units.tools(version)), "."], stdout=subprocess.PIPE) as packed:
        subprocess.run(unpack, stdin=packed.stdout, check=True)
    line = f"cd {steps.COPY} && PYTHONPATH=/root/tools exec python3 {' '.join(units.words())}"
    return units.summary(box.run("bash", "-c", line, check=False, timeout=1800))


def pages(about: str) -> str:
    """README, the guides, and each trouble with what helps: as printed, with what is said to come out."""
    root(about)
    pytest = units.KEPT / "venv/bin/pytest"
    if not pytest.exists():
        raise NotHad(f"there is no {pytest}, which tests/run makes")
    words = [str(pytest), "-q", "-p", "no:cacheprovider", "-W", "ignore", "tests/machine/test_documentation.py"]
    done = subprocess.run(words, cwd=units.CHECKOUT, capture_output=True, text=True, check=False, timeout=3600)
    return units.summary(done)
