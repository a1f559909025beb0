"""What a page is made of: the database, what was asked for, and who may ask."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.database import Store
    from .access import Access
    from .request import Request


class Visit:
    """`request.path` is the whole path, `request.query` what follows the question mark."""

    __slots__ = ("access", "request", "store")

    def __init__(self, store: Store, request: Request, access: Access) -> None:
        self.store = store
        self.request = request
        self.access = access
