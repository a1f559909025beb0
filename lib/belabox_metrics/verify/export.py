"""Asking the server what it has: one request for each period, read as it comes, and never taken for whole when it is
not."""

from __future__ import annotations

import http.client
import json
import zlib
from time import monotonic
from urllib.parse import parse_qs, urlencode, urlsplit

from .. import __version__
from ..deadline import Deadline
from ..errors import ConfigProblem, TryLater
from ..remote.client import CONNECT_S, Reply
from ..remote.connection import Connection
from ..remote.unreachable import Unreachable, unreachable
from ..remote.urls import endpoint, export_url, origin
from ..upload.answers import BUSY, meaning, reason
from ..upload.formats.labels import labels_of
from ..upload.transport import Answer
from .exported import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Callable, TypeVar

    from ..remote.access import Access
    from ..remote.settings import Remote
    from .exported import Line

    Result = TypeVar("Result")

# All of one answer. A slow link needs a minute for an hour of samples.
REQUEST_S = 300.0
PIECE = 64 * 1024
# A series of a whole period comes in one line.
LONGEST_LINE = 4 * 1024 * 1024
_GZIP = zlib.MAX_WBITS | 16


class Export:
    """What the server has of the device. `endpoint`: the URL as it may be shown. `added`: the labels that remote.url
    lets the server give to all that is sent there, in place of those of the same name.

    Over remote/connection.py rather than `requests`: the same trust, secrets and words as uploads have, no proxy and no
    .netrc, and an answer that is cut off is seen to be."""

    def __init__(self, remote: Remote, access: Access) -> None:
        """Raises ConfigProblem when remote.url does not tell where to ask."""
        self._url = export_url(remote.url, remote.query_url)
        self.endpoint = endpoint(self._url)
        self._access = access
        self._timeout_s = remote.timeout_s
        self._connect_s = min(CONNECT_S, remote.timeout_s)
        self._connection: Connection | None = None
        self.added = _added_labels(remote.url)
        device = {**labels_of(("n", ""), remote.device_id), **self.added}.get("device_id", "")
        self._match = f"{{device_id={json.dumps(device, ensure_ascii=False)}}}"
        self._device = device

    def lines(self, begin_ms: int, end_ms: int) -> Iterator[Line]:
        """Everything in [begin_ms, end_ms), whole seconds.

        Raises Unreachable and TryLater, also in the middle; ConfigProblem for an answer that will not get better. Only
        who was given all lines knows that the answer was whole."""
        last_s = end_ms // 1000  # the server takes it as part of the range
        for text in self._answer(begin_ms // 1000, last_s):
            line = parse(text, self.endpoint)
            if dict(line.labels).get("device_id", "") != self._device:
                continue
            line.samples = [sample for sample in line.samples if begin_ms <= sample[0] < end_ms]
            yield line

    def has_before(self, end_ms: int) -> bool:
        """Whether there is anything older. Only the first line is waited for."""
        answer = self._answer(1, end_ms // 1000 - 1)
        try:
            return next(answer, None) is not None
        finally:
            answer.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _answer(self, begin_s: int, last_s: int) -> Generator[bytes, None, None]:
        query = urlencode(
            {
                "match[]": self._match,
                "start": begin_s,
                "end": last_s,
                # Without reduce_mem_usage=1. After an export without it, by whomever, an export with it gives values of
                # one series to another: they share a pool of buffers which the first kind does not own (exportBlockPool
                # in app/vmselect/prometheus/prometheus.go; VictoriaMetrics 1.79 to 1.150).
                # Of a cluster: rather an error than what is left of a node that is down.
                "deny_partial_response": 1,
            }
        )
        until = monotonic() + REQUEST_S
        whole = False
        try:
            response = self._bounded(until, lambda: self._ask(query))
            pieces = self._pieces(response, until)
            if response.getheader("Content-Encoding", "").lower() == "gzip":
                pieces = self._unpacked(pieces)
            elif not response.chunked and response.length is None:
                self._refuse("the answer does not tell where it ends, so it may not be whole", "is there a proxy?")
            yield from self._lines(pieces)
            whole = response.isclosed() and not response.will_close
        finally:
            if not whole:
                self.close()

    def _ask(self, query: str) -> http.client.HTTPResponse:
        """The head of an answer that promises what was asked for."""
        parts = urlsplit(self._url)
        target = f"{parts.path}?{parts.query}&{query}" if parts.query else f"{parts.path}?{query}"
        connection = self._connected()
        assert connection.sock is not None
        connection.sock.settimeout(self._timeout_s)
        headers = {
            "User-Agent": f"belabox-metrics/{__version__}",
            "Accept-Encoding": "gzip",
            **self._access.headers(self._url),
        }
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        kind = response.getheader("Content-Type", "")
        if response.status != 200 or kind.lower().startswith("text/html"):
            body = response.read(PIECE)
            if response.getheader("Content-Encoding", "").lower() == "gzip":
                body = zlib.decompressobj(_GZIP).decompress(body, PIECE)
            body = self._access.hidden(body)
            raise _refusal(Answer(Reply(response.status, {"content-type": kind}, body, 0, 0.0)), self.endpoint)
        return response

    def _connected(self) -> Connection:
        if self._connection is None or not self._connection.is_idle():
            self.close()
            scheme, host, port = origin(self._url)
            context = self._access.ssl_context(self._url) if scheme == "https" else None
            self._connection = Connection(host, port or 80, self._connect_s, context)
            self._connection.connect()
        return self._connection

    def _pieces(self, response: http.client.HTTPResponse, until: float) -> Iterator[bytes]:
        while True:
            piece = self._bounded(until, lambda: response.read(PIECE))
            if not piece:
                break
            yield piece
        # http.client is content with less than was announced.
        if response.length:
            raise self._cut()

    def _unpacked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        unpacker = zlib.decompressobj(_GZIP)
        for packed in pieces:
            piece, more = packed, True
            while more and not unpacker.eof:
                try:
                    plain = unpacker.decompress(piece, PIECE)
                except zlib.error:
                    self._refuse("the answer is not the gzip that it says it is")
                piece = unpacker.unconsumed_tail
                more = bool(piece) or len(plain) == PIECE
                yield plain
        if not unpacker.eof:
            raise self._cut()

    def _lines(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        rest = b""
        for piece in pieces:
            *whole, rest = (rest + piece).split(b"\n")
            if len(rest) > LONGEST_LINE:
                self._refuse(f"the answer has a line of more than {LONGEST_LINE >> 20} MB")
            yield from filter(None, whole)
        if rest:
            raise self._cut()

    def _bounded(self, until: float, work: Callable[[], Result]) -> Result:
        """`work()`, which waits for the server. Raises what it comes down to."""
        try:
            with Deadline(max(until - monotonic(), 0.001), self._too_slow):
                return work()
        except (OSError, http.client.HTTPException, ValueError, zlib.error) as fault:
            # Not `from fault`: what http.client says may hold a header, and a header the secret.
            raise unreachable(fault, self.endpoint) from None
        except Unreachable as problem:
            problem.where = self.endpoint
            raise

    def _too_slow(self) -> Unreachable:
        return Unreachable(f"no whole answer in {REQUEST_S:g} s", where=self.endpoint)

    def _cut(self) -> Unreachable:
        return Unreachable("the server closed the connection in the middle of its answer", where=self.endpoint)

    def _refuse(self, what: str, hint: str = "is it a VictoriaMetrics?") -> None:
        raise ConfigProblem(what, where=self.endpoint, hint=hint)


def _refusal(answer: Answer, where: str) -> Exception:
    status = answer.status
    said = "" if answer.is_web_page else reason(answer)
    what = f"the server answered {status}" + (f": {said}" if said else "")
    if meaning(answer) == BUSY:
        return TryLater(what, where=where, hint="nothing was compared")
    if answer.is_web_page and 200 <= status < 300:
        return ConfigProblem(f"{what} with a web page", where=where, hint="somebody's log-in page?")
    hints = {
        401: "is remote.auth set, and the token right? /etc/belabox-metrics/api-token",
        403: "may this token read? it is the one that writes",
        404: "verify needs a VictoriaMetrics; remote.query_url says where it is, if not beside remote.url",
    }
    hint = "a redirect is not followed, set remote.query_url to where it leads" if 300 <= status < 400 else ""
    return ConfigProblem(what, where=where, hint=hints.get(status, hint))


def _added_labels(url: str) -> dict[str, str]:
    """`?extra_label=site=barn` of the URL."""
    given = parse_qs(urlsplit(url).query).get("extra_label", [])
    return {name: value for name, _, value in (pair.partition("=") for pair in given)}
