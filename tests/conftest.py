from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Callable

import hypothesis
import pytest

try:
    from xdist.scheduler import LoadScopeScheduling
except ImportError:  # one process has them all
    LoadScopeScheduling = object

# How long an example takes tells of the machine and what else it does.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

# What shares a machine or a server, by its folder; in tests/machine each of these files boots its own.
TOGETHER = {"faults": "faults", "machine": "machine", "server": "server"}
APART = ("test_doctor.py", "test_documentation.py", "test_package.py")


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]
    """Where several processes share the tests, one begins with the labs, and those that take their time are for whoever
    has nothing else to do."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.endswith(APART):
            return file
        return TOGETHER.get(file.split("/")[1], nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    return ByFolder(config, log)


@pytest.fixture
def zone() -> Iterator[Callable[[str], None]]:
    """`zone("Europe/Vienna")`: the time zone of this process until the test ends."""
    with pytest.MonkeyPatch.context() as environment:

        def put(name: str) -> None:
            environment.setenv("TZ", name)
            time.tzset()

        yield put
    time.tzset()


@pytest.fixture
def utc(zone: Callable[[str], None]) -> None:
    """Local times are those of UTC."""
    zone("UTC")
