"""Ids that nobody else has."""

from __future__ import annotations

import posix as os  # as environment.py says


def uuid4(random: bytes | None = None) -> str:
    """A random UUID (RFC 9562, section 5.4), of these 16 bytes or of the kernel's. The module uuid costs 8 ms to
    import, more than a collection."""
    digits = bytearray(os.urandom(16) if random is None else random)
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
