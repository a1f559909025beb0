"""A small HTTP/1.1 server over listening sockets that somebody else opened.

One thread and one poll(2) for all connections; nobody can make it wait, nor keep more than a head of 4 KiB in it. Each
connection has one request, one answer and a deadline. Importing http.server would cost five times what starting the
interpreter does.
"""

from __future__ import annotations

import select
import time

try:
    # The C part alone: the module around it imports enum and selectors.
    import _socket as socket
except ImportError:  # an interpreter that has it elsewhere
    import socket  # type: ignore[no-redef]

from . import body
from .request import HEAD_LIMIT, Refusal, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

CONNECTIONS = 32
DEADLINE_S = 5.0
# When all places are taken, whoever has held one for so long without having asked loses it to the next.
PATIENCE_S = 0.25
# After a refusal the rest of what the client sends is read for so long, as closing over unread data would reset the
# connection and take the answer with it.
LINGER_S = 1.0

_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}
_HEADERS = (
    "Content-Type: application/json",
    "Cache-Control: no-store",
    "Connection: close",
    "Content-Security-Policy: default-src 'none'",
    "X-Content-Type-Options: nosniff",
)
_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


class Answer:
    """A status and a document for it."""

    __slots__ = ("status", "text")

    def __init__(self, status: int, document: dict[str, object]) -> None:
        self.status = status
        self.text = (body.text(document) + "\n").encode()


class _Connection:
    """`waiting`: nothing was answered yet. `rest`: what of the answer is still to be sent."""

    __slots__ = ("close_at", "data", "lingers", "opened_at", "rest", "socket", "waiting")

    def __init__(self, accepted: socket.socket, now: float) -> None:
        self.socket = accepted
        self.opened_at = now
        self.close_at = now + DEADLINE_S
        self.data = b""
        self.rest = b""
        self.waiting = True
        self.lingers = False


class Server:
    """`listeners` are listening stream sockets; `answer` gets a path and must not fail nor take long.

    `answered` counts what was answered so far, refusals included.
    """

    def __init__(self, listeners: list[socket.socket], answer: Callable[[str], Answer]) -> None:
        self.answered = 0
        self._answer = answer
        self._listeners = {listener.fileno(): listener for listener in listeners}
        self._connections: dict[int, _Connection] = {}
        self._poll = select.poll()
        self._listening = False
        for listener in listeners:
            listener.setblocking(False)

    def serve(self, idle_s: float) -> None:
        """Answer until there was nobody for `idle_s` seconds; 0: for ever.

        Never while somebody is connected. Whoever connects in the very moment of leaving stays in the queue of the
        listening socket, which is not ours to close or to shut down, and is answered by the next process.
        """
        busy_at = time.monotonic()
        while True:
            now = time.monotonic()
            self._expire(now)
            self._listen(now)
            until = [connection.close_at for connection in self._connections.values()]
            if self._connections:
                busy_at = now
                if not self._listening:
                    until.append(self._oldest().opened_at + PATIENCE_S)
            elif idle_s:
                if now - busy_at >= idle_s:
                    return
                until.append(busy_at + idle_s)
            # Rounded up: a wait that ends just before its time would be followed by many of length 0.
            timeout = max(0, int((min(until) - now) * 1000) + 1) if until else None
            events = self._poll.poll(timeout)
            # Who is here already comes before who wants to come.
            for descriptor, event in events:
                if descriptor in self._connections:
                    self._go_on(self._connections[descriptor], event)
            for descriptor, _ in events:
                if descriptor in self._listeners:
                    busy_at = time.monotonic()
                    self._accept(self._listeners[descriptor])

    def _listen(self, now: float) -> None:
        """Take part of the queue while there is a place, or one that may be taken away."""
        wanted = len(self._connections) < CONNECTIONS or self._oldest().opened_at + PATIENCE_S <= now
        if wanted != self._listening:
            for descriptor in self._listeners:
                if wanted:
                    self._poll.register(descriptor, select.POLLIN)
                else:
                    self._poll.unregister(descriptor)
            self._listening = wanted

    def _oldest(self) -> _Connection:
        return next(iter(self._connections.values()))

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(max(1, CONNECTIONS - len(self._connections))):
            try:
                descriptor, _address = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001 - what socket.accept() is made of
            except OSError:  # nobody any more, or one who has left already
                return
            if len(self._connections) >= CONNECTIONS:
                self._close(self._oldest())
            connection = _Connection(socket.socket(fileno=descriptor), time.monotonic())
            connection.socket.setblocking(False)
            self._connections[descriptor] = connection
            self._poll.register(descriptor, _READABLE)
            # The request is mostly there by now, which saves a round.
            self._read(connection)

    def _expire(self, now: float) -> None:
        for connection in list(self._connections.values()):
            if connection.close_at <= now:
                self._close(connection)

    def _close(self, connection: _Connection) -> None:
        descriptor = connection.socket.fileno()
        self._poll.unregister(descriptor)
        del self._connections[descriptor]
        connection.socket.close()

    def _go_on(self, connection: _Connection, event: int) -> None:
        if connection.rest:
            self._write(connection)
        elif event & _READABLE:
            self._read(connection)

    def _read(self, connection: _Connection) -> None:
        try:
            piece = connection.socket.recv(HEAD_LIMIT)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not connection.waiting:  # lingering: whatever it is, it is too late
            if not piece:
                self._close(connection)
            return
        connection.data += piece
        try:
            request = parse(connection.data)
        except Refusal as refusal:
            connection.lingers = True
            self._send(connection, Answer(refusal.status, {"error": str(refusal)}), "")
            return
        if request is not None:
            connection.lingers = len(connection.data) > request.size
            self._send(connection, self._answer(request.path), request.method)
        elif not piece:
            self._close(connection)

    def _send(self, connection: _Connection, answer: Answer, method: str) -> None:
        lines = [f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}", *_HEADERS]
        if answer.status == 405:
            lines.append("Allow: GET, HEAD")
        lines.append(f"Content-Length: {len(answer.text)}")
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        connection.waiting = False
        connection.rest = head if method == "HEAD" else head + answer.text
        self.answered += 1
        self._write(connection)

    def _write(self, connection: _Connection) -> None:
        try:
            sent = connection.socket.send(connection.rest)
        except BlockingIOError:
            sent = 0
        except OSError:  # it did not want to know
            self._close(connection)
            return
        connection.rest = connection.rest[sent:]
        if connection.rest:
            self._poll.modify(connection.socket.fileno(), select.POLLOUT)
        elif connection.lingers:
            self._linger(connection)
        else:
            self._close(connection)

    def _linger(self, connection: _Connection) -> None:
        try:
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
            return
        connection.close_at = min(connection.close_at, time.monotonic() + LINGER_S)
        self._poll.modify(connection.socket.fileno(), _READABLE)
