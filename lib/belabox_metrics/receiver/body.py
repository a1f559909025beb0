"""The body of a request: in one piece or in chunks, plain or gzip, never more than fits."""

from __future__ import annotations

import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from io import BufferedIOBase

# Of bytes on the wire, and of what they unpack to. The uploader's largest chunk is a thirtieth of it.
LIMIT = 8 * 1024 * 1024
PIECE = 64 * 1024
# RFC 1952 lets a body be several files in a row; each costs a new inflater, so nobody gets a million of them.
MEMBERS = 16
_CHUNK_LINE = 256
_TRAILERS = 32


class Refusal(Exception):
    """The request can't be taken. `status` is the HTTP status that says so, the text is for a person; `allowed` are
    the methods that would do."""

    def __init__(self, status: int, what: str, allowed: str = "") -> None:
        super().__init__(what)
        self.status = status
        self.allowed = allowed


def read(headers: Message, stream: BufferedIOBase) -> bytes:
    """The body as it came over the wire, without chunks' heads. Raises Refusal."""
    lengths = {length.strip() for length in headers.get_all("Content-Length", [])}
    coding = ",".join(headers.get_all("Transfer-Encoding", [])).strip().lower()
    if coding and coding != "chunked":
        raise Refusal(501, "the only Transfer-Encoding known here is chunked")
    if (coding and lengths) or len(lengths) > 1:
        raise Refusal(400, "the head tells two lengths")
    pieces = _chunks(stream) if coding else _counted(stream, _length(lengths))
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > LIMIT:
            raise Refusal(413, f"the body has more than {LIMIT} bytes")
    return bytes(found)


def unpacked(data: bytes, headers: Message) -> bytes:
    """What `data` is when decompressed as the head says. Raises Refusal."""
    coding = headers.get("Content-Encoding", "identity").strip().lower()
    if coding == "identity":
        return data
    if coding not in ("gzip", "x-gzip"):
        raise Refusal(415, "the only Content-Encoding known here is gzip")
    found = bytearray()
    for _ in range(MEMBERS):
        # 16: with the head and the check of a gzip file.
        inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            found += inflater.decompress(data, LIMIT + 1 - len(found))
        except zlib.error as error:
            raise Refusal(400, f"the body is not gzip: {error}") from None
        if len(found) > LIMIT:
            raise Refusal(413, f"the body has more than {LIMIT} bytes unpacked")
        if not inflater.eof:
            raise Refusal(400, f"the gzip body ends too early, after {len(found)} bytes unpacked")
        data = inflater.unused_data
        if not data:
            return bytes(found)
    raise Refusal(400, f"the gzip body has more than {MEMBERS} members")


def _length(lengths: set[str]) -> int:
    if not lengths:
        raise Refusal(411, "the head has neither Content-Length nor Transfer-Encoding: chunked")
    length = lengths.pop()
    if not (length.isascii() and length.isdigit()):
        raise Refusal(400, "Content-Length is no number")
    if len(length) > 18 or int(length) > LIMIT:
        raise Refusal(413, f"the body has more than {LIMIT} bytes")
    return int(length)


def _counted(stream: BufferedIOBase, length: int) -> Iterator[bytes]:
    left = length
    while left:
        piece = stream.read1(min(left, PIECE))
        if not piece:
            raise Refusal(400, f"the body ended after {length - left} of {length} bytes")
        left -= len(piece)
        yield piece


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    """RFC 9112, 7.1."""
    while True:
        line = stream.readline(_CHUNK_LINE)
        size = line.partition(b";")[0].strip()
        if not line.endswith(b"\n"):
            raise Refusal(
                400, "the body ended between two chunks" if len(line) < _CHUNK_LINE else "no length of a chunk"
            )
        # int() would let a sign and underscores pass.
        if not 0 < len(size) <= 8 or size.strip(b"0123456789abcdefABCDEF"):
            raise Refusal(400, "a chunk does not begin with its length")
        if not int(size, 16):
            break
        yield from _counted(stream, int(size, 16))
        if stream.readline(3) not in (b"\r\n", b"\n"):
            raise Refusal(400, "a chunk is longer than its length")
    for _ in range(_TRAILERS):
        if stream.readline(_CHUNK_LINE) in (b"\r\n", b"\n"):
            return
    raise Refusal(400, "the chunked body does not end")
