"""The command `query`: the stored samples of a metric, as a table or as JSON lines."""

from __future__ import annotations

import argparse
import json
import sys
import time

from .config.duration import parse
from .config.findings import Unfit
from .errors import Problem, UsageProblem
from .printable import printable
from .store.database import DatabaseError, Store, database_path, problem

# From the view, so that what a person sees here is what SQL shows. The id bounds the search: a run's id is never less
# than its timestamp, and the view's ids are the run's times 4096.
_SAMPLES = """
SELECT timestamp_ms, metric_name, tags, coalesce(metric_value, value_text)
FROM (
    SELECT run.id - run.lead_ms AS timestamp_ms, series.name AS metric_name, series.tags, value.key AS position,
        CASE WHEN value.type <> 'text' THEN value.value END AS metric_value,
        CASE WHEN value.type = 'text' THEN value.value END AS value_text
    FROM runs AS run
    JOIN json_each(run.packed) AS value
    JOIN series ON series.shape = run.shape AND series.position = value.key
    WHERE run.id >= ?1 AND run.id - run.lead_ms >= ?1 AND run.packed IS NOT NULL AND value.type <> 'null'
        AND (run.job IN (SELECT id FROM jobs WHERE metric = ?2) OR series.name = ?2)
)
ORDER BY timestamp_ms, position
"""

# Of a series only what has come at least once: there is no list of all that could.
_SEEN = """
SELECT EXISTS (SELECT 1 FROM settings WHERE section = 'metrics/' || ?1)
    OR EXISTS (SELECT 1 FROM jobs WHERE metric = ?1) OR EXISTS (SELECT 1 FROM series WHERE name = ?1)
"""


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        try:
            since_ms = time.time_ns() // 1_000_000 - parse(options.since)
        except Unfit as error:
            raise UsageProblem(str(error), where="--since", hint="as in: --since 30m") from error
        connection = Store(options.database).reading()
        rows = connection.execute(_SAMPLES, (since_ms, options.metric)).fetchall()
        seen = rows or connection.execute(_SEEN, (options.metric,)).fetchone()[0]
        connection.close()
    except (Problem, DatabaseError) as caught:
        failed = caught if isinstance(caught, Problem) else problem(caught, options.database)
        print(f"belabox-metrics query: {failed}", file=sys.stderr)
        return failed.exit_code
    for timestamp_ms, name, tags, value in rows:
        labels = json.loads(tags or "{}")
        if options.json:
            print(json.dumps({"timestamp_ms": timestamp_ms, "name": name, "tags": labels, "value": value}))
        else:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(timestamp_ms / 1000))
            shown = ",".join(f"{key}={text}" for key, text in labels.items())
            line = f"{stamp}  {name}{{{shown}}}  {value}" if shown else f"{stamp}  {name}  {value}"
            print(printable(line, None))
    if not rows:
        when = f"in the last {options.since}" if seen else "ever: is that its name? belabox-metrics status lists them"
        print(f"no samples of {options.metric} {when}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="belabox-metrics query", description="Show stored samples, oldest first.")
    parser.add_argument("metric", help="a metric (cpu.usage) or one of its series (cpu.usage_percent)")
    parser.add_argument("--since", default="1h", metavar="DURATION", help="how far back, as 30m or 2d (default 1h)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--database", default=database_path(), metavar="FILE", help="default: %(default)s")
    return parser
