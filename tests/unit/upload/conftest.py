from __future__ import annotations

from collections.abc import Iterator

import pytest

from .box import Remote


@pytest.fixture
def remote() -> Iterator[Remote]:
    remote = Remote()
    yield remote
    remote.close()
