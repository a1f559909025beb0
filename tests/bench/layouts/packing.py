"""The values of a run as one value of a column."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from .load import Number


def as_json(values: Sequence[Number]) -> str:
    return "[" + ",".join(map(repr, values)) + "]"


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def as_blob(values: Sequence[Number]) -> bytes:
    """A varint of value*2 for a whole number, the byte 1 and a double for any other."""
    return b"".join(varint(v * 2) if isinstance(v, int) else b"\x01" + struct.pack("<d", v) for v in values)


def from_blob(blob: bytes) -> list[Number]:
    values: list[Number] = []
    at = 0
    while at < len(blob):
        if blob[at] == 1:
            values.append(struct.unpack_from("<d", blob, at + 1)[0])
            at += 9
            continue
        number = shift = 0
        while blob[at] > 127:
            number |= (blob[at] & 127) << shift
            shift, at = shift + 7, at + 1
        values.append((number | blob[at] << shift) >> 1)
        at += 1
    return values
