"""A fleet through its day: power for all at once, some minutes of peace, the loss of its server, and the return."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from tests.link.account import balance

from .box import Model
from .server import Server
from .streaming_box import collected, configured
from .workers import Fleet, token_of

if TYPE_CHECKING:
    from pathlib import Path

    from .clockwork import Arrival
    from .server import Usage

# Its last second is a little before now: servers refuse the future.
_AGO_S = 600


class Script(NamedTuple):
    """Seconds since the power came on: when the server goes, when it is back, and the end."""

    lost_s: int
    back_s: int
    end_s: int


class Load(NamedTuple):
    """What the programs of the server took for a stretch of the script, `seconds` long."""

    seconds: int
    requests: int
    cpu_s: dict[str, float]
    rss_mib: dict[str, float]


class Outcome(NamedTuple):
    """`accounts`: of each box, by the box; `arrived`: the same by the server. `faults`: what must not be, in words."""

    boxes: int
    arrivals: list[Arrival]
    loads: dict[str, Load]
    accounts: dict[str, dict[str, int]]
    arrived: dict[str, int]
    series: int
    compared: int
    faults: list[str]
    took_s: float


def simulate(
    folder: Path, boxes: int, script: Script, *, workers: int, compared: int, in_step: bool = False
) -> Outcome:
    """`compared`: of so many boxes each sample is compared with what the server has of it, all are counted."""
    began = time.monotonic()
    names = [f"box-{number:04}" for number in range(boxes)]
    (folder / "model").mkdir(parents=True)
    (folder / "boxes").mkdir()
    server = Server(folder, {name: token_of(name) for name in names})
    model = Model(configured(folder / "model", server.import_url), collected(folder / "model"), in_step)
    began_ms = int(time.time() - script.end_s - _AGO_S) * 1000
    server.start()
    fleet = Fleet(names, folder / "boxes", model, began_ms, workers)
    loads: dict[str, Load] = {}
    arrivals: list[Arrival] = []

    def stretch(what: str, since_s: int, until_s: int) -> None:
        before = server.usage()
        found = fleet.run(until_s)
        arrivals.extend(found)
        loads[what] = _load(before, server.usage(), until_s - since_s, len(found))

    try:
        # A server is busiest with series that it has not seen before: that is once, and told apart.
        first_s = min(120, script.lost_s // 2)
        stretch("first minutes", 0, first_s)
        stretch("peace", first_s, script.lost_s)
        if script.back_s > script.lost_s:
            server.stop()
            arrivals.extend(fleet.run(script.back_s))
            server.start()
        stretch("return", script.back_s, script.end_s)
        accounts = fleet.finish()
        server.flush()
        minutes = script.end_s // 60 + 2
        arrived = {name: server.count(name, began_ms + script.end_s * 1000 + 60_000, minutes) for name in names}
        sample = names[:: max(1, boxes // compared)] if compared else []
        faults = _faults(accounts, arrived)
        for name, rows in fleet.rows(sample).items():
            faults += [f"{name}: {fault}" for fault in balance(rows, server.exported(name), [], []).faults]
        series = server.series()
    finally:
        fleet.close()
        server.stop()
    return Outcome(boxes, arrivals, loads, accounts, arrived, series, len(sample), faults, time.monotonic() - began)


def _load(before: dict[str, Usage], after: dict[str, Usage], seconds: int, requests: int) -> Load:
    cpu_s = {name: after[name].cpu_s - before[name].cpu_s for name in after}
    return Load(seconds, requests, cpu_s, {name: after[name].rss_mib for name in after})


def _faults(accounts: dict[str, dict[str, int]], arrived: dict[str, int]) -> list[str]:
    faults = []
    for name, account in accounts.items():
        wrong = account["rejected"] or account["pending"] or account["sent"] != account["stored"]
        if wrong or arrived[name] != account["stored"]:
            faults.append(f"{name}: {account}, and {arrived[name]} are with the server")
    return faults
