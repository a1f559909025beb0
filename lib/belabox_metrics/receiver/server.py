"""Listening, a thread for each connection, and leaving in good order."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from contextlib import contextmanager, suppress

from ..errors import Problem
from .desk import Desk
from .handler import Handler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Callable

    from .screen import Screen
    from .settings import Settings

CONNECTIONS = 16
# Whoever is being answered when the end comes is answered to the end, for so long.
GRACE_S = 5.0
# How soon the thread that accepts notices that it is to stop.
_POLL_S = 0.1
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """`enough` is called after the last upload that was asked for."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, settings: Settings, screen: Screen, enough: Callable[[], None]) -> None:
        """Raises Problem when it can't listen there."""
        self.settings = settings
        self.screen = screen
        self.desk = Desk(settings)
        self.leaving = threading.Event()
        self._enough = enough
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self._change = threading.Condition(self.desk.lock)
        self._answered = 0
        place = f"{settings.listen}:{settings.port}"
        try:
            found = socket.getaddrinfo(settings.listen, settings.port, type=socket.SOCK_STREAM)
            self.address_family, _, _, _, address = found[0]
            super().__init__(address, Handler)  # type: ignore[arg-type]
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Problem(f"cannot listen there: {reason}", where=place, hint="another --port?") from error

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        shown = host.decode() if isinstance(host, (bytes, bytearray)) else str(host)
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(_POLL_S,), daemon=True).start()

    def leave(self) -> None:
        """Take nobody any more, and let those who are being answered have their answer."""
        self.leaving.set()
        self.shutdown()
        self.server_close()
        with self._change:
            self._change.wait_for(lambda: not self.desk.ledger.under_way, GRACE_S)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Around an upload."""
        with self._change:
            self.desk.ledger.under_way += 1
        try:
            yield
        finally:
            with self._change:
                self.desk.ledger.under_way -= 1
                self._answered += 1
                self._change.notify_all()
                last = self._answered == self.settings.count
            if last:
                self._enough()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        with suppress(OSError):  # it did not want to know
            request.send(_BUSY, socket.MSG_DONTWAIT)
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        # Who breaks a connection off is no news; anything else is a bug, and the next request may well go.
        error = sys.exc_info()
        if error[0] is not None and not issubclass(error[0], OSError):
            sys.excepthook(*error)
