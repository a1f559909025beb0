from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups right after
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the tests, one has all that boot a machine, and one all that start a server: two
    labs at once would disturb each other's timing."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        for name in ("machine", "server"):
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.xdist_group(name))
