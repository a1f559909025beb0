"""How much room the database takes, and how much there is left: pages in use, not the length of the file.

Pages that deletion has freed are taken again by the next runs (docs/storage.md), so they are as good as free disk.
"""

from __future__ import annotations

import os

from ..errors import StoreProblem
from ..store.checkpoint import LOG_LIMIT, log_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.database import Store
    from .settings import Settings

# Of max_size, what is left for what comes in until the next time.
MARGIN = 16
# The reserve is never more than this part of the file system: on a small one it would be all of it.
LARGEST_RESERVE = 20
# What is dropped gives no byte back to the disk, only pages to the runs that come next: so many are enough for some
# hours, and where the disk stays full they are had again each time. Of a small database a part, or all of it would go.
SPARE_BYTES = 8 * 10**6
LARGEST_SPARE = 4


class Room:
    """Bytes. `used`: pages in use, and a log as long as it may be; `free`: pages that are not in use, the log that will
    be folded in, and what the file system gives; `over`: so much has to go."""

    __slots__ = ("free", "over", "used")

    def __init__(self, store: Store, settings: Settings) -> None:
        size, pages, unused = (
            int(store.connection().execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_size", "page_count", "freelist_count")
        )
        try:
            disk = os.statvfs(os.path.dirname(store.path) or ".")
        except OSError as error:
            raise StoreProblem(f"can't tell how much room there is: {error.strerror}", where=store.path) from error
        # What deletion adds to the log must not look like a reason to delete more.
        log = log_size(store.path)
        self.used = (pages - unused) * size + max(log, LOG_LIMIT)
        self.free = unused * size + log + disk.f_bavail * disk.f_frsize
        reserve = min(settings.reserve_bytes, disk.f_blocks * disk.f_frsize // LARGEST_RESERVE)
        most = settings.max_bytes - settings.max_bytes // MARGIN
        spare = min(SPARE_BYTES, pages * size // LARGEST_SPARE)
        self.over = max(0, self.used - most, min(reserve - self.free, spare - unused * size))
