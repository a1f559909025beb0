"""The small files of `/sys` that hold one value each, where one that is broken must not cost the others."""

from __future__ import annotations

import errno

from .errors import NoData, SourceProblem
from .source import Unreadable, list_dir, read_text
from .world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from .sample import Sample
    from .world import World

_SHOWN = 20  # characters of what is no number; a number is not longer
_PAGE = 4096  # bytes; sysfs hands out one page at most
# Directories looked at. No box has so many; a broken one must not make a collection endless.
MOST = 256
# Faults remembered, so that each is told once.
_REMEMBERED = 16
# What the kernel answers for a device that is disabled, suspended or just gone.
_OFF = (errno.EAGAIN, errno.EBUSY, errno.EINVAL, errno.ENODATA, errno.ENODEV, errno.ENXIO, errno.EOPNOTSUPP)


class Attributes:
    """Reads attributes below the root of `world`, and keeps count of those that are there but broken.

    Its memory is the whole state of the collector: the paths that were warned about."""

    def __init__(self, world: World) -> None:
        self.root = world.root
        self._warned = world.state.split("\n")
        self._broken: dict[str, str] = {}

    def entries(self, folder: str, prefix: str) -> list[str]:
        """The names in `folder` that are `prefix` and a number (`hwmon12`), in the order of the number; none
        without such a folder."""
        found = {name: index(name, prefix) for name in self.names(folder)}
        return sorted([name for name, number in found.items() if number >= 0], key=lambda name: found[name])

    def names(self, folder: str) -> list[str]:
        """All names in `folder`, sorted, at most MOST; none without such a folder."""
        try:
            return sorted(list_dir(self.root, folder))[:MOST]
        except NoData:
            return []
        except SourceProblem as fault:
            self._fault(folder, fault)
            return []

    def text(self, path: str) -> str | None:
        """What the file says, without blanks around it; None when it is missing, switched off or broken."""
        try:
            return read_text(self.root, path, _PAGE).strip()
        except NoData:
            return None
        except SourceProblem as fault:
            self._fault(path, fault)
            return None

    def number(self, path: str) -> int | None:
        """The whole number in the file; None when there is none to be had."""
        text = self.text(path)
        if text is None:
            return None
        digits = text[1:] if text.startswith("-") else text
        if digits.isdigit() and digits.isascii() and len(digits) < 19:
            return int(text)
        self.broken(path, f"{text[:_SHOWN]!a}{'…' if len(text) > _SHOWN else ''} is not a number")
        return None

    def cooling_percent(self, device: str) -> float | None:
        """How much of what it can do the cooling device in this folder does, `cur_state` of `max_state`; None when it
        has no steps, and when it does not tell (the kernel's `Documentation/driver-api/thermal/sysfs-api.rst`)."""
        state, most = self.number(f"{device}/cur_state"), self.number(f"{device}/max_state")
        if state is None or not most:
            return None
        if not 0 <= state <= most:
            self.broken(f"{device}/cur_state", f"state {state} of {most} can't be true")
            return None
        return round(100 * state / most, 2)

    def broken(self, path: str, what: str) -> None:
        """Leave out what `path` says, because `what`."""
        self._broken[path] = str(SourceProblem(what, where=self.root + path))

    def reading(self, samples: list[Sample], missing: str) -> Reading:
        """The samples, with a warning for each fault not told before. Without any sample: SourceProblem when
        something was broken, NoData with the reason `missing` when nothing was there."""
        if not samples:
            if self._broken:
                raise SourceProblem("; ".join(list(self._broken.values())[:2]))
            raise NoData(missing)
        broken = dict(list(self._broken.items())[:_REMEMBERED])
        warnings = [f"left out: {reason}" for path, reason in broken.items() if path not in self._warned]
        return Reading(samples, "\n".join(broken), warnings)

    def _fault(self, path: str, fault: SourceProblem) -> None:
        if not isinstance(fault, Unreadable) or fault.errno not in _OFF:
            self._broken[path] = str(fault)


def index(name: str, prefix: str) -> int:
    """12 of `hwmon12` with the prefix `hwmon`, -1 of anything else."""
    number = name[len(prefix) :]
    if name.startswith(prefix) and number.isdigit() and number.isascii() and len(number) < 10:
        return int(number)
    return -1


def distinct(name: str, taken: Container[str]) -> str:
    """`name`, or `name-2` and so on when it is in `taken`."""
    label, count = name, 1
    while label in taken:
        count += 1
        label = f"{name}-{count}"
    return label
