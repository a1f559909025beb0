"""What came of one request, as it is told."""

from __future__ import annotations

from .ledger import AGAIN, DIFFERENT, NEW

# The status of an answer that was not sent as a whole.
CUT = "cut"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .content import Content


class Receipt:
    """status: the answer, "503", or or CUT.
    size: bytes of body as they came. device: as the head says. key: the Idempotency-Key.
    seen: of the ledger. told: what the receiver was told to do to it. refusal: why it was not looked at.
    taken: its samples count."""

    def __init__(self, method: str, path: str) -> None:
        self.method = method
        self.path = path
        self.status = ""
        self.size = 0
        self.device = ""
        self.key = ""
        self.seen = NEW
        self.told = ""
        self.refusal = ""
        self.taken = False
        self.content: Content | None = None

    def is_wrong(self) -> bool:
        """The sender is to blame."""
        findings = self.content.findings.count if self.content else 0
        return bool(self.refusal or findings or self.seen == DIFFERENT)

    def notes(self) -> list[str]:
        """What is special about it, each in a few words."""
        notes = ["again"] if self.seen == AGAIN else []
        if self.seen == DIFFERENT:
            notes.append("WRONG: other bytes than before under the same Idempotency-Key")
        if self.told:
            notes.append(f"told to: {self.told}")
        if self.refusal:
            notes.append(f"WRONG: {self.refusal}")
        count = self.content.findings.count if self.content else 0
        if count:
            notes.append(f"WRONG: {count} mistake{'s' * (count != 1)}")
        return notes
