"""One small GET, for a collector that asks every few seconds.

http.client costs a process five times what all the rest of a collection does. So this speaks just enough
HTTP/1.0 (RFC 1945, and the Host header of RFC 9110) to ask one question: one request, one answer, one
deadline for all of it, nothing followed. A URL may be a secret: only the name of the host ever reaches a
message.
"""

from __future__ import annotations

import _socket
from time import monotonic

from . import __version__
from .dialling import NoAnswer, addresses, connected
from .errors import ConfigProblem, SourceProblem, TryLater

LIMIT = 64 * 1024  # bytes of body
_HEAD_LIMIT = 16 * 1024
_BUSY = (429, 500, 502, 503, 504)


class Url:
    """`http[s]://HOST[:PORT][/PATH][?QUERY]` taken apart; `target` is what the request line asks for."""

    __slots__ = ("host", "port", "target", "tls")

    def __init__(self, url: str) -> None:
        """Raises ConfigProblem when it is no such URL; the message never shows it."""
        scheme, mark, rest = url.partition("://")
        if not mark or scheme not in ("http", "https"):
            raise ConfigProblem("does not begin with http:// or https://", where="url")
        # A line break let through here would be a second header, or a second request.
        if not all("!" <= char <= "~" for char in rest):
            raise ConfigProblem("has a character that no URL has", where="url")
        rest = rest.partition("#")[0]
        end = min([at for at in (rest.find("/"), rest.find("?")) if at >= 0], default=len(rest))
        self.tls = scheme == "https"
        self.host, self.port = _place(rest[:end], 443 if self.tls else 80)
        self.target = rest[end:] if rest[end : end + 1] == "/" else "/" + rest[end:]

    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def get(url: Url, timeout_ms: int, limit: int = LIMIT) -> str:
    """The body of the answer to a GET of `url`. Bytes that are not UTF-8 appear as `\\xNN`.

    Raises TryLater when the host can't be reached or is busy or took longer than `timeout_ms` in all, SourceProblem
    when it answered anything but 200 with at most `limit` bytes."""
    deadline = monotonic() + timeout_ms / 1000
    request = (
        f"GET {url.target} HTTP/1.0\r\n"
        f"Host: {url.authority()}\r\n"
        f"User-Agent: belabox-metrics/{__version__}\r\n"
        "Accept: application/json\r\n"
        "Connection: close\r\n\r\n"
    )
    connection = _connected(url, deadline)
    try:
        if url.tls:
            connection = _encrypted(connection, url.host, deadline)
        connection.settimeout(_left(deadline, url.host))
        connection.sendall(request.encode("ascii"))
        return _answer(connection, deadline, url.host, limit).decode("utf-8", "backslashreplace")
    except OSError as fault:
        raise TryLater(f"no answer: {_reason(fault)}", where=url.host) from None
    finally:
        connection.close()


def parse_head(head: bytes, host: str) -> dict[str, str]:
    """Status line and header lines, without the blank one, to `{"content-length": "12"}`; names in small
    letters.

    Raises TryLater for a busy server, SourceProblem for any other status than 200 and for what is not
    HTTP."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status = rest[:3]
    digits = status.isascii() and status.isdigit() and len(status) == 3 and rest[3:4] in ("", " ")
    if version not in ("HTTP/1.0", "HTTP/1.1") or not digits:
        raise SourceProblem("does not answer in HTTP", where=host)
    _judge(int(status), host)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.lower(), value.strip()
        if not colon or not name or name != name.strip():
            raise SourceProblem("answers with a header that can't be read", where=host)
        if name == "content-length" and headers.get(name, value) != value:
            raise SourceProblem("answers with two lengths", where=host)
        headers[name] = value
    return headers


def _judge(status: int, host: str) -> None:
    if status == 200:
        return
    if status in _BUSY:
        raise TryLater(f"is busy or broken (HTTP {status})", where=host)
    hint = ""
    if status in (401, 403):
        hint = "the URL must name the stream, or hold its key"
    elif status == 404:
        hint = "check the path of the URL"
    elif 300 <= status < 400:
        hint = "redirects are not followed; configure the final URL"
    raise SourceProblem(f"answers HTTP {status}", where=host, hint=hint)


def _answer(connection: _socket.socket, deadline: float, host: str, limit: int) -> bytes:
    """The body. Reads no further than the announced length, and never past the limits."""
    data = bytearray()
    start = wanted = -1
    while wanted < 0 or len(data) < wanted:
        connection.settimeout(_left(deadline, host))
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
        if start < 0:
            end = data.find(b"\r\n\r\n")
            if (end if end >= 0 else len(data)) > _HEAD_LIMIT:
                raise SourceProblem("answers with headers too long", where=host)
            if end < 0:
                continue
            start = end + 4
            length = _length(parse_head(bytes(data[:end]), host), host, limit)
            wanted = start + length if length >= 0 else -1
        if len(data) - start > limit and wanted < 0:
            raise SourceProblem(f"answers with more than {limit} bytes", where=host)
    if start < 0:
        raise SourceProblem("does not answer in HTTP" if data else "closed without an answer", where=host)
    if wanted >= 0:
        if len(data) < wanted:
            raise SourceProblem("broke off in the middle of the answer", where=host)
        return bytes(data[start:wanted])
    return bytes(data[start:])


def _length(headers: dict[str, str], host: str, limit: int) -> int:
    """Content-Length, -1 for up to the end of the connection."""
    for name in ("transfer-encoding", "content-encoding"):
        if headers.get(name, "identity").lower() != "identity":
            raise SourceProblem(f"answers in a {name} it was not asked for", where=host)
    length = headers.get("content-length")
    if length is None:
        return -1
    if not (length.isascii() and length.isdigit()):
        raise SourceProblem("answers with a length that is no number", where=host)
    if len(length) > 9 or int(length) > limit:
        raise SourceProblem(f"answers with more than {limit} bytes", where=host)
    return int(length)


def _place(place: str, default: int) -> tuple[str, int]:
    """`HOST[:PORT]` or `[IPV6][:PORT]` as (host, port)."""
    if "@" in place:
        raise ConfigProblem("names a user, which is not supported", where="url")
    if place.startswith("["):
        host, closing, rest = place[1:].partition("]")
        good = bool(closing) and ":" in host and rest[:1] in ("", ":")
        port = rest[1:]
    else:
        host, _, port = place.partition(":")
        good = bool(host)
    if not good or len(host) > 253 or any(char in host for char in "[]\\%<>\"'"):
        raise ConfigProblem("names no host", where="url")
    if not port:
        return host, default
    if not port.isdigit() or len(port) > 5 or not 0 < int(port) < 65536:
        raise ConfigProblem("has a port that can't be", where="url")
    return host, int(port)


def _connected(url: Url, deadline: float) -> _socket.socket:
    try:
        places = addresses(url.host, url.port, _left(deadline, url.host))
    except NoAnswer:
        raise TryLater("no name server answers", where=url.host) from None
    except OSError as fault:
        if fault.errno == _socket.EAI_NONAME:
            raise SourceProblem("no host has this name", where=url.host, hint="check the URL") from None
        raise TryLater(f"its address can't be found: {_reason(fault)}", where=url.host) from None
    try:
        return connected(places, lambda: _left(deadline, url.host), _socket.socket)
    except OSError as fault:
        raise TryLater(f"can't be reached: {_reason(fault)}", where=url.host) from None


def _encrypted(connection: _socket.socket, host: str, deadline: float) -> _socket.socket:
    import socket
    import ssl

    plain = socket.socket(fileno=connection.detach())
    try:
        plain.settimeout(_left(deadline, host))
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as fault:
        plain.close()
        raise SourceProblem(f"its certificate is not trusted: {fault.verify_message}", where=host) from None
    except OSError:
        plain.close()
        raise


def _left(deadline: float, host: str) -> float:
    """Seconds. Raises TryLater when there are none."""
    left = deadline - monotonic()
    if left <= 0:
        raise TryLater("took too long to answer", where=host)
    return left


def _reason(fault: OSError) -> str:
    return fault.strerror or str(fault) or type(fault).__name__
