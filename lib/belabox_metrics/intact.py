"""Settings that a card gives back otherwise are mended before anything is sent or deleted by them, which is told."""

from __future__ import annotations

from . import journal
from .distribution import make_importable
from .errors import ConfigProblem, Damaged
from .store import compiled
from .store.instant import Instant
from .suspicion import suspect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Callable, TypeVar

    from .store.database import Store

    Read = TypeVar("Read")


def sound(store: Store, job: str, read: Callable[[Connection], Read]) -> Read:
    """What `read` makes of the settings, mended where it says that they are Unsound. Raises that where nobody can."""
    try:
        return read(store.connection())
    except compiled.Unsound:
        keep_settings(store, job)
        return read(store.connection())


def keep_settings(store: Store, job: str) -> None:
    """The settings are what was compiled, from here on: what two of the rows, their copy and its sum say; else what the
    configuration does. Raises Unsound where that can't be used either, or `apply` has refused it."""
    with Instant(store) as connection:
        if compiled.are_whole(connection):
            return
    try:
        compiled.mend(store)
        now = "they are again"
    except compiled.Unsound as unsound:
        _compile(store, unsound)
        now = "nor their copy; they are what the configuration says now, applied or not"
    journal.record(
        f"{store.path}: the settings were not what was compiled, {now}",
        priority=journal.WARNING,
        message_id=journal.SETTINGS_MENDED,
        job=job,
        error_type=Damaged.__name__,
    )
    # Where one bit is wrong more may be.
    suspect()


def _compile(store: Store, unsound: compiled.Unsound) -> None:
    make_importable()
    from .schedule.compile import put_in_force

    try:
        put_in_force(store)
    except ConfigProblem:  # what is wrong with that is for `apply` to tell
        raise unsound from None
