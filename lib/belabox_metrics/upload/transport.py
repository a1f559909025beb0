"""One POST and what came of it."""

from __future__ import annotations

import gzip
import time

import requests
import urllib3

from .. import __version__
from ..deadline import Deadline
from ..errors import Problem, TryLater
from ..remote.urls import endpoint

CONNECT_S = 10.0
# More of an answer than this is not read: what matters is the status.
ANSWER_LIMIT = 64 * 1024
# BestSpeed costs half the CPU of the default for a tenth more bytes.
GZIP_LEVEL = 1


class Answer:
    """`status` is the HTTP status; bytes are of the bodies, as they went over the wire."""

    __slots__ = ("bytes_received", "bytes_sent", "duration_ms", "status")

    def __init__(self, status: int, bytes_sent: int, bytes_received: int, duration_ms: float) -> None:
        self.status = status
        self.bytes_sent = bytes_sent
        self.bytes_received = bytes_received
        self.duration_ms = duration_ms


class Unreachable(TryLater):
    """There was no answer: connection refused, no name, no route, too slow."""


class Refused(Problem):
    """The server answered, with something else than 2xx. `answer` tells what."""

    def __init__(self, what: str, answer: Answer, **more: str) -> None:
        super().__init__(what, **more)
        self.answer = answer


class BusyServer(Refused, TryLater):
    """429 or 5xx: the same bytes may pass later."""

    exit_code = TryLater.exit_code


class Transport:
    """Posts bodies to one URL over one connection. `timeout_s` is for each wait on the server."""

    def __init__(self, url: str, device_id: str, timeout_s: float, compression: bool) -> None:
        self.url = url
        self.endpoint = endpoint(url)
        self._timeout = (min(CONNECT_S, timeout_s), timeout_s)
        # Each wait may be as long as that; all of them together not much longer.
        self._total_s = timeout_s + CONNECT_S
        self._compression = compression
        self._session = requests.Session()
        # No .netrc, no proxies from an environment nobody sees.
        self._session.trust_env = False
        self._session.headers.update(
            {
                "Content-Type": "application/x-ndjson",
                "User-Agent": f"belabox-metrics/{__version__}",
                "X-Device-ID": device_id,
            }
        )

    def post(self, lines: str) -> Answer:
        """Send `lines`; the answer, which is 2xx. Raises Unreachable, BusyServer or Refused."""
        body = lines.encode()
        headers = {}
        if self._compression:
            body = gzip.compress(body, GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        started = time.monotonic()
        try:
            # A redirect would carry the data, and later the token, to whoever is named in it.
            with (
                Deadline(self._total_s, self._too_slow),
                self._session.post(
                    self.url,
                    data=body,
                    headers=headers,
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                received = len(response.raw.read(ANSWER_LIMIT, decode_content=False))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(
                _reason(error), where=self.endpoint, hint="everything stays stored and pending"
            ) from error
        status = response.status_code
        answer = Answer(status, len(body), received, (time.monotonic() - started) * 1000)
        if 200 <= status < 300:
            if response.headers.get("Content-Type", "").startswith("text/html"):
                hint = "somebody's log-in page? everything stays pending"
                raise Refused(f"the server answered {status} with a web page", answer, where=self.endpoint, hint=hint)
            return answer
        if status == 429 or status >= 500:
            raise BusyServer(f"the server answered {status}", answer, where=self.endpoint, hint="sent again later")
        hint = "a redirect is not followed, set remote.url to where it leads" if 300 <= status < 400 else ""
        raise Refused(
            f"the server answered {status}",
            answer,
            where=self.endpoint,
            hint=hint or "everything stays pending",
        )

    def _too_slow(self) -> Unreachable:
        return Unreachable(
            f"no whole answer in {self._total_s:g} s", where=self.endpoint, hint="everything stays stored and pending"
        )


def _reason(error: Exception) -> str:
    """The innermost cause in words; requests wraps it three deep, with addresses of objects in the text."""
    if isinstance(error, requests.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        reason = getattr(cause, "reason", None) or (cause.args[0] if cause.args else None)
        cause = reason if isinstance(reason, BaseException) else cause.__cause__ or cause.__context__
    return type(error).__name__
