"""Are the units there, unchanged, and at work?"""

from __future__ import annotations

import filecmp
import os

from ..schedule import apply, units
from ..schedule.tree import Tree
from . import configuration
from .box import RENDERED_UNITS, SHIPPED_UNITS, TREE
from .finding import note, ok, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .box import Box
    from .finding import Finding

# They run whatever the configuration says.
ALWAYS = (units.TARGET, "belabox-metrics-apply.path", "belabox-metrics-recover.path", "belabox-metrics-sync.timer")
ALL = "belabox-metrics*"
_OURS = {os.path.basename(path) for path in units.DROP_INS}
_INSTALL = "sudo ./install.sh"
_PROPERTIES = ("ActiveState", "LoadState", "UnitFileState", "NeedDaemonReload", "Result", "DropInPaths")


def examine(box: Box) -> Iterator[Finding]:
    if not box.manager.is_there():
        yield note("systemd is not running here, so nothing is started by itself")
        return
    wanted = [*ALWAYS, *(units.wanted(box.configuration) if box.configuration else [])]
    states = {found["Id"]: found for found in box.manager.show([ALL, *wanted], *_PROPERTIES)}
    yield from _states(states, wanted)
    yield from _files(box, states)


def _states(states: dict[str, dict[str, str]], wanted: list[str]) -> Iterator[Finding]:
    at_work = 0
    target = states.get(units.TARGET, {})
    stopped = target.get("ActiveState") != "active"
    if stopped:
        yield problem("is not active: nothing is collected", units.TARGET, f"sudo systemctl start {units.TARGET}")
    elif target.get("UnitFileState") == "disabled":
        yield problem("will not start at the next boot", units.TARGET, f"sudo systemctl enable {units.TARGET}")
    for name in wanted:
        found = states.get(name, {})
        load = found.get("LoadState", "not-found")
        if load == "masked":
            yield note("is masked, which somebody did by hand", name, f"sudo systemctl unmask --now {name}")
        elif load == "not-found":
            yield problem("does not exist", name, configuration.APPLY)
        elif found.get("ActiveState") == "active":
            at_work += 1
        elif not stopped and found.get("ActiveState") != "failed":
            yield problem(f"is {found.get('ActiveState')}", name, f"sudo systemctl start {name}")
    for name, found in sorted(states.items()):
        # One that is masked while it runs has failed, for systemd.
        if found.get("ActiveState") == "failed" and found.get("LoadState") != "masked":
            yield problem(f"failed ({found.get('Result')})", name, f"journalctl -u {name} -n 20")
        strange = [
            path
            for path in found.get("DropInPaths", "").split()
            if os.path.basename(path) not in _OURS and not path.startswith(f"{SHIPPED_UNITS}/")
        ]
        if strange:
            yield note(f"is changed by {', '.join(strange)}", name, f"systemctl cat {name}")
    if at_work == len(wanted):
        yield ok(f"all {at_work} that should be active are")


def _files(box: Box, states: dict[str, dict[str, str]]) -> Iterator[Finding]:
    stale = [name for name, found in states.items() if found.get("NeedDaemonReload") == "yes"]
    if stale:
        yield problem(
            f"{len(stale)} units have changed on disk, as {sorted(stale)[0]}",
            hint="sudo systemctl daemon-reload",
            repair=lambda: _reload(box),
        )
    yield from _shipped(box)
    if box.configuration is None:
        return
    made = apply.Apply(box.configuration, box.database, box.place(RENDERED_UNITS), box.manager)
    difference = made.difference
    changed = [*difference.write, *difference.remove]
    if changed:
        yield problem(
            f"{len(changed)} files are not what the configuration makes of them, as {changed[0]}",
            box.place(RENDERED_UNITS),
            configuration.APPLY,
            lambda: f"applied {box.config}: {len(made.run())} changes",
        )
    for path in difference.foreign:
        yield note("was not written by apply, which leaves it alone", f"{box.place(RENDERED_UNITS)}/{path}")
    if Tree(box.place(RENDERED_UNITS)).pending():
        yield problem("an apply was cut off", hint=configuration.APPLY, repair=lambda: f"{len(made.run())} changes")


def _shipped(box: Box) -> Iterator[Finding]:
    """The units that came with the program stand beside it, too, so that those of another version are found out."""
    came, installed = box.place(f"{TREE}/units"), box.place(SHIPPED_UNITS)
    if not os.path.isdir(came):
        return
    different = []
    for directory, _, names in os.walk(came):
        for name in names:
            path = os.path.relpath(os.path.join(directory, name), came)
            if path.endswith(".catalog"):
                continue
            try:
                same = filecmp.cmp(os.path.join(came, path), os.path.join(installed, path), shallow=False)
            except OSError:
                same = False
            if not same:
                different.append(path)
    if different:
        what = f"{len(different)} are missing or of another version, as {sorted(different)[0]}"
        yield problem(what, installed, _INSTALL)


def _reload(box: Box) -> str:
    box.manager.reload()
    return "systemd has read all units anew"
