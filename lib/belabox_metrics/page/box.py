"""The box as it is now: heat, processor, memory, disks."""

from __future__ import annotations

from ..quantity import shown
from .pieces import absent, card, figure, figures
from .words import lasting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .view import View

# A box has a system and maybe a disk for recordings.
DISKS = 4


def box(view: View) -> str:
    """The card of the box."""
    items = [_temperature(view), _processor(view), _memory(view), *_disks(view)]
    up = f"up for {lasting(view.now.boottime_ms)}"
    return card("box", "Box", f'<p class="live">{up}</p>{figures(items)}')


def _temperature(view: View) -> str:
    degrees = view.one("cpu.temperature")
    if degrees is None:
        return absent("Temperature", view.why_not("cpu.temperature"))
    throttled = view.one("thermal.throttled")
    more = "" if throttled is None else "slowed down by heat" if throttled else "not slowed down by heat"
    return figure("Temperature", shown("cpu.temperature", degrees), more)


def _processor(view: View) -> str:
    busy = view.one("cpu.usage_percent", core="all")
    if busy is None:
        return absent("Processor", view.why_not("cpu.usage"))
    cores = len(view.all("cpu.usage_percent")) - 1
    return figure("Processor", shown("cpu.usage_percent", busy), f"of {cores} cores" if cores > 0 else "", share=busy)


def _memory(view: View) -> str:
    used, total = view.one("memory.used_bytes"), view.one("memory.total_bytes")
    if used is None or not total:
        return absent("Memory", view.why_not("memory.usage"))
    of = f"of {shown('memory.total_bytes', total)}"
    return figure("Memory", shown("memory.used_bytes", used), of, share=100 * used / total)


def _disks(view: View) -> list[str]:
    found = []
    for reading in view.all("disk.usage_percent")[:DISKS]:
        mount = reading.tags.get("mount", "")
        free = view.one("disk.available_bytes", mount=mount)
        if isinstance(reading.value, str):
            continue
        more = f"{shown('disk.available_bytes', free)} free" if free is not None else ""
        found.append(figure(f"Disk {mount}", shown(reading.name, reading.value), more, share=reading.value))
    return found or [absent("Disk", view.why_not("disk.usage"))]
