"""`check`: is this configuration right, and what would it do?"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .. import terminal
from ..config.configuration import load
from ..config.duration import spell
from ..config.overrides import DEFAULTS_FILE
from ..errors import ConfigProblem
from ..remote.credentials import TOKEN_FILE
from ..store.options import add_database
from . import doubts, plan, programs, secrets
from .compile import configuration_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..config.configuration import Configuration


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    try:
        configuration = load(options.file, defaults_file=options.settings)
        secrets.check(configuration, options.token_file)
        programs.check(configuration)
    except ConfigProblem as problem:
        if options.json:
            print(json.dumps({"ok": False, "file": options.file, "problems": str(problem).split("\n")}, indent=2))
        else:
            print(problem, file=sys.stderr)
        return problem.exit_code
    rows = _rows(configuration)
    doubted = doubts.of(configuration, options.database)
    if options.json:
        told = [str(doubt) for doubt in doubted]
        print(json.dumps({"ok": True, "file": options.file, "doubts": told, "metrics": rows}, indent=2))
    else:
        _show(configuration, rows)
        for doubt in doubted:
            print(f"doubtful: {doubt}")
    return 0


def _rows(configuration: Configuration) -> list[dict[str, object]]:
    """One for each metric; `timer` holds calendar expressions, [] where it counts from the last start;
    `reason` is why it has none."""
    timings = {timing.metric.name: timing for timing in plan.timings(configuration)}
    rows: list[dict[str, object]] = []
    for metric in configuration.metrics:
        row: dict[str, object] = {
            "metric": metric.name,
            "interval_ms": metric.interval_ms,
            "priority": metric.priority,
            "scheduled": metric.scheduled,
            "reason": metric.reason,
        }
        if metric.name in timings:
            row["offset_ms"] = timings[metric.name].offset_ms
            row["timer"] = timings[metric.name].calendar
            row["shown"] = str(timings[metric.name])
        rows.append(row)
    return rows


def _show(configuration: Configuration, rows: list[dict[str, object]]) -> None:
    scheduled = sum(metric.scheduled for metric in configuration.metrics)
    # The host alone: the rest of a URL can be a secret.
    host = urlsplit(configuration.values.text("remote.url")).hostname
    sends = f"sends to {host}" if configuration.uploads else "sends nowhere"
    print(f"ok: {scheduled} of {len(rows)} metrics have a timer, {sends}")
    if not rows:
        return
    screen = terminal.of()
    print(screen.fit(f"{'METRIC':<20} {'INTERVAL':>9}  {'PRIORITY':<9} TIMER"))
    for metric, row in zip(configuration.metrics, rows):
        timer = row.get("shown") or f"none: {metric.reason}"
        print(screen.fit(f"{metric.name:<20} {spell(metric.interval_ms):>9}  {metric.priority:<9} {timer}"))


def _parser() -> argparse.ArgumentParser:
    what = "Tell what a configuration does, or what is wrong with it."
    epilog = "Example: belabox-metrics check new.yaml && sudo cp new.yaml /etc/belabox-metrics/config.yaml"
    parser = argparse.ArgumentParser(prog="belabox-metrics check", description=what, epilog=epilog)
    default = "default: %(default)s"
    parser.add_argument("file", metavar="FILE", nargs="?", default=configuration_path(), help=default)
    settings = f"instead of {DEFAULTS_FILE}: what differs on a box"
    parser.add_argument("--settings", metavar="FILE", default=DEFAULTS_FILE, help=settings)
    token = f"instead of {TOKEN_FILE}: the secret of remote.auth"
    parser.add_argument("--token-file", metavar="FILE", default="", help=token)
    parser.add_argument("--json", action="store_true", help="for a program")
    add_database(parser, "what was collected")
    return parser
