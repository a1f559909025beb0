"""What is sent back: a status, a body, and the headers that its kind must have.

Nothing here may be kept by a cache, shown in a frame, taken for another type, or told to another site. A page may run
and look like what stands in it, and nothing else: its style sheets and scripts are named by their hashes.
"""

from __future__ import annotations

from . import body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

REASONS = {
    200: "OK",
    303: "See Other",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    414: "URI Too Long",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_ALWAYS = (
    "Cache-Control: no-store",
    "Connection: close",
    "Cross-Origin-Opener-Policy: same-origin",
    "Cross-Origin-Resource-Policy: same-origin",
    "Referrer-Policy: no-referrer",
    "X-Content-Type-Options: nosniff",
    "X-Frame-Options: DENY",
)
_NOTHING = "default-src 'none'; frame-ancestors 'none'"


class Answer:
    """`fields`: header lines beyond those of every answer, the type of the body among them."""

    __slots__ = ("body", "fields", "status")

    def __init__(self, status: int, content: bytes, *fields: str) -> None:
        self.status = status
        self.body = content
        self.fields = fields

    def head(self) -> bytes:
        """The lines before the body, and the empty one that ends them."""
        lines = [f"HTTP/1.1 {self.status} {REASONS[self.status]}", *self.fields, *_ALWAYS]
        return "\r\n".join([*lines, f"Content-Length: {len(self.body)}", "", ""]).encode("latin-1")


def document(status: int, value: dict[str, object], *fields: str) -> Answer:
    """JSON, for a program."""
    return text(status, body.text(value) + "\n", "application/json", *fields)


def text(status: int, content: str, kind: str = "text/plain; charset=utf-8", *fields: str) -> Answer:
    """Any text. `kind` is its type, as `text/plain; version=0.0.4; charset=utf-8` for Prometheus."""
    policy = f"Content-Security-Policy: {_NOTHING}"
    return Answer(status, _bytes(content), f"Content-Type: {kind}", policy, *fields)


def page(
    status: int, content: str, *fields: str, styles: Sequence[str] = (), scripts: Sequence[str] = (), form: bool = False
) -> Answer:
    """HTML. `styles` and `scripts`: what stands between the tags <style> and <script> in it, to the letter; all else is
    not looked at by a browser, `style=` of an element neither. A script may ask this server. `form`: there is one."""
    policy = ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "img-src data:"]
    policy.append(f"form-action {_SELF if form else _NONE}")
    if styles:
        policy.append(f"style-src {_hashes(styles)}")
    if scripts:
        policy += [f"script-src {_hashes(scripts)}", f"connect-src {_SELF}"]
    security = f"Content-Security-Policy: {'; '.join(policy)}"
    return Answer(status, _bytes(content), "Content-Type: text/html; charset=utf-8", security, *fields)


_SELF, _NONE = "'self'", "'none'"


def _hashes(texts: Iterable[str]) -> str:
    # Whoever asks for JSON does not pay for these.
    from binascii import b2a_base64
    from hashlib import sha256

    return " ".join(f"'sha256-{b2a_base64(sha256(_bytes(found)).digest(), newline=False).decode()}'" for found in texts)


def _bytes(content: str) -> bytes:
    # Half a surrogate pair, which a device may smuggle into a name, is not to be sent as it is.
    return content.encode("utf-8", "backslashreplace")
