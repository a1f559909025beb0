"""A bound in time on a request that comes slowly, in a thread, where no signal helps."""

from __future__ import annotations

import socket
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


class Patience:
    """`with Patience(connection, seconds)`: after that time reading finds the end, whoever drips whatever.

    `over` tells that it was so. `stop()` when all is read."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self.over = False
        self._connection = connection
        self._timer = threading.Timer(seconds, self._lose)
        self._timer.daemon = True

    def __enter__(self) -> Patience:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self._timer.cancel()

    def _lose(self) -> None:
        self.over = True
        try:
            self._connection.shutdown(socket.SHUT_RD)
        except OSError:  # it has gone by itself
            return
