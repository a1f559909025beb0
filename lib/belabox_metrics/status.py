"""The command `status`: one screen about this box."""

from __future__ import annotations

import argparse
import json
import sys

from . import clock
from .errors import Problem
from .health import facts, judge
from .health.verdict import span
from .store.database import DatabaseError, Store, database_path, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Any

_NOT_SCHEDULED = """
SELECT substr(section, 9), max(CASE key WHEN 'reason' THEN value END) FROM settings
WHERE section >= 'metrics/' AND section < 'metrics0' AND key IN ('scheduled', 'reason')
GROUP BY section HAVING max(CASE key WHEN 'scheduled' THEN value END) = 0
"""
# The last run with values of each metric: its first few values, in the order the collector gave them.
_LAST_VALUES = """
SELECT jobs.metric, series.name, series.tags, value.value
FROM jobs JOIN runs ON runs.id = jobs.values_run JOIN json_each(runs.packed) AS value
JOIN series ON series.shape = runs.shape AND series.position = value.key
WHERE jobs.job = 'collect' AND value.type <> 'null'
ORDER BY jobs.metric, value.key
"""
# A line has room for this many.
VALUES_SHOWN = 2


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    store = Store(options.database)
    try:
        now = clock.now()
        found = facts.read(store)
        report = judge.report(found, now)
        connection = store.reading()
        not_scheduled = dict(connection.execute(_NOT_SCHEDULED).fetchall())
        values = _last_values(connection)
        connection.close()
    except (Problem, DatabaseError) as caught:
        failed = caught if isinstance(caught, Problem) else problem(caught, options.database)
        print(f"belabox-metrics status: {failed}", file=sys.stderr)
        return failed.exit_code
    if options.json:
        print(json.dumps({**report, "not_scheduled": not_scheduled}, indent=2))
        return 0
    print(f"{report['status']}  belabox-metrics {report['version']}, {report['timestamp']}")
    print()
    print("\n".join(_metrics(found, report["components"], not_scheduled, values, now)))
    print()
    print("\n".join(_rest(report["components"])))
    return 0


def _metrics(
    found: facts.Facts,
    components: dict[str, Any],
    not_scheduled: dict[str, str],
    values: dict[str, list[str]],
    now: clock.Moment,
) -> list[str]:
    """A line for each metric: state, how old its last run is, some of its values or why there are none."""
    rows = [("METRIC", "STATE", "AGE", "EVERY", "LAST VALUES")]
    for metric in sorted(found.metrics, key=lambda metric: metric.name):
        component = components[f"collector.{metric.name}"]
        stamp = metric.job.last if metric.job else None
        age = stamp.age_ms(now) if stamp else None
        shown = values.get(metric.name, [])
        text = ", ".join(shown[:VALUES_SHOWN]) + (f" and {len(shown) - VALUES_SHOWN} more" if shown[2:] else "")
        if component["status"] != "ok" or not shown:
            text = component["message"]
        shown_age = span(age) if age is not None else "-"
        rows.append((metric.name, component["status"], shown_age, span(metric.interval_ms), text))
    rows += [(name, "off", "-", "-", reason) for name, reason in sorted(not_scheduled.items())]
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[4]]) for row in rows]


def _rest(components: dict[str, Any]) -> list[str]:
    lines = [
        f"{name:<9} {component['status']:<9} {component['message']}"
        for name, component in components.items()
        if not name.startswith("collector.")
    ]
    pending = components["uploader"]["details"]["pending_count"]
    return [*lines, f"{'queue':<19} {pending} samples wait to be sent"]


def _last_values(connection: Connection) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for metric, name, tags, value in connection.execute(_LAST_VALUES):
        labels = ",".join(str(label) for label in json.loads(tags or "{}").values())
        shown = f"{value:.15g}" if isinstance(value, (int, float)) else value
        values.setdefault(metric, []).append(f"{name}{{{labels}}} {shown}" if labels else f"{name} {shown}")
    return values


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="belabox-metrics status", description="Each metric, its last values and their age; upload, storage, time."
    )
    parser.add_argument("--json", action="store_true", help="the document of /health, and what is not scheduled")
    parser.add_argument("--database", default=database_path(), metavar="FILE", help="default: %(default)s")
    return parser
