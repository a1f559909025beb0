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

# What boots a machine; two at once would disturb each other's timing. And what starts a server.
TOGETHER = {"faults": "machine", "link": "machine", "machine": "machine", "server": "server"}


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]
    """Where several processes share the tests, one has all of the labs, and begins with them."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER.get(nodeid.split("/")[1], nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    return ByFolder(config, log)
