"""A TCP connection by name, within a time: for a collector that asks a page and for the uploader alike.

By `_socket` alone: `socket` costs a collection more than all the rest of asking does.
"""

from __future__ import annotations

import _socket
import _thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, TypeVar

    Socket = TypeVar("Socket", bound=_socket.socket)
    Address = tuple[int, int, int, str, Any]


class NoAnswer(Exception):
    """No name server has answered in time."""


def addresses(host: str, port: int, wait_s: float) -> list[Address]:
    """Where `host`, a name or an address, is. Raises OSError (a gaierror for a name that is not known), and NoAnswer
    after `wait_s` seconds.

    The resolver knows no deadline and no signal ends it; it takes half a minute to give up on a dead uplink. So it is
    left behind in its thread, which does not keep the process alive."""
    # bytes, because a str would go through the idna codec, which imports re.
    name = host.encode("ascii")
    try:
        return _socket.getaddrinfo(name, port, 0, _socket.SOCK_STREAM, 0, _socket.AI_NUMERICHOST)
    except _socket.gaierror:
        pass
    found: list[list[Address]] = []
    faults: list[OSError] = []
    done = _thread.allocate_lock()
    done.acquire()

    def resolve() -> None:
        try:
            found.append(_socket.getaddrinfo(name, port, 0, _socket.SOCK_STREAM))
        except OSError as fault:
            faults.append(fault)
        finally:
            done.release()

    _thread.start_new_thread(resolve, ())
    if not done.acquire(timeout=wait_s):
        raise NoAnswer
    if faults:
        raise faults[0]
    return found[0]


def connected(places: list[Address], left: Callable[[], float], make: type[Socket]) -> Socket:
    """A socket of the kind `make`, to the first address that takes one; `left` gives the seconds that are left, or
    raises. Each address gets an equal share of them, so that a dead IPv6 route leaves some for IPv4. Raises OSError:
    what the last one said."""
    fault = OSError("the name has no address")
    for number, (family, kind, protocol, _, address) in enumerate(places):
        share = left() / (len(places) - number)
        try:
            connection = make(family, kind, protocol)
        except OSError as other:  # a kernel or a sandbox without IPv6
            fault = other
            continue
        try:
            connection.settimeout(share)
            connection.connect(address)
        except OSError as other:
            fault = other
            connection.close()
            continue
        return connection
    raise fault
