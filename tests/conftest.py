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

# These have one machine between them, the fixture `machine`; what else is booted is of one file.
OF_ONE_MACHINE = tuple(f"tests/machine/test_{name}.py" for name in ("board", "own", "page", "pipeline", "stream"))


class ByLab(LoadScopeScheduling):  # type: ignore[misc]
    """Where several processes share the tests, they begin with the labs, and what is one test by itself is for whoever
    has nothing else to do."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = file.split("/")[1]
        if folder == "server" or file in OF_ONE_MACHINE:
            return folder
        return file if folder in ("faults", "machine") else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByLab:
    return ByLab(config, log)


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
