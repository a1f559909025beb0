"""What one activation has sent so far."""

from __future__ import annotations

from ..identity import uuid4

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .transport import Answer


class Batch:
    """`chunks` and `samples` that were accepted, `rejected` samples set aside; bytes of bodies, both ways, of all
    answers; `attempt`: the how manieth of the last chunk that was sent. `doubt`: what in an answer does not fit."""

    def __init__(self) -> None:
        self.id = uuid4()
        self.claimed = 0
        self.chunks = 0
        self.samples = 0
        self.rejected = 0
        self.attempt = 1
        self.bytes_sent = 0
        self.bytes_received = 0
        self.status: int | None = None
        self.doubt = ""

    def count(self, answer: Answer) -> None:
        self.bytes_sent += answer.bytes_sent
        self.bytes_received += answer.bytes_received
        self.status = answer.status
