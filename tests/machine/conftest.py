from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from .machine import Machine, booted


@pytest.fixture(scope="session")
def machine_name() -> str:
    """The start of a machine's name; with the process in it, so that two test runs don't meet."""
    if os.geteuid() != 0:
        pytest.skip("containers need root")
    if shutil.which("unshare") is None:
        pytest.skip("containers need Linux")
    return f"test-{os.getpid()}"


@pytest.fixture(scope="session")
def machine(machine_name: str) -> Iterator[Machine]:
    """A machine with everything installed, shared by all tests: leave it as found."""
    with booted(machine_name) as machine:
        machine.run("/src/install.sh", timeout=300)
        yield machine
