from __future__ import annotations

import os
import pwd
import tempfile
from typing import TYPE_CHECKING

import pytest

from belabox_metrics.owner import As

if TYPE_CHECKING:
    from pathlib import Path

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@as_root
def test_what_is_made_inside_belongs_to_the_user() -> None:
    nobody = pwd.getpwnam("nobody")
    before = (os.geteuid(), os.getegid(), os.getgroups())
    with As("nobody"):
        assert (os.geteuid(), os.getegid(), os.getgroups()) == (nobody.pw_uid, nobody.pw_gid, [nobody.pw_gid])
        with tempfile.TemporaryFile() as made:
            about = os.fstat(made.fileno())
    assert (os.geteuid(), os.getegid(), os.getgroups()) == before
    assert (about.st_uid, about.st_gid) == (nobody.pw_uid, nobody.pw_gid)


@as_root
def test_comes_back_after_a_failure() -> None:
    before = (os.geteuid(), os.getegid(), os.getgroups())
    with pytest.raises(ValueError, match="inside"), As("nobody"):
        raise ValueError("inside")
    assert (os.geteuid(), os.getegid(), os.getgroups()) == before


def test_what_is_made_inside_is_for_nobody_else(tmp_path: Path) -> None:
    before = os.umask(0o022)
    with As("no-such-user"):
        os.close(os.open(tmp_path / "made", os.O_CREAT, 0o666))
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o640
    assert os.umask(before) == 0o022


def test_stays_as_it_is_without_such_a_user() -> None:
    before = (os.geteuid(), os.getegid())
    with As("no-such-user"):
        assert (os.geteuid(), os.getegid()) == before
    assert (os.geteuid(), os.getegid()) == before
