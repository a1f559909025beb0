"""What is known of the clock in each boot: what added to the time since boot makes the right time.

CLOCK_BOOTTIME runs at the same rate as the wall clock and is never set, so one number holds for a whole boot.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..clock import Moment

# Some minutes of runs.
NEWEST = 200


def number(connection: Connection, boot_id: str) -> int | None:
    """What runs name the boot by; None for one without runs, and where the kernel gives no id: then all boots look the
    same."""
    found = connection.execute("SELECT id FROM boots WHERE boot_id = ? AND boot_id <> ''", (boot_id,)).fetchone()
    return int(found[0]) if found else None


def offset_ms(connection: Connection, boot: int) -> int | None:
    """Right time - time since boot, in the boot of this number; None when it was never known while it lasted."""
    found = connection.execute("SELECT offset_ms FROM boots WHERE id = ?", (boot,)).fetchone()
    return None if found is None or found[0] is None else int(found[0])


def is_known(connection: Connection, moment: Moment) -> bool:
    """Whether the boot of `moment` has its offset."""
    boot = number(connection, moment.boot_id)
    return boot is not None and offset_ms(connection, boot) is not None


def right_ms(connection: Connection, moment: Moment) -> int | None:
    """What the time is at `moment`, by what was found out in its boot; None when nobody has."""
    boot = number(connection, moment.boot_id)
    offset = None if boot is None else offset_ms(connection, boot)
    return None if offset is None else offset + moment.boottime_ms


def is_unset(connection: Connection, boot: int) -> bool:
    """Whether samples of this boot were taken before its clock was set. Looks at the newest runs, where those of the
    present boot are."""
    found = connection.execute(
        "SELECT 1 FROM (SELECT boot, synchronized, packed FROM runs ORDER BY id DESC LIMIT ?)"
        " WHERE boot = ? AND NOT synchronized AND packed IS NOT NULL LIMIT 1",
        (NEWEST, boot),
    ).fetchone()
    return found is not None


def later_offset_ms(connection: Connection, boot: int, run: int) -> int | None:
    """The same from the first run behind `run` whose clock had been set; None when the boot ends without one.

    Boots do not mix in the order of runs, so the search ends where another begins."""
    found = connection.execute(
        "SELECT boot, runs.id - lead_ms - boottime_ms, boot_id FROM runs JOIN boots ON boots.id = boot"
        " WHERE runs.id > ?1 AND (boot <> ?2 OR synchronized) ORDER BY runs.id LIMIT 1",
        (run, boot),
    ).fetchone()
    return int(found[1]) if found and found[0] == boot and found[2] else None


def fix(connection: Connection, moment: Moment, right_ms: int) -> None:
    """At `moment` it was `right_ms` (Unix time). The first word on a boot stands: a sample that is sent again must have
    the time it had. Nothing is known of a boot without an id. Inside a transaction."""
    if not moment.boot_id:
        return
    connection.execute("INSERT OR IGNORE INTO boots (boot_id) VALUES (?)", (moment.boot_id,))
    connection.execute(
        "UPDATE boots SET offset_ms = ? WHERE boot_id = ? AND offset_ms IS NULL",
        (right_ms - moment.boottime_ms, moment.boot_id),
    )
