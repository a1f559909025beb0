"""What is at each path, and what becomes of an upload."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from urllib.parse import parse_qs

from ..printable import printable
from . import document, lines, trouble
from .answer import HTML, JSON, TEXT, Answer, of_json, of_refusal
from .body import Refusal, unpacked
from .ledger import DIFFERENT, Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from email.message import Message
    from typing import Callable

    from .content import Content
    from .receipt import Receipt
    from .settings import Settings

    Judge = Callable[[bytes, str, int], Content]

JUDGES: dict[str, Judge] = {
    "/api/metrics": document.judge,
    "/api/v1/metrics": document.judge,
    "/api/v1/import": lines.judge,
}
CHECKPOINT = "/api/v1/checkpoint"
WHAT = "belabox-metrics receiver: a server for trying uploads out, which keeps nothing."
WEB_PAGE = b"<!doctype html><title>Welcome</title><p>Please log in to use this network.</p>\n"
# Longer than any that a sender of ours makes up.
KEY_LIMIT = 200
QUERY_LIMIT = 4096


class Desk:
    """`ledger` is only for who holds `lock`."""

    def __init__(self, settings: Settings) -> None:
        self.ledger = Ledger()
        # One body at a time is unpacked and judged: that bounds the memory.
        self.lock = threading.Lock()
        self._settings = settings

    def show(self, target: str, headers: Message) -> Answer:
        """The answer to GET. Raises Refusal."""
        path, _, query = target.partition("?")
        if path == "/health":  # not behind the lock: who asks wants to know the time
            return of_json(200, {"status": "ok"})
        if path == "/":
            with self.lock:
                text = "\n".join([WHAT, "", *self.ledger.lines(), ""])
            return Answer(200, TEXT, text.encode("utf-8", "backslashreplace"))
        if path == CHECKPOINT:
            self._authorize(headers)
            devices = parse_qs(query).get("device_id", []) if len(query) <= QUERY_LIMIT else []
            if len(devices) != 1:
                raise Refusal(400, f"whose? as in {CHECKPOINT}?device_id=belabox-001")
            with self.lock:
                return of_json(200, {"checkpoint": self._checkpoint(devices[0])})
        if path in JUDGES:
            raise Refusal(405, "uploads come by POST", "POST")
        raise _nothing_here()

    def admit(self, receipt: Receipt, headers: Message) -> None:
        """Look at the head of an upload before its body is read. Raises Refusal."""
        if _path(receipt) not in JUDGES:
            raise _nothing_here()
        self._authorize(headers)
        if len(receipt.key) > KEY_LIMIT:
            raise Refusal(400, f"the Idempotency-Key has more than {KEY_LIMIT} characters")

    def take(self, receipt: Receipt, headers: Message, data: bytes) -> Answer:
        """Judge the body `data`, as it came; fills `receipt` and counts what is taken. For who holds the lock."""
        judge = JUDGES[_path(receipt)]
        receipt.seen = self.ledger.seen(receipt.key, hashlib.sha256(data).digest())
        try:
            if judge is document.judge and not self._settings.lenient:
                _is_json(headers)
            content = judge(unpacked(data, headers), receipt.device, time.time_ns() // 1_000_000)
        except Refusal as refusal:
            receipt.refusal = str(refusal)
            answer = of_refusal(refusal)
        else:
            receipt.content = content
            answer = self._verdict(receipt, content)
        if receipt.told and receipt.told not in trouble.TAKEN:
            return self._as_told(receipt.told)
        return answer

    def _verdict(self, receipt: Receipt, content: Content) -> Answer:
        if not self._settings.lenient:
            if content.findings.count:
                return of_json(400, content.findings.document())
            if receipt.seen == DIFFERENT:
                return of_refusal(Refusal(422, "other bytes than before came under the same Idempotency-Key"))
        if not receipt.told or receipt.told in trouble.TAKEN:
            receipt.taken = True
            self.ledger.take(receipt.key, content)
        if JUDGES[_path(receipt)] is lines.judge:
            return Answer(204)
        checkpoint = self._checkpoint(next(iter(content.devices), receipt.device))
        return of_json(200, {"success": True, "received": content.samples(), "checkpoint": checkpoint})

    def _as_told(self, told: str) -> Answer:
        if told == trouble.PAGE:
            return Answer(200, HTML, WEB_PAGE)
        after = self._settings.retry_after
        extra = {"Retry_After": after} if after else {}
        return of_json(int(told), {"success": False, "error": "told to fail"}, **extra)

    def _authorize(self, headers: Message) -> None:
        """Raises Refusal."""
        token = self._settings.token
        given = headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if token and not hmac.compare_digest(given, b"Bearer " + token):
            raise Refusal(401, "the token is not right" if given else "there is no Authorization: Bearer")

    def _checkpoint(self, device: str) -> int | None:
        told = self._settings.checkpoint
        return self.ledger.checkpoint(device) if told is None else told


def _path(receipt: Receipt) -> str:
    return receipt.path.partition("?")[0]


def _is_json(headers: Message) -> None:
    """Raises Refusal."""
    content = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content != JSON:
        raise Refusal(415, f"Content-Type is {printable(content) or 'missing'}, must be {JSON}")


def _nothing_here() -> Refusal:
    return Refusal(404, f"there is nothing here, but at {', '.join(JUDGES)}, {CHECKPOINT}, /health and /")
