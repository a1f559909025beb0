"""One way to fail: what failed, where, and what to do about it."""

from __future__ import annotations


class Problem(Exception):
    """Something a person can mend. `exit_code` is what the job leaves with."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} ({self.hint})" if self.hint else text


class UsageProblem(Problem):
    """The command line asks for something that does not exist."""

    exit_code = 2


class SourceProblem(Problem):
    """A source of numbers is there, but what it says can't be read or can't be true."""


class StoreProblem(Problem):
    """The database can't be opened, read or written."""


class Damaged(StoreProblem):
    """The file of the database does not hold what was written into it. recover.py starts another."""


class Unwritable(StoreProblem):
    """There is no room where the database is, or nobody may write there for now. What it holds is safe, and a job that
    comes when there is room again does its work as if nothing had been."""

    exit_code = 75


class TryLater(Problem):
    """Nothing is wrong with the request; the time is (the lock is held, the server is busy)."""

    exit_code = 75


class ConfigProblem(Problem):
    """The configuration can't be used. `where` is `FILE:LINE: KEY`."""

    exit_code = 78


class NoData(Exception):
    """The box does not have this source. Not a failure: the run is stored with the reason and no values."""
