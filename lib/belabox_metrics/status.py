"""The command `status`: one screen about this box."""

from __future__ import annotations

import argparse
import json
import sys

from . import alert, clock
from .errors import Problem
from .health import facts, judge
from .health.verdict import OK, span
from .printable import printable
from .quantity import shown
from .store.database import DatabaseError, Store, database_path, problem
from .store.runs import DONE, FAILED

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
_ALERTS = "SELECT metric, alerts FROM jobs WHERE job = 'collect' AND alerts IS NOT NULL ORDER BY metric"
# A line has room for this many.
VALUES_SHOWN = 2
# What becomes of a metric: it has values; it has none, which is an answer; its last run failed; it has not run when it
# was due; nobody asked for it.
LIVE, ABSENT, FAILING, LATE, OFF = "ok", "absent", "failing", "late", "off"


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
        alerts = _alerts(connection)
        connection.close()
    except (Problem, DatabaseError) as caught:
        failed = caught if isinstance(caught, Problem) else problem(caught, options.database)
        print(f"belabox-metrics status: {failed}", file=sys.stderr)
        return failed.exit_code
    components = report["components"]
    states = {metric.name: _state(metric, components[f"collector.{metric.name}"], now) for metric in found.metrics}
    if options.json:
        states.update(dict.fromkeys(not_scheduled, OFF))
        alerts_raised = [{"alert": name, "metric": metric, "since_ms": since} for name, metric, since in alerts]
        more = {"not_scheduled": not_scheduled, "states": states, "alerts_raised": alerts_raised}
        print(json.dumps({**report, **more}, indent=2))
        return 0
    print(f"{report['status']}  belabox-metrics {report['version']}, {report['timestamp']}")
    for name, metric, since_ms in alerts:
        print(f"alert  {name} of {metric}, for {_rounded(max(0, now.wall_ms - since_ms))}")
    print()
    for line in (*_metrics(found, states, components, not_scheduled, values, now), "", *_rest(components)):
        print(printable(line, None))
    return 0


def _state(metric: facts.Metric, component: dict[str, Any], now: clock.Moment) -> str:
    job = metric.job
    if component["status"] != OK:
        return FAILING if job and job.outcome == FAILED and _age_ms(metric, now) is not None else LATE
    # Nothing is known of this boot until the first run in it.
    return LIVE if job and job.outcome == DONE and _age_ms(metric, now) is not None else ABSENT


def _age_ms(metric: facts.Metric, now: clock.Moment) -> int | None:
    """Since its last run, None when there is none in this boot."""
    return metric.job.last.age_ms(now) if metric.job and metric.job.last else None


def _metrics(
    found: facts.Facts,
    states: dict[str, str],
    components: dict[str, Any],
    not_scheduled: dict[str, str],
    values: dict[str, list[str]],
    now: clock.Moment,
) -> list[str]:
    """A line for each metric: state, how old its last run is, some of its values or why there are none."""
    rows = [("METRIC", "STATE", "AGE", "EVERY", "LAST VALUES")]
    for metric in sorted(found.metrics, key=lambda metric: metric.name):
        state, age = states[metric.name], _age_ms(metric, now)
        told = values.get(metric.name, [])
        text = ", ".join(told[:VALUES_SHOWN])
        text += f" and {len(told) - VALUES_SHOWN} more" if len(told) > VALUES_SHOWN else ""
        if state == LIVE and not told:
            text = "no value yet: some need two runs"
        elif state != LIVE:
            # The state has said that already.
            text = components[f"collector.{metric.name}"]["message"]
            text = text.replace("the last run failed: ", "", 1).replace("no data: ", "", 1)
        rows.append((metric.name, state, "-" if age is None else _rounded(age), span(metric.interval_ms), text))
    rows += [(name, OFF, "-", "-", reason) for name, reason in sorted(not_scheduled.items())]
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[4]]) for row in rows]


def _rounded(ms: int) -> str:
    """A length of time in whole seconds: in a column of them `7637 ms` is no help."""
    return span(ms // 1000 * 1000)


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
        said = shown(name, value)
        values.setdefault(metric, []).append(f"{name}{{{labels}}} {said}" if labels else f"{name} {said}")
    return values


def _alerts(connection: Connection) -> list[tuple[str, str, int]]:
    """(alert, metric, since when in Unix ms) of those that are on."""
    return [
        (name, metric, spell.wall_ms)
        for metric, memory in connection.execute(_ALERTS)
        for name, spell in alert.raised(str(memory)).items()
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="belabox-metrics status",
        description="Alerts that are on; each metric (ok, absent, failing, late or off), its last values and their age,"
        " or why there are none; upload, storage, time.",
    )
    parser.add_argument("--json", action="store_true", help="the document of /health, the states and alerts")
    parser.add_argument("--database", default=database_path(), metavar="FILE", help="default: %(default)s")
    return parser
