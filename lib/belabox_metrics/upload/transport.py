"""One POST and what the server said to it. What a status means is not decided here."""

from __future__ import annotations

from ..remote.client import Client
from ..remote.unreachable import Unreachable as Unreachable  # what post() raises
from ..remote.urls import endpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..remote.access import Access
    from ..remote.client import Reply
    from ..remote.settings import Remote


class Answer:
    """`retry_after` and `date` are the headers, "" where there is none. `is_web_page`: it is made for a person, so not
    the server answers but something on the way, whatever the status; its body tells where no header does. `shortfall`:
    what its body says is missing, though its status is 2xx."""

    __slots__ = (
        "body",
        "bytes_received",
        "bytes_sent",
        "date",
        "duration_ms",
        "is_web_page",
        "retry_after",
        "shortfall",
        "status",
    )

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.retry_after = reply.headers.get("retry-after", "")
        self.date = reply.headers.get("date", "")
        self.body = reply.body
        kind = reply.headers.get("content-type", "").lower()
        self.is_web_page = kind.startswith("text/html") or self.body.lstrip()[:1] == b"<"
        self.bytes_sent = reply.bytes_sent
        self.bytes_received = reply.bytes_received
        self.duration_ms = reply.duration_ms
        self.shortfall = ""


class Transport:
    """Posts bodies to `remote.url` over one connection. `endpoint` is that URL as it may be shown."""

    def __init__(self, remote: Remote, access: Access) -> None:
        self.endpoint = endpoint(remote.url)
        self._url = remote.url
        self._device_id = remote.device_id
        self._client = Client(access, remote.timeout_s)

    def post(self, body: bytes, headers: dict[str, str], bytes_per_second: float | None = None) -> Answer:
        """Send `body` as it is, with the headers of its format; not faster than `bytes_per_second`.

        Raises Unreachable when nothing that is HTTP came back, ConfigProblem when a secret is missing."""
        headers = {"X-Device-ID": self._device_id, **headers}
        try:
            return Answer(self._client.post(self._url, body, headers, bytes_per_second))
        except Unreachable as fault:
            fault.hint = fault.hint or "everything stays stored and pending"
            raise
