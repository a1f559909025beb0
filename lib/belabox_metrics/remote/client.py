"""One request after the other to a server, over one connection.

Over http.client: importing `requests` costs a process 75 ms of CPU, this 23. An upload every ten seconds can't afford
the former, and needs nothing that it has beyond the latter: nothing here is followed, remembered or decoded.

A request is sent once. What came of one without an answer nobody knows, so to repeat it is for who can tell whether it
may be; only a connection that is seen to be closed before anything was sent is made anew.
"""

from __future__ import annotations

import http.client
from ssl import SSLEOFError
from time import monotonic
from urllib.parse import urlsplit

from .. import __version__
from ..deadline import Deadline
from .connection import Connection
from .unreachable import Unreachable, unreachable
from .urls import endpoint, origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .access import Access
    from .urls import Origin

CONNECT_S = 10.0
# More of an answer than this is not read: what matters is its beginning.
BODY_LIMIT = 64 * 1024


class Reply:
    """An answer, whatever its status. `headers` by their names in small letters, the first where there are several;
    `body` as it came, BODY_LIMIT bytes at most. `bytes_sent` and `bytes_received` are of the bodies."""

    __slots__ = ("body", "bytes_received", "bytes_sent", "duration_ms", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes, bytes_sent: int, duration_ms: float) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.bytes_sent = bytes_sent
        self.bytes_received = len(body)
        self.duration_ms = duration_ms


class Client:
    """`access` tells who we are and whom we trust; `timeout_s` bounds each wait for the server.

    The bound on a whole request is a signal's, so this is for the main thread."""

    def __init__(self, access: Access, timeout_s: float) -> None:
        self._access = access
        self._timeout_s = timeout_s
        self._connect_s = min(CONNECT_S, timeout_s)
        self._connection: Connection | None = None
        self._origin: Origin | None = None

    def post(self, url: str, body: bytes, headers: dict[str, str], bytes_per_second: float | None = None) -> Reply:
        """Send `body`, not faster than `bytes_per_second`. Raises Unreachable, and ConfigProblem for a secret that is
        not there."""
        return self._request("POST", url, body, headers, bytes_per_second)

    def get(self, url: str, headers: dict[str, str] | None = None) -> Reply:
        """Raises what post() does."""
        return self._request("GET", url, None, headers or {}, None)

    def close(self) -> None:
        """The next request connects again."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _request(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str], bytes_per_second: float | None
    ) -> Reply:
        headers = {"User-Agent": f"belabox-metrics/{__version__}", **headers, **self._access.headers(url)}
        sent = len(body or b"")
        # What the kernel holds back is no fault of the server's.
        wait_s = self._timeout_s + (sent / max(bytes_per_second, 1.0) if bytes_per_second else 0.0)
        total_s = self._connect_s + wait_s
        where = endpoint(url)

        def too_slow() -> Unreachable:
            return Unreachable(f"no whole answer in {total_s:g} s", where=where)

        started = monotonic()
        reply = None
        try:
            # A wait ends a server that says nothing; this one that says a byte at a time.
            with Deadline(total_s, too_slow):
                connection = self._connected(url)
                connection.pace(bytes_per_second)
                response = _answered(connection, method, url, body, headers, wait_s)
                content = _content(response)
                if response.status >= 300:
                    # These words are for a person, and some servers repeat what they did not like.
                    content = self._access.hidden(content)
                reply = Reply(response.status, _headers(response), content, sent, (monotonic() - started) * 1000)
        except (OSError, http.client.HTTPException, Unreachable, ValueError) as fault:
            problem = unreachable(fault, where)
            problem.where = where
            # Not `from fault`: what http.client says may hold a header, and a header the secret.
            raise problem from None
        finally:
            if reply is None or not response.isclosed() or response.will_close:
                self.close()
        return reply

    def _connected(self, url: str) -> Connection:
        """The connection of last time if it leads there and still stands."""
        wanted = origin(url)
        if self._connection is None or self._origin != wanted or not self._connection.is_idle():
            self.close()
            scheme, host, port = wanted
            context = self._access.ssl_context(url) if scheme == "https" else None
            self._connection = Connection(host, port or 80, self._connect_s, context)
            self._origin = wanted
            self._connection.connect()
        return self._connection


def _answered(
    connection: Connection, method: str, url: str, body: bytes | None, headers: dict[str, str], wait_s: float
) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    assert connection.sock is not None
    connection.sock.settimeout(wait_s)
    try:
        connection.request(method, target, body, headers)
    except (BrokenPipeError, ConnectionResetError, SSLEOFError):
        # It may have answered before it hung up: too large, not allowed, no certificate.
        response = connection.getresponse()
        response.will_close = True
    else:
        response = connection.getresponse()
    if response.status < 200:
        raise http.client.HTTPException("an answer that is not the last one")
    return response


def _content(response: http.client.HTTPResponse) -> bytes:
    content = response.read(BODY_LIMIT)
    # http.client is content with less than was announced.
    if len(content) < BODY_LIMIT and response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return content


def _headers(response: http.client.HTTPResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        headers.setdefault(name.lower(), value)
    return headers
