"""What a server sees of a fleet: a table, the histograms of arrivals, and whether anything is lost or doubled."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from .clockwork import Arrival
from .histogram import histogram, picture
from .simulation import Outcome, Script, simulate

# Ten minutes without a server.
SCRIPT = Script(lost_s=300, back_s=900, end_s=1140)
PEACE_S = 180


def main() -> int:
    options = _options()
    script = Script(options.lost, options.back, options.end)
    with tempfile.TemporaryDirectory(prefix="fleet-", dir=options.folder) as scratch:
        folder = Path(scratch)
        print(f"{options.boxes} boxes, in step ...", flush=True)
        alone = Script(PEACE_S, PEACE_S, PEACE_S)
        step = simulate(folder / "step", options.boxes, alone, workers=options.workers, compared=0, in_step=True)
        shutil.rmtree(folder / "step")
        print(f"{step.took_s:.0f} s; as they are ...", flush=True)
        fleet = simulate(folder / "fleet", options.boxes, script, workers=options.workers, compared=options.compared)
    shown = [
        histogram("All boxes in step: no place of their own in the minute", step.arrivals, 0, PEACE_S),
        histogram("As they are: power for all at 0:00, three of ten stream", fleet.arrivals, 0, PEACE_S),
        histogram(
            "After ten minutes without their server", _reached(fleet, script.back_s), script.back_s - 60, script.end_s
        ),
    ]
    Path(options.picture).write_text(picture(shown, {script.back_s: "the server is back"}))
    print(report(fleet, step, script))
    return 1 if fleet.faults else 0


def report(fleet: Outcome, step: Outcome, script: Script) -> str:
    """Tables in Markdown."""
    back_s = script.back_s
    stretches = [
        histogram("power for all at once, in step", step.arrivals, 30, 90),
        histogram("power for all at once", fleet.arrivals, 30, 90),
        histogram("peace, in step", step.arrivals, 90, PEACE_S),
        histogram("peace", fleet.arrivals, 90, script.lost_s),
        histogram("the first minute after the outage", fleet.arrivals, back_s, back_s + 60),
        histogram("the second", fleet.arrivals, back_s + 60, back_s + 120),
        histogram("later", fleet.arrivals, back_s + 120, script.end_s),
    ]
    lines = [
        "| in a second | requests, mean | 99 % of seconds | most | connections, mean | most |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in stretches:
        opened = f"{sum(one.opened) / len(one.opened):.1f} | {max(one.opened)}"
        lines.append(f"| {one.title} | {one.mean:.1f} | {one.at(0.99)} | {one.most} | {opened} |")
    lines += [
        "",
        "| stretch | requests | of a core | CPU a request | memory |",
        "| --- | --- | --- | --- | --- |",
    ]
    for what, load in fleet.loads.items():
        for name, cpu_s in load.cpu_s.items():
            core = f"{100 * cpu_s / load.seconds:.1f} % | {1000 * cpu_s / max(load.requests, 1):.2f} ms"
            lines.append(f"| {what}, {name} | {load.requests} | {core} | {load.rss_mib[name]:.0f} MiB |")
    return "\n".join([*lines, "", *_sentences(fleet, back_s)])


def _sentences(fleet: Outcome, back_s: int) -> list[str]:
    stored = sum(account["stored"] for account in fleet.accounts.values())
    refused = sum(not arrival.status for arrival in fleet.arrivals)
    heard: dict[str, float] = {}
    for arrival in fleet.arrivals:
        if arrival.at_s >= back_s and arrival.status:
            heard.setdefault(arrival.box, arrival.at_s - back_s)
    first = sorted(heard.values())
    arrived = sum(fleet.arrived.values())
    heard_s = f"{first[len(first) // 2]:.0f} s, all within {first[-1]:.0f} s"
    return [
        f"{stored} samples on {fleet.boxes} boxes, {arrived} with the server, {fleet.series} series.",
        f"{fleet.compared} boxes compared sample by sample, all counted: {len(fleet.faults)} faults.",
        f"{refused} attempts met nobody. After the return half of the boxes were heard of within {heard_s}.",
        f"Took {fleet.took_s:.0f} s.",
        *fleet.faults[:10],
    ]


def _reached(fleet: Outcome, back_s: int) -> list[Arrival]:
    return [arrival for arrival in fleet.arrivals if arrival.status or arrival.at_s >= back_s - 60]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/fleet/run", description=__doc__)
    parser.add_argument("--boxes", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--compared", type=int, default=25, metavar="BOXES", help="sample by sample (default: 25)")
    parser.add_argument("--lost", type=int, default=SCRIPT.lost_s, metavar="SECOND", help="when the server goes")
    parser.add_argument("--back", type=int, default=SCRIPT.back_s, metavar="SECOND", help="when it is back")
    parser.add_argument("--end", type=int, default=SCRIPT.end_s, metavar="SECOND")
    parser.add_argument("--folder", help="for a gigabyte of databases (default: that of tempfile)")
    parser.add_argument("--picture", default="docs/fleet.svg", metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
