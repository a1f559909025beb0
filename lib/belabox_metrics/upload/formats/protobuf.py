"""The little of Protocol Buffers' wire format that is needed. https://protobuf.dev/programming-guides/encoding/"""

from __future__ import annotations

_VARINT, _EIGHT_BYTES, _SIZED = 0, 1, 2


def varint(number: int) -> bytes:
    """`number`, not negative, seven bits a byte, the least first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def sized(field: int, content: bytes) -> bytes:
    """A field that holds a text or a message."""
    return varint(field << 3 | _SIZED) + varint(len(content)) + content


def integer(field: int, number: int) -> bytes:
    """A field of one of the integer types, not negative."""
    return varint(field << 3 | _VARINT) + varint(number)


def eight_bytes(field: int) -> bytes:
    """What announces a field of eight bytes, a double for example."""
    return varint(field << 3 | _EIGHT_BYTES)
