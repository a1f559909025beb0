"""A small HTTP/1.1 server over listening sockets that somebody else opened.

One poll(2) for all connections; nobody can make it wait, nor keep more than a head of 8 KiB in it. Each connection has
one request, one answer and a deadline. What is not at hand is made by a thread of its own (worker.py), what takes long
by another one, and whoever asks for something else is answered meanwhile. Importing http.server would cost five times
what starting the interpreter does.
"""

from __future__ import annotations

import select
import time

try:
    # The C part alone: the module around it imports enum and selectors.
    import _socket as socket
except ImportError:  # an interpreter that has it elsewhere
    import socket  # type: ignore[no-redef]

from .answer import document
from .request import HEAD_LIMIT, Refusal, parse
from .worker import Task, Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from .answer import Answer
    from .request import Request

CONNECTIONS = 32
DEADLINE_S = 5.0
# A report has a megabyte and more, and is looked at from the street. Who reads slowly gets all of an answer as long as
# some of it goes out within each DEADLINE_S, and as long as it would take at so many bytes a second.
SLOWEST = 16 * 1024
# When all places are taken, whoever has held one for so long without having asked loses it to the next.
PATIENCE_S = 0.25
# After a refusal the rest of what the client sends is read for so long, as closing over unread data would reset the
# connection and take the answer with it.
LINGER_S = 1.0
# Who has asked for what takes time is waited with for so long; SQLite itself waits five seconds for a lock.
MAKING_S = 20.0
# And then has a place for so long, when all are taken.
MAKING_PATIENCE_S = 2.0

# Who asks for what takes long while as many wait for it is sent away, and may ask again after so long.
LONG_WAITING = 2
AGAIN_S = 20

_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


class _Connection:
    """`waiting`: nothing was answered yet. `task`: what is being made for it. `rest`: what of the answer is still to be
    sent, until `latest_at`."""

    __slots__ = ("close_at", "data", "latest_at", "lingers", "opened_at", "peer", "rest", "socket", "task", "waiting")

    def __init__(self, accepted: socket.socket, peer: str, now: float) -> None:
        self.socket = accepted
        self.peer = peer
        self.opened_at = now
        self.close_at = self.latest_at = now + DEADLINE_S
        self.data = b""
        self.rest = b""
        self.task: Task | None = None
        self.waiting = True
        self.lingers = False

    @property
    def yields_at(self) -> float:
        """From then on it must give its place to another who wants one."""
        return self.opened_at + (MAKING_PATIENCE_S if self.task else PATIENCE_S)


class Server:
    """`listeners` are listening stream sockets. `at_hand` answers a request at once, or says None: then `make` does, in
    a thread of its own, and another where `takes_long` says so. None of them may fail.

    `answered` counts what was answered so far, refusals included.
    """

    def __init__(
        self,
        listeners: list[socket.socket],
        at_hand: Callable[[Request], Answer | None],
        make: Callable[[Request], Answer],
        takes_long: Callable[[Request], bool] = lambda _: False,
    ) -> None:
        self.answered = 0
        self._at_hand = at_hand
        self._takes_long = takes_long
        # Of a connection each has one task, so the first has room for all.
        self._quick, self._slow = Worker(make, CONNECTIONS), Worker(make, LONG_WAITING)
        self._workers = {worker.descriptor: worker for worker in (self._quick, self._slow)}
        self._made_for: dict[Task, _Connection] = {}
        self._listeners = {listener.fileno(): listener for listener in listeners}
        self._connections: dict[int, _Connection] = {}
        self._poll = select.poll()
        for descriptor in self._workers:
            self._poll.register(descriptor, select.POLLIN)
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
                    until.append(self._next_to_go().yields_at)
            elif idle_s:
                if now - busy_at >= idle_s:
                    return
                until.append(busy_at + idle_s)
            # Rounded up: a wait that ends just before its time would be followed by many of length 0.
            timeout = max(0, int((min(until) - now) * 1000) + 1) if until else None
            events = self._poll.poll(timeout)
            # Who is here already comes before who wants to come.
            for descriptor, event in events:
                if descriptor in self._workers:
                    self._deliver(self._workers[descriptor])
                elif descriptor in self._connections:
                    self._go_on(self._connections[descriptor], event)
            for descriptor, _ in events:
                if descriptor in self._listeners:
                    busy_at = time.monotonic()
                    self._accept(self._listeners[descriptor])

    def _listen(self, now: float) -> None:
        """Take part of the queue while there is a place, or one that may be taken away."""
        wanted = len(self._connections) < CONNECTIONS or self._next_to_go().yields_at <= now
        if wanted != self._listening:
            for descriptor in self._listeners:
                if wanted:
                    self._poll.register(descriptor, select.POLLIN)
                else:
                    self._poll.unregister(descriptor)
            self._listening = wanted

    def _next_to_go(self) -> _Connection:
        """The oldest of those who have not asked yet; where all have, the oldest."""
        silent = [connection for connection in self._connections.values() if not connection.task]
        return silent[0] if silent else next(iter(self._connections.values()))

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(max(1, CONNECTIONS - len(self._connections))):
            try:
                descriptor, address = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001 - what socket.accept() is made of
            except OSError:  # nobody any more, or one who has left already
                return
            if len(self._connections) >= CONNECTIONS:
                self._close(self._next_to_go())
            # Of a socket that has no addresses, as one in the file system, this is a text or nothing.
            peer = str(address[0]) if isinstance(address, tuple) else ""
            connection = _Connection(socket.socket(fileno=descriptor), peer, time.monotonic())
            connection.socket.setblocking(False)
            self._connections[descriptor] = connection
            self._poll.register(descriptor, _READABLE)
            # The request is mostly there by now, which saves a round.
            self._read(connection)

    def _expire(self, now: float) -> None:
        for connection in list(self._connections.values()):
            if connection.close_at > now:
                continue
            if connection.task:
                self._give_up(connection, connection.task)
            else:
                self._close(connection)

    def _give_up(self, connection: _Connection, task: Task) -> None:
        """Nothing at all would be taken for a box that is down. What is being made goes on: it may be kept for who asks
        again."""
        self._made_for.pop(task, None)
        self._forget(task)
        self._finish(connection, _later(f"not made in {MAKING_S:g} s"), task.request)

    def _forget(self, task: Task) -> None:
        for worker in self._workers.values():
            worker.forget(task)

    def _finish(self, connection: _Connection, answer: Answer, request: Request) -> None:
        connection.task = None
        self._poll.modify(connection.socket.fileno(), _READABLE)
        self._send(connection, answer, request.method)

    def _close(self, connection: _Connection) -> None:
        descriptor = connection.socket.fileno()
        self._poll.unregister(descriptor)
        del self._connections[descriptor]
        connection.socket.close()
        if connection.task:
            self._made_for.pop(connection.task, None)
            self._forget(connection.task)

    def _go_on(self, connection: _Connection, event: int) -> None:
        if connection.rest:
            self._write(connection)
        elif connection.task:  # nothing is asked about it but whether it is still there
            self._close(connection)
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
            fields = ("Allow: GET, HEAD",) if refusal.status == 405 else ()
            self._send(connection, document(refusal.status, {"error": str(refusal)}, *fields), "")
            return
        if request is not None:
            connection.lingers = len(connection.data) > request.size
            request.peer = connection.peer
            self._answer(connection, request)
        elif not piece:
            self._close(connection)

    def _answer(self, connection: _Connection, request: Request) -> None:
        answer = self._at_hand(request)
        if answer is not None:
            self._send(connection, answer, request.method)
            return
        task = Task(request)
        # Before it is given: it may be done at once.
        self._made_for[task] = connection
        worker = self._slow if self._takes_long(request) else self._quick
        if not worker.give(task):
            del self._made_for[task]
            self._send(connection, _later("others wait for such a page"), request.method)
            return
        connection.task = task
        connection.waiting = False
        connection.close_at = time.monotonic() + MAKING_S
        self._poll.modify(connection.socket.fileno(), 0)

    def _deliver(self, worker: Worker) -> None:
        for task in worker.done():
            connection = self._made_for.pop(task, None)
            if connection is not None and task.answer is not None:
                self._finish(connection, task.answer, task.request)

    def _send(self, connection: _Connection, answer: Answer, method: str) -> None:
        head = answer.head()
        connection.waiting = False
        connection.rest = head if method == "HEAD" else head + answer.body
        now = time.monotonic()
        connection.close_at = now + DEADLINE_S
        connection.latest_at = connection.close_at + len(connection.rest) / SLOWEST
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
        if sent:
            connection.close_at = min(time.monotonic() + DEADLINE_S, connection.latest_at)
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


def _later(why: str) -> Answer:
    return document(503, {"error": f"{why}: ask again"}, f"Retry-After: {AGAIN_S}")
