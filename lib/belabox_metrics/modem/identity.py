"""A name for a modem that is the same after each plug and tells nobody its IMEI.

An IMEI is fourteen digits, of which a model leaves six open: a plain hash of it is found out in a second. So it is
hashed together with the id of the machine (machine-id(5)), which does not leave the box.
"""

from __future__ import annotations

from ..errors import NoData, SourceProblem
from ..source import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Protocol

    class Hash(Protocol):
        def hexdigest(self) -> str: ...


MACHINE = "/etc/machine-id"
LENGTH = 8  # hexadecimal digits: no two of a box's modems will ever agree in them


def hashed(root: str, identifier: str) -> str:
    """Eight hexadecimal digits; "" where there is nothing secret to hash with, or no identifier."""
    try:
        machine = read_text(root, MACHINE, 4096).strip()
    except (NoData, SourceProblem):
        return ""
    if len(machine) != 32 or not identifier:
        return ""
    secret = f"belabox-metrics modem {machine} {identifier}".encode("utf-8", "backslashreplace")
    return _sha256()(secret).hexdigest()[:LENGTH]


def _sha256() -> Callable[[bytes], Hash]:
    """The C function beneath `hashlib`, which itself costs three milliseconds; it is elsewhere since Python 3.12."""
    for module in ("_sha256", "_sha2", "hashlib"):
        try:
            found: Callable[[bytes], Hash] = __import__(module).sha256
        except ImportError:
            continue
        return found
    raise NotImplementedError("a Python without SHA-256")
