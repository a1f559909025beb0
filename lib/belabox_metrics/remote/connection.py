"""A connection to a server: name, address, TLS, each bounded in time."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from io import BufferedReader
from time import monotonic

from ..dialling import NoAnswer, addresses, connected
from .unreachable import Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ssl import SSLContext
    from typing import Any

# From asm-generic/socket.h; in no Python's socket module. The kernel paces what leaves this socket, in bytes a second,
# of TCP also without the queueing discipline fq (Linux 4.13); all bits set is as fast as it goes.
_SO_MAX_PACING_RATE = 47
_UNPACED = 0xFFFFFFFF


class _Lines(BufferedReader):
    """An answer, line by line. To http.client the end of a connection is the end of the headers, whichever had come by
    then: a 2xx that was cut would be one, and tell no time (RFC 9112, section 8)."""

    _is_begun = False

    def readline(self, limit: int | None = -1, /) -> bytes:
        line = super().readline(limit)
        # A line without an end is either too long, which is found, or all that came.
        if self._is_begun and not line.endswith(b"\n") and len(line) != limit:
            raise IncompleteRead(line)
        self._is_begun = True
        return line


class _Response(HTTPResponse):
    """To http.client a chunk may be -1 bytes long, which then is read to the end of all that comes; and of the answers
    that go before the last one (RFC 9110, section 15.2) it knows 100 only. The others are passed over in the same way;
    101 would be another protocol, which nobody asked for."""

    fp: BufferedReader

    def __init__(self, sock: socket.socket, *words: Any, **more: Any) -> None:
        super().__init__(sock, *words, **more)
        # Not that reader, but what it reads from.
        self.fp = _Lines(self.fp.detach())

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, 100 if 101 < status < 200 else status, reason

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:
            raise ValueError("a chunk shorter than nothing")
        return size


class Connection(HTTPConnection):
    """http.client's connection, but its own way to the server: by bytes, since a name as text loads the tables of
    international names; and no proxy, whatever the environment says. `context` None: without TLS."""

    sock: socket.socket | None
    response_class = _Response

    def __init__(self, host: str, port: int, connect_s: float, context: SSLContext | None) -> None:
        super().__init__(host, port)
        self._connect_s = connect_s
        self._context = context
        if context is not None:
            self.default_port = 443

    def connect(self) -> None:
        """Raises OSError and Unreachable."""
        until = monotonic() + self._connect_s
        plain = _plain(self.host, self.port, until)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is None:
                self.sock = plain
                return
            plain.settimeout(_left(until))
            self.sock = self._context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def is_idle(self) -> bool:
        """Whether the next request can go the same way: connected, and nothing has come since the last answer. What
        comes then is the server's end, and a request sent after that would be lost. (Or a ticket of TLS: reconnecting
        once too often does no harm.)"""
        if self.sock is None:
            return False
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not poll.poll(0)

    def pace(self, bytes_per_second: float | None) -> None:
        """At most so fast from now on, None for as fast as it goes. Where the kernel can't, it does not."""
        if self.sock is None:
            return
        rate = _UNPACED if bytes_per_second is None else min(max(int(bytes_per_second), 1), _UNPACED - 1)
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, struct.pack("I", rate))


def _plain(host: str, port: int, until: float) -> socket.socket:
    try:
        places = addresses(host, port, _left(until))
    except NoAnswer:
        raise Unreachable("no name server answers") from None
    try:
        return connected(places, lambda: _left(until), socket.socket)
    except socket.timeout:
        raise Unreachable("no connection in time") from None


def _left(until: float) -> float:
    left = until - monotonic()
    if left <= 0:
        raise Unreachable("no connection in time")
    return left
