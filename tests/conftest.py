from __future__ import annotations

from typing import Any

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
