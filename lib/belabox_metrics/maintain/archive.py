"""What was sampled is put into the archive of days, if there is to be one, while it still is as it was sampled."""

from __future__ import annotations

from ..export.archive import Archive, Settings
from ..sample import Sample
from .work import Done

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .work import Work

# One is due at a time. Whoever has many to catch up with leaves time for the other steps.
HOURS = 6


def archive(work: Work) -> Done:
    """Pack the hours that are over. Raises StoreProblem where the archive can't be written."""
    settings = Settings(work.connection, work.store.path)
    if not settings.enabled:
        done = Done([])
        # Nothing to be told, hour by hour, of what nobody asked for.
        done.reported = True
        return done
    connection = work.store.reading()
    try:
        packing = Archive(connection, work.store.path, settings, work.pace.rest, lambda: work.pace.is_over, HOURS)
        made = packing.run(work.moment, work.now_ms)
    finally:
        connection.close()
    samples = [
        Sample("storage.hours_archived", made.parts),
        Sample("storage.days_archived", len(made.days)),
        Sample("storage.archive_bytes", made.size),
        Sample("storage.archive_days_removed", len(made.removed)),
    ]
    told = [f"archived {', '.join(made.days)}: {made.size} bytes"] if made.days else []
    told += [f"removed {', '.join(made.removed)}"] if made.removed else []
    return Done(samples, "; ".join(told))
