"""How much room the database takes, and how much there is left: pages in use, not the length of the file.

Pages that deletion has freed are taken again by the next runs (docs/storage.md), so they are as good as free disk.
"""

from __future__ import annotations

import os

from ..store.checkpoint import log_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.database import Store
    from .settings import Settings

# Of max_size, what is left for what comes in until the next time.
MARGIN = 16
# The reserve is never more than this part of the file system: on a small one it would be all of it.
LARGEST_RESERVE = 20


class Room:
    """Bytes. `used`: pages in use, and the log; `free`: pages that are not in use, and what the file system gives;
    `over`: so much has to go. `log_bytes`: the log as it was when somebody began to look: what
    deletion itself adds to it is none of it."""

    __slots__ = ("free", "over", "used")

    def __init__(self, store: Store, settings: Settings, log_bytes: int) -> None:
        size, pages, unused = (
            int(store.connection().execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_size", "page_count", "freelist_count")
        )
        disk = os.statvfs(os.path.dirname(store.path) or ".")
        self.used = (pages - unused) * size + log_bytes
        self.free = unused * size + disk.f_bavail * disk.f_frsize + log_size(store.path) - log_bytes
        reserve = min(settings.reserve_bytes, disk.f_blocks * disk.f_frsize // LARGEST_RESERVE)
        most = settings.max_bytes - settings.max_bytes // MARGIN
        self.over = max(0, self.used - most, reserve - self.free)
