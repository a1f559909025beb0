"""One connection: its requests, one after the other, and their answers."""

from __future__ import annotations

import socket
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from .. import __version__
from ..printable import printable
from . import trouble
from .answer import of_refusal
from .body import PIECE, Refusal, read
from .patience import Patience
from .receipt import CUT, Receipt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .answer import Answer
    from .server import Server

# After a refusal the rest of what the client sends is read for so long, as closing over unread data would reset the
# connection and take the answer with it.
LINGER_S = 2.0
# For whoever does not read his answer.
STUCK_S = 30.0
# RFC 9110, 8.6: neither of these has a body, nor says how long it is.
BARE = (204, 304)


class Handler(BaseHTTPRequestHandler):
    server: Server
    connection: socket.socket
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self._unread = False

    def handle_one_request(self) -> None:
        seconds = self.server.settings.timeout_s
        # Later than patience ends, so that it is patience that ends it.
        self.connection.settimeout(seconds + STUCK_S)
        with Patience(self.connection, seconds) as self._patience:
            super().handle_one_request()
        if self.server.leaving.is_set():
            self.close_connection = True

    def finish(self) -> None:
        super().finish()
        if self._unread:
            self._linger()

    def do_GET(self) -> None:
        if "Transfer-Encoding" in self.headers or self.headers.get("Content-Length", "0").strip() != "0":
            self._give_up()  # on the rest: nobody reads the body of a GET
        receipt = Receipt(self.command, self.path)
        try:
            answer = self.server.desk.show(self.path, self.headers)
        except Refusal as refusal:
            answer = of_refusal(refusal)
        receipt.status = str(answer.status)
        self.server.screen.tell(receipt)
        self._send(answer)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        receipt = Receipt("POST", self.path)
        receipt.device = self.headers.get("X-Device-ID", "")
        receipt.key = self.headers.get("Idempotency-Key", "")
        with self.server.answering():
            self._upload(receipt)

    def send_error(self, code: int, message: str | None = None, _explain: str | None = None) -> None:
        """What the base class can't take: no HTTP, or a method that nobody asked for here."""
        self._give_up()
        refusal = self._late() or Refusal(int(code), printable(message or HTTPStatus(code).phrase))
        if code == HTTPStatus.NOT_IMPLEMENTED:  # of methods
            refusal = Refusal(405, "only GET, HEAD and POST are answered", "GET, HEAD, POST")
        receipt = Receipt(self.command or "?", getattr(self, "path", ""))
        receipt.status = str(refusal.status)
        receipt.refusal = str(refusal)
        self.server.screen.tell(receipt)
        self._send(of_refusal(refusal))

    def log_message(self, *_: object) -> None:
        """The screen tells."""

    def _upload(self, receipt: Receipt) -> None:
        server, desk = self.server, self.server.desk
        answer: Answer | None = None
        data = b""
        try:
            desk.admit(receipt, self.headers)
            data = read(self.headers, self.rfile)
            self._patience.stop()
        except Refusal as known:
            self._give_up()
            # What was cut off by patience looks wrong in many ways.
            refusal = self._late() or known
            receipt.refusal = str(refusal)
            answer = of_refusal(refusal)
        else:
            receipt.size = len(data)
            receipt.told = server.settings.trouble.next()
            server.leaving.wait(server.settings.delay_s)
        cut = receipt.told in trouble.TAKEN
        with desk.lock:
            answer = answer or desk.take(receipt, self.headers, data)
            receipt.status = CUT if cut else str(answer.status)
            desk.ledger.note(receipt)
            # Before the answer: who has that finds the line. Behind the lock: lines are in the order of the ledger.
            server.screen.tell(receipt)
        if receipt.told == trouble.DROP:
            self.close_connection = True
            return
        self._send(answer, cut)

    def _late(self) -> Refusal | None:
        """Where patience came to its end."""
        seconds = self.server.settings.timeout_s
        return Refusal(408, f"the request took longer than {seconds:g} s") if self._patience.over else None

    def _give_up(self) -> None:
        """On this connection: what else comes is unreadable, or not wanted."""
        self.close_connection = self._unread = True

    def _send(self, answer: Answer, cut: bool = False) -> None:
        """`cut`: only half of it, then the end."""
        if cut or self.request_version != "HTTP/1.1":
            self.close_connection = True
        try:
            phrase = HTTPStatus(answer.status).phrase
        except ValueError:
            phrase = "As Told"
        head = [
            f"HTTP/1.1 {answer.status} {phrase}",
            f"Server: belabox-metrics-receiver/{__version__}",
            f"Date: {self.date_time_string()}",
            *[f"{name}: {value}" for name, value in answer.extra.items()],
        ]
        if answer.status not in BARE:
            head += [f"Content-Type: {answer.content}", f"Content-Length: {len(answer.payload)}"]
        if self.close_connection:
            head.append("Connection: close")
        payload = b"" if answer.status in BARE or self.command == "HEAD" else answer.payload
        whole = "\r\n".join([*head, "", ""]).encode("ascii") + payload
        self.wfile.write(whole[: len(whole) // 2] if cut else whole)

    def _linger(self) -> None:
        until = time.monotonic() + LINGER_S
        try:
            self.connection.shutdown(socket.SHUT_WR)
            while (left := until - time.monotonic()) > 0:
                self.connection.settimeout(left)
                if not self.connection.recv(PIECE):
                    return
        except OSError:  # it has gone, or sends nothing more
            return
