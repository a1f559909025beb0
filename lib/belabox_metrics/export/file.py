"""A file that is either whole or not there."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from ..errors import StoreProblem, UsageProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import BinaryIO

MODE = 0o640
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
# Who names another path, or makes this one his, is helped.
NO_PLACE = (errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
# What file systems without hard links say, FAT on a stick for one.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class WholeFile:
    """`with WholeFile(path) as file:` is written beside `path` and gets its name once it is complete and on the disk;
    what an exception leaves is removed. `partial`: where it is until then.

    replace: take the place of a file that is there, which is refused otherwise. mode: what others may do with it. like:
    of a file whose mode this one gets, and whose owner where root makes it.
    Raises UsageProblem where the file can't be, StoreProblem where it can't be written."""

    def __init__(
        self, path: str, *, replace: bool = False, mode: int = MODE, like: os.stat_result | None = None
    ) -> None:
        self.path = path
        self.partial = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}.partial")
        self._replace = replace
        self._mode = mode
        self._like = like
        self._file: BinaryIO | None = None

    def __enter__(self) -> BinaryIO:
        if os.path.isdir(self.path):
            raise UsageProblem("is a directory", where=self.path, hint="name a file in it")
        if os.path.lexists(self.path):
            if not self._replace:
                raise _exists(self.path)
            if not stat.S_ISREG(os.lstat(self.path).st_mode):
                # Root could replace /dev/null.
                raise UsageProblem("is no plain file", where=self.path, hint="to write into it, redirect stdout")
        try:
            # It may be left by a process of the same number that was killed.
            if os.path.lexists(self.partial):
                os.unlink(self.partial)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self.partial, flags, self._mode)
        except OSError as error:
            found = unwritable(self.path, error)
            raise UsageProblem(found.what, where=self.path) if error.errno in NO_PLACE else found from error
        self._file = open(descriptor, "w+b")
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        try:
            try:
                if kind is None:
                    self._finish(self._file)
            finally:
                self._tidy(self._file)
        except OSError as failure:
            raise unwritable(self.path, failure) from failure
        if isinstance(error, OSError):
            raise unwritable(self.path, error) from error

    def _tidy(self, file: BinaryIO) -> None:
        try:
            file.close()
        finally:
            if os.path.lexists(self.partial):
                os.unlink(self.partial)

    def _finish(self, file: BinaryIO) -> None:
        file.flush()
        if self._like is not None:
            with contextlib.suppress(PermissionError):  # a stick with FAT knows neither modes nor owners
                os.fchmod(file.fileno(), self._like.st_mode & 0o777)
                if os.geteuid() == 0:
                    os.fchown(file.fileno(), self._like.st_uid, self._like.st_gid)
        os.fsync(file.fileno())
        if self._replace:
            os.rename(self.partial, self.path)
        else:
            self._name()
        directory = os.open(os.path.dirname(self.path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        except OSError as error:
            # Some file systems, most of those over a network, sync files alone.
            if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
        finally:
            os.close(directory)

    def _name(self) -> None:
        """A link, unlike a rename, takes nobody's place."""
        try:
            os.link(self.partial, self.path)
        except FileExistsError:
            raise _exists(self.path) from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(self.path):
                raise _exists(self.path) from None
            os.rename(self.partial, self.path)


def unwritable(path: str, error: OSError, hint: str = "") -> StoreProblem:
    """What went wrong while `path` was written, in words. `hint`: what to do where it is no want of room."""
    if error.errno in _NO_ROOM:
        hint = "free some space, or write to another disk"
    return StoreProblem(f"can't be written: {error.strerror}", where=path, hint=hint)


def _exists(path: str) -> UsageProblem:
    return UsageProblem("is there already", where=path, hint="nothing is overwritten: take another name")
