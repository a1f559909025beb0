"""How often a device has interrupted the processor: `/proc/interrupts` (proc_interrupts(5)).

A row is a number, a counter of 32 bits for each core that is online, and what the controller and the driver call
it. Only rows asked for are read: a board has a hundred.
"""

from __future__ import annotations

from .errors import SourceProblem
from .source import read_text, unsigned, whole_lines

PATH = "/proc/interrupts"


def counted(root: str, part: str) -> dict[str, int]:
    """Name -> interrupts on all cores since boot, for the devices with `part` in their name; a device with two rows
    counts both.

    Raises NoData without the file, SourceProblem when it is no such table."""
    return parse(read_text(root, PATH), part, root + PATH)


def parse(text: str, part: str, where: str = PATH) -> dict[str, int]:
    """See `counted`."""
    lines = whole_lines(text, where)
    cores = lines[0].split()
    if not cores or not all(core.startswith("CPU") for core in cores):
        raise SourceProblem("does not begin with the cores", where=where)
    found: dict[str, int] = {}
    for number, line in enumerate(lines[1:], 2):
        if part not in line:
            continue
        words = line.partition(":")[2].split()
        # The driver's name comes last, after the controller's; neither is a number, so the row can't be mistaken.
        name = words[-1] if len(words) > len(cores) else ""
        if part not in name:
            continue
        total = sum([unsigned(word, where, number, name) for word in words[: len(cores)]])
        found[name] = found.get(name, 0) + total
    return found
