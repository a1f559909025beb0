"""What a page is made of: the database, what was asked for, and who may ask."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.database import Store
    from .access import Access
    from .request import Request


class Visit:
    """`request.path` is the whole path, `request.query` what follows the question mark. `kept`: what a place wants to
    find again at the next visit to this process, by a name that begins with its own."""

    __slots__ = ("access", "kept", "request", "store")

    def __init__(self, store: Store, request: Request, access: Access, kept: dict[str, object]) -> None:
        self.store = store
        self.kept = kept
        self.request = request
        self.access = access
