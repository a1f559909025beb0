"""What ModemManager tells of its modems, asked with `mmcli -J`.

Its JSON (mmcli 1.18 to 1.24) has every value as a text, `--` for a missing one, and lists that may be empty. Nothing is
changed by asking: signals of each technology are measured only where their owner has switched that on with
`mmcli -m N --signal-setup=10`, which holds until the modem is plugged in again.

mmcli may take tens of seconds while a modem starts anew, so all questions of a run share one bound in time.
"""

from __future__ import annotations

from time import monotonic

from .. import program
from ..errors import NoData, SourceProblem, TryLater
from ..json_text import parse as parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    # A JSON value with texts as its only leaves.
    Answer = Union[str, list["Answer"], dict[str, "Answer"], None]

# ms, for all questions together: well within the unit's TimeoutStartSec=.
BUDGET_MS = 12_000
# A question at a time: one modem that hangs should not keep the others from being asked.
QUESTION_MS = 6_000
MOST_MODEMS = 16
# How many characters of a text that a network or a modem calls itself by are kept.
LONGEST_TEXT = 64
_PATH = "/org/freedesktop/ModemManager1/Modem/"
_NOBODY = "couldn't find the ModemManager process"
_GONE = "couldn't find modem"
_NO_SIGNAL = "has no extended signal capabilities"
# What the bus says to the same effect: it is not there, or nobody is who would be asked.
_NO_BUS = ("couldn't get bus", "Could not connect", "error: couldn't create manager")


class Gone(NoData):
    """The modem was unplugged while it was asked."""


class Asker:
    """Asks mmcli, and knows how much time is left to do so. Raises NoData when it is not installed."""

    def __init__(self, root: str) -> None:
        self._path = program.find(root, "mmcli", "modemmanager")
        self._until = monotonic() + BUDGET_MS / 1000

    def modems(self) -> list[str]:
        """The numbers of the modems, `["0", "12"]`, in order. Raises NoData when ModemManager does not run, TryLater
        when it does not answer, SourceProblem."""
        listed = _inner(self._ask(["-L"]), "modem-list")
        if not isinstance(listed, list):
            raise SourceProblem("lists no modems in its JSON", where="mmcli")
        numbers = []
        for path in listed:
            number = path[len(_PATH) :] if isinstance(path, str) and path.startswith(_PATH) else ""
            if not (number.isdigit() and number.isascii() and len(number) < 10):
                raise SourceProblem(f"lists {str(path)[:80]!a}, which is no modem", where="mmcli")
            numbers.append(number)
        return sorted(numbers, key=int)[:MOST_MODEMS]

    def modem(self, number: str) -> Answer:
        """All about a modem but its signals: the value of `modem`. Raises Gone, TryLater, SourceProblem."""
        return _inner(self._ask(["-m", number]), "modem")

    def signal(self, number: str) -> Answer:
        """Its signals by technology, the value of `modem.signal`; None when it has none. Raises like `modem`."""
        try:
            return _inner(self._ask(["-m", number, "--signal-get"]), "modem", "signal")
        except SourceProblem as fault:
            if _NO_SIGNAL in fault.what:
                return None
            raise

    def _ask(self, question: list[str]) -> Answer:
        left = int((self._until - monotonic()) * 1000)
        if left <= 0:
            raise TryLater("there was no time left to ask all modems", where="mmcli")
        asked = program.run([self._path, *question, "-J"], min(left, QUESTION_MS))
        if asked.code:
            said = asked.complaint()
            if _NOBODY in said or any(sign in said for sign in _NO_BUS):
                raise NoData("ModemManager does not run")
            if _GONE in said:
                raise Gone(said)
            raise SourceProblem(said, where="mmcli")
        try:
            return texts_only(parse_json(asked.out))
        except ValueError as fault:
            raise SourceProblem(f"answers with something else than JSON: {fault}", where="mmcli") from None


def text(answer: Answer, *keys: str) -> str:
    """The text at the end of `keys`, cut to one short line; "" for `--` and for what is missing."""
    value = _inner(answer, *keys)
    return _short(value) if isinstance(value, str) and value != "--" else ""


def texts(answer: Answer, *keys: str) -> list[str]:
    """The texts of a list, cut likewise; [] for what is missing."""
    value = _inner(answer, *keys)
    return [_short(item) for item in value if isinstance(item, str)] if isinstance(value, list) else []


def decimal(value: str) -> float | None:
    """A number as mmcli writes it (`-84.00`), None for anything else."""
    digits = value[1:] if value.startswith("-") else value
    whole, _, part = digits.partition(".")
    if not (whole.isdigit() and (part or "0").isdigit() and value.isascii() and len(value) < 12):
        return None
    return float(value)


def _short(value: str) -> str:
    return "".join([char for char in value if char.isprintable()])[:LONGEST_TEXT].strip()


def _inner(answer: Answer, *keys: str) -> Answer:
    for key in keys:
        answer = answer.get(key) if isinstance(answer, dict) else None
    return answer


def texts_only(value: object, depth: int = 0) -> Answer:
    """Somebody else's JSON with what mmcli does not write left out."""
    if isinstance(value, str):
        return value
    if depth < 8 and isinstance(value, dict):
        return {key: texts_only(item, depth + 1) for key, item in value.items()}
    if depth < 8 and isinstance(value, list):
        return [texts_only(item, depth + 1) for item in value]
    return None
