"""Input that is nearly right: what a broken program or a hostile one might send."""

from __future__ import annotations

import random

LONGEST = 8192
# What turns one format's meaning over: ends of tables, of numbers, of texts.
WORDS = [
    *(
        b"",
        b"\0",
        b"\n",
        b"\r\n",
        b" ",
        b"\t",
        b"-1",
        b"0",
        b"1e999",
        b"NaN",
        b"null",
        b"9" * 40,
        b"{",
        b"}",
        b"[",
        b"]",
    ),
    *(b'"', b"\\", b"=", b":", b",", b"%", b"\xff\xfe", b"\xe2\x80\xa8", b"\xd9\xa1", b"\xc2\xb2", b"\\ud800", b"--"),
]


def mutated(chance: random.Random, known: bytes, seeds: list[bytes]) -> bytes:
    """What is `known` with a few cuts, copies, pieces of it or of `seeds` in other places, and flipped bits."""
    data = bytearray(known[:LONGEST])
    for _ in range(chance.randint(1, 6)):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.choice((0, 1, 1, 4, 16, 200)))
        what = chance.randrange(4)
        if what == 0:
            data[start:end] = chance.choice(WORDS)
        elif what == 1:
            at = chance.randint(0, len(data))
            data[at:at] = data[start:end]
        elif what == 2:
            other = chance.choice(seeds)
            at = chance.randint(0, len(other))
            data[start:end] = other[at : at + 40]
        elif end > start:
            data[start] ^= 1 << chance.randrange(8)
    return bytes(data)
