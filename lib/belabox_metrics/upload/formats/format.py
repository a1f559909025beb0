"""What every format can do."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...store.queue import PendingRun, Series


class Format(Protocol):
    """Makes bodies of requests; keeps what it knows of the series from one chunk to the next.

    NAME: as `remote.format` has it.
    ONE_SESSION: a body has room for one session: a chunk must be split where `run.session` changes.
    """

    NAME: str
    ONE_SESSION: bool

    def __init__(self, device_id: str, shapes: dict[int, list[Series]], compress: bool) -> None:
        """`shapes` may get more entries later. Raises ConfigProblem when this box lacks what the format needs."""

    def headers(self) -> dict[str, str]:
        """Of each request: what the body is, how it is compressed, what the format wants besides."""
        ...

    def is_own(self, found: dict[str, str]) -> bool:
        """Whether these are headers of a body of this format, however it is compressed."""
        ...

    def encode(self, chunk: list[PendingRun]) -> bytes:
        """The whole body, compressed if so told. Same chunk, same bytes: an attempt may be repeated.

        A sample that `refusal` names is left out, so that the others arrive."""
        ...

    def shortfall(self, body: bytes, samples: int) -> str:
        """Why the server, though it answered 2xx, has not taken all of `samples`; "" when it does not say so."""
        ...

    def checkpoint(self, body: bytes) -> int | None:
        """Up to when (Unix ms) the answer says it has everything; None where it says nothing, or nonsense."""
        ...
