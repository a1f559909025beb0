"""A connection to a server: name, address, TLS, each bounded in time."""

from __future__ import annotations

import _thread
import contextlib
import select
import socket
import struct
from http.client import HTTPConnection, HTTPResponse
from time import monotonic

from .unreachable import Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ssl import SSLContext
    from typing import Any

    Address = tuple[Any, Any, int, str, Any]

# From asm-generic/socket.h; in no Python's socket module. The kernel paces what leaves this socket, in bytes a second,
# of TCP also without the queueing discipline fq (Linux 4.13); all bits set is as fast as it goes.
_SO_MAX_PACING_RATE = 47
_UNPACED = 0xFFFFFFFF


class _Response(HTTPResponse):
    """To http.client a chunk may be -1 bytes long, which then is read to the end of all that comes; and of the answers
    that go before the last one (RFC 9110, section 15.2) it knows 100 only. The others are passed over in the same way;
    101 would be another protocol, which nobody asked for."""

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
        plain = _connected(_addresses(self.host, self.port, self._connect_s), until)
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


def _connected(addresses: list[Address], until: float) -> socket.socket:
    """To the first address that takes one. Each gets an equal share of the time left, so that a dead IPv6 route leaves
    some for IPv4."""
    fault: OSError | None = None
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        share = _left(until) / (len(addresses) - number)
        try:
            plain = socket.socket(family, kind, protocol)
        except OSError as other:  # a kernel or a sandbox without IPv6
            fault = other
            continue
        try:
            plain.settimeout(share)
            plain.connect(address)
        except OSError as other:
            fault = other
            plain.close()
            continue
        return plain
    if isinstance(fault, socket.timeout):
        raise Unreachable("no connection in time")
    raise fault or Unreachable("the name of the server has no address")


def _addresses(host: str, port: int, wait_s: float) -> list[Address]:
    """The resolver knows no deadline and no signal ends it; it takes half a minute to give up on a dead uplink. So it
    is left behind in its thread, which does not keep the process alive."""
    name = host.encode("ascii")
    with contextlib.suppress(socket.gaierror):
        return socket.getaddrinfo(name, port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    found: list[list[Address]] = []
    faults: list[OSError] = []
    done = _thread.allocate_lock()
    done.acquire()

    def resolve() -> None:
        try:
            found.append(socket.getaddrinfo(name, port, 0, socket.SOCK_STREAM))
        except OSError as fault:
            faults.append(fault)
        finally:
            done.release()

    _thread.start_new_thread(resolve, ())
    if not done.acquire(timeout=wait_s):
        raise Unreachable("no name server answers")
    if faults:
        raise faults[0]
    return found[0]


def _left(until: float) -> float:
    left = until - monotonic()
    if left <= 0:
        raise Unreachable("no connection in time")
    return left
