"""Doing a piece of work as the user that the jobs run as, so that what it makes belongs to that user."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

USER = "metrics"


class As:
    """`with As():` effective user, group and groups are those of `user` inside, USER unless named; what is made is
    for that user and group alone, as the units of the jobs have it.

    The user stays where the process is not root or there is no such user: then files belong to whoever runs it, as in
    a checkout."""

    def __init__(self, user: str = "") -> None:
        self._user = user or USER
        self._before: tuple[int, int, list[int]] | None = None
        self._umask = 0

    def __enter__(self) -> None:
        self._umask = os.umask(0o027)
        if os.geteuid() != 0:
            return
        try:
            account = pwd.getpwnam(self._user)
        except KeyError:
            return
        self._before = (os.geteuid(), os.getegid(), os.getgroups())
        try:
            # The user last: without root the groups could not be changed any more.
            os.setgroups([account.pw_gid])
            os.setegid(account.pw_gid)
            os.seteuid(account.pw_uid)
        except BaseException:
            self._restore()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _restore(self) -> None:
        os.umask(self._umask)
        if self._before is not None:
            user, group, groups = self._before
            os.seteuid(user)
            os.setegid(group)
            os.setgroups(groups)
            self._before = None
