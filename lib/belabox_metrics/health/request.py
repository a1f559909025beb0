"""The head of an HTTP request, which is all of a request that anybody reads here."""

from __future__ import annotations

# The cookies of whatever else this box serves come along with those of ours.
HEAD_LIMIT = 8192
TARGET_LIMIT = 1024

_METHODS = ("GET", "HEAD")
# RFC 9110, 5.6.2; of a method only capitals are looked for.
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


class Refusal(Exception):
    """The request can't be answered. `status` is the HTTP status that says so, the text is for a person."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


class Request:
    """`method` is GET or HEAD, `path` begins with a slash, `query` is what follows its question mark, `size` is the
    length of the head. `peer`: the address that asks, "" where there are no addresses."""

    __slots__ = ("_fields", "method", "path", "peer", "query", "size")

    def __init__(self, method: str, target: str, fields: list[bytes], size: int) -> None:
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.peer = ""
        self.size = size
        self._fields = fields

    def field(self, name: str) -> str:
        """The value of a header, `name` in lower case; the first one of several, "" where there is none."""
        wanted = name.encode()
        for field in self._fields:
            found, _, value = field.partition(b":")
            if found.lower() == wanted:
                return value.strip(b" \t").decode("latin-1")
        return ""

    def has(self, name: str) -> bool:
        """Whether there is such a header, be it an empty one."""
        wanted = name.encode()
        return any(field.partition(b":")[0].lower() == wanted for field in self._fields)


def parse(data: bytes) -> Request | None:
    """The request that `data` begins with; None while more is needed. Raises Refusal as soon as it is certain."""
    if data and not 65 <= data[0] <= 90:
        raise Refusal(400, "this is not HTTP")
    line, ended, _ = data[:HEAD_LIMIT].partition(b"\n")
    if len(line) > TARGET_LIMIT + 16:
        # Too long in what way? What begins like a request had too long an address.
        known = line[:5].startswith((b"GET /", b"HEAD "))
        raise Refusal(414 if known else 400, "the address is too long" if known else "this is not HTTP")
    if not ended:
        return None
    method, target = _first_line(line.rstrip(b"\r"))
    # A bare line feed is an end of line too: somebody types it.
    ends = [(at + len(end)) for end in (b"\n\r\n", b"\n\n") if (at := data.find(end, 0, HEAD_LIMIT)) >= 0]
    if not ends:
        if len(data) >= HEAD_LIMIT:
            raise Refusal(431, f"the head has more than {HEAD_LIMIT} bytes")
        return None
    size = min(ends)
    fields = [field.rstrip(b"\r") for field in data[len(line) + 1 : size].split(b"\n")]
    for field in fields:
        _check_field(field)
    return Request(method, target, fields, size)


def _first_line(line: bytes) -> tuple[str, str]:
    words = line.split(b" ")
    if len(words) != 3 or not words[0] or not _TOKEN.issuperset(words[0]):
        raise Refusal(400, "the first line is not METHOD PATH HTTP/1.1")
    method, target, version = words
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Refusal(400, "this server speaks HTTP/1.1")
    if method.decode() not in _METHODS:
        raise Refusal(405, f"only {' and '.join(_METHODS)} are answered")
    if not all(33 <= byte <= 126 for byte in target):
        raise Refusal(400, "the address has characters that an address can't have")
    if target.startswith((b"http://", b"https://")):  # as a proxy is asked
        target = b"/" + target.split(b"://", 1)[1].partition(b"/")[2]
    if not target.startswith(b"/"):
        raise Refusal(400, "the address does not begin with a slash")
    return method.decode(), target.decode()


def _check_field(field: bytes) -> None:
    name, colon, value = field.partition(b":")
    if field and not (colon and name and _TOKEN.issuperset(name)):
        raise Refusal(400, "there is a header without a name")
    if any(byte < 32 and byte != 9 for byte in value):
        raise Refusal(400, "there is a control character in a header")
