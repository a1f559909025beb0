"""The unit tests that tell whether a Python, an SQLite, a processor will do, and the tools to run them with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .outcome import NotHad

KEPT = Path(os.environ.get("BELABOX_METRICS_CACHE", "/var/cache/belabox-metrics"))
CACHE = KEPT / "platforms"
CHECKOUT = Path(__file__).parents[2]
# The labs have systemd and the whole program; here is what depends on the interpreter and the libraries below it.
TESTS = ("collectors", "store")
# These want programs that a box need not have: strace, v4l2-ctl.
_WANT_MORE = (
    "collectors/test_encoder.py::test_the_files_that_can_bring_a_kernel_down_are_not_opened",
    "collectors/test_hdmi_input.py::test_the_real_program_on_a_node_that_is_not_there",
)
# How a program is started, ends and is timed: under emulation that is the emulator's doing.
OF_THE_KERNEL = (
    "collectors/test_http_get.py::test_tls_to_a_server_that_hangs",
    "collectors/test_program.py",
)
# These have what they need of the distribution: python3-yaml, python3-requests.
# The last that know Python 3.9, and what they want there: pip judges by the Python that runs it.
TOOLS = (
    *("pytest<9", "hypothesis<6.142"),
    *("iniconfig<2.2", "exceptiongroup<1.3", "tomli", "typing_extensions"),
)
# As a program, so that a directory of modules is enough to run it.
_PYTEST = ("-B", "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", "-W", "ignore")


def words(without: tuple[str, ...] = ()) -> list[str]:
    """What follows the interpreter's name, in the checkout, to run TESTS."""
    left_out = [f"--deselect=tests/unit/{name}" for name in (*_WANT_MORE, *without)]
    return [*_PYTEST, *left_out, *(f"tests/unit/{room}" for room in TESTS)]


def tools(version: str, machine: str = "x86_64") -> Path:
    """A directory of what pip has for the Python `version`, such as "3.9", on that processor. Raises NotHad."""
    directory = CACHE / f"tools-{version}-{machine}"
    if not (directory / "pytest").is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "-q", "install", "--upgrade", "--target", str(directory)]
        pip += ["--python-version", version, "--only-binary=:all:", "--implementation", "cp"]
        pip += [f"--platform=manylinux{glibc}_{machine}" for glibc in ("2014", "_2_17", "_2_28")]
        done = subprocess.run([*pip, *TOOLS], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotHad(f"pip has no {', '.join(TOOLS)} for Python {version} on {machine}: {done.stderr[-200:]}")
    return directory


def summary(done: subprocess.CompletedProcess[str]) -> str:
    """`1437 passed, 1 skipped`. Raises AssertionError with the names of what failed."""
    lines = done.stdout.strip().splitlines() or [done.stderr.strip()]
    if done.returncode != 0:
        failed = [line for line in lines if line.startswith(("FAILED", "ERROR", "E  "))]
        raise AssertionError("\n".join([*failed, lines[-1]]))
    return lines[-1].strip("= ").partition(" in ")[0]
