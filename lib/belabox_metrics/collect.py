"""The job `collect`: one metric, once. Read the source, store the run, tell the journal, leave."""

from __future__ import annotations

import posix as os  # as environment.py says
import sys
import time

from . import clock, journal
from .distribution import make_importable
from .environment import variable
from .errors import Damaged, NoData, Problem, SourceProblem, Unwritable, UsageProblem
from .sample import canonical
from .source import is_directory
from .store import runs
from .store.database import DatabaseError, Store, database_path, problem
from .store.runs import CRITICAL, HIGH, NORMAL
from .store.settings import first, section
from .world import World, defaults

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from types import ModuleType
    from typing import Any

    from .alert import Verdict
    from .clock import Moment
    from .event import Event
    from .sample import Sample
    from .store.settings import Value
    from .world import Reading

    Fields = dict[str, Any]

USAGE = """usage: belabox-metrics collect METRIC [--dry-run] [--root DIR] [--database FILE]

Collect one metric once and store the values.

  --dry-run        print the values, store nothing
  --root DIR       read DIR/proc and DIR/sys instead of /proc and /sys
  --database FILE  instead of /var/lib/belabox-metrics/metrics.db

Example: belabox-metrics collect cpu.temperature --dry-run"""


class Request:
    """What the command line asks for."""

    __slots__ = ("database", "dry_run", "metric", "root")

    def __init__(self, metric: str, root: str, database: str, dry_run: bool) -> None:
        self.metric = metric
        self.root = root.rstrip("/")
        self.database = database
        self.dry_run = dry_run


def main(arguments: list[str], again: bool = False) -> int:
    """`again`: another database was begun since the first try."""
    if "-h" in arguments or "--help" in arguments:
        print(USAGE)
        return 0
    started = time.perf_counter_ns()
    request: Request | None = None
    try:
        request = parse(arguments)
        collector = load(request.metric) or _own(request)
        if request.dry_run:
            return show(collector, request)
        return collect(collector, request, clock.now(), started)
    except (Problem, DatabaseError) as caught:
        failed = problem(caught, request.database if request else database_path())
        metric = request.metric if request else ""
        if isinstance(failed, Unwritable):
            from .refused import refused

            return refused(failed, job="collect", metric=metric, message_id=journal.COLLECTION_FAILED)
        if isinstance(failed, Damaged) and not again and _heal(request):
            return main(arguments, again=True)
        return journal.failure(failed, job="collect", metric=metric or None, message_id=journal.COLLECTION_FAILED)


def _heal(request: Request | None) -> bool:
    """Whether to try again, with another database perhaps. One that a person has named is left as it is."""
    if request is None or request.dry_run or request.database != database_path():
        return False
    from .recover import heal

    try:
        heal(request.database, "collect")
    except Problem as failed:
        journal.failure(failed, job="collect", metric=request.metric, message_id=journal.COLLECTION_FAILED)
        return False
    return True


def parse(arguments: list[str]) -> Request:
    """By hand: argparse would double what a run costs. Raises UsageProblem."""
    words: list[str] = []
    options = {"--root": variable("BELABOX_METRICS_ROOT"), "--database": database_path()}
    dry_run = False
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if argument == "--dry-run":
            dry_run = True
        elif name in options:
            found = value if equals else next(rest, None)
            if not found:
                raise UsageProblem(f"{name} needs a value", hint="see collect --help")
            options[name] = found
        elif argument.startswith("-"):
            raise UsageProblem(f"unknown option {argument}", hint="see collect --help")
        else:
            words.append(argument)
    if len(words) != 1:
        raise UsageProblem("name one metric", hint="as in: collect cpu.usage")
    if options["--root"] and not is_directory(options["--root"]):
        raise UsageProblem("is not a directory", where=options["--root"])
    return Request(words[0], options["--root"], options["--database"], dry_run)


def load(metric: str) -> ModuleType | None:
    """The module of a metric: `cpu.usage` is `collectors.cpu_usage`. None when there is none."""
    name = metric.replace(".", "_")
    module = None
    if name.isascii() and name.isidentifier():
        try:
            module = __import__(f"{__package__}.collectors.{name}", fromlist=["METRIC"])
        except ModuleNotFoundError as error:
            if error.name != f"{__package__}.collectors.{name}":
                raise
    return module if getattr(module, "METRIC", "") == metric else None


def _own(request: Request) -> ModuleType:
    """What collects a metric that is a program of a person's own: one module for all of them.

    Raises UsageProblem when the configuration names no program for it."""
    # Half a surrogate pair is no name, and no text that a database takes.
    if not (request.metric.isprintable() and first(_known_settings(request), "config.exec", "")):
        raise UsageProblem(f"there is no metric {request.metric!r}", hint="belabox-metrics status lists them")
    from .own import collector

    return collector


def collect(collector: ModuleType, request: Request, moment: Moment, started: int) -> int:
    """One collection, stored and recorded whatever becomes of it; the exit code."""
    metric = request.metric
    store = Store(request.database)
    found = _settings(store, metric)
    connection = store.connection()
    outlives_boot = getattr(collector, "OUTLIVES_BOOT", False)
    state, elapsed = runs.remembered(connection, "collect", metric, moment, outlives_boot)
    world = World(request.root, _merged(collector, found), state, elapsed, connection=connection, moment=moment)
    reading: Reading | None = None
    outcome, error = runs.DONE, ""
    bug: Exception | None = None
    try:
        reading = collector.collect(world)
    except NoData as reason:
        outcome, error = runs.NO_DATA, str(reason)
    except Problem as failed:
        outcome, error, bug = runs.FAILED, str(failed), failed
    except Exception as unexpected:
        if isinstance(unexpected, DatabaseError) and isinstance(problem(unexpected, store.path), (Damaged, Unwritable)):
            raise
        outcome, error, bug = runs.FAILED, f"{type(unexpected).__name__}: {unexpected}", unexpected
    # A reading that failed tells nothing about what it did not read.
    verdict = _judge(connection, found, reading, metric, moment) if outcome != runs.FAILED else None
    events = [*(reading.events if reading else []), *(verdict.events if verdict else [])]
    priority, interval_ms = int(first(found, "priority", collector.PRIORITY)), int(first(found, "interval_ms", 0))
    if reading and reading.is_idle:
        priority = max(priority, NORMAL)
    run = runs.Run(
        "collect",
        moment,
        metric=metric,
        samples=reading.samples if reading else None,
        outcome=outcome,
        priority=CRITICAL if verdict and verdict.raised else priority,
        state=reading.state if reading else None,
        error=error,
        duration_us=(time.perf_counter_ns() - started) // 1000,
    )
    try:
        connection, session, stored = _write(store, run, reading, verdict, events)
    except Damaged:
        if not _heal(request):
            raise
        # What was read is kept: read once more, without what was remembered, it would be less.
        store = Store(request.database)
        connection, session, stored = _write(store, run, reading, verdict, events)
    # A run without a number has nothing that could be sent.
    urgent = [run.priority] if run.size else []
    try:  # noqa: SIM105 - contextlib costs a millisecond
        _wake(connection, min([*urgent, *[event.priority for event in events]], default=NORMAL), interval_ms, moment)
    except (DatabaseError, Damaged):  # the run is stored, not to be once more; who comes next says what is the matter
        pass
    duration = f"{(time.perf_counter_ns() - started) / 1e6:.1f}"
    fields: Fields = {"job": "collect", "metric": metric, "duration_ms": duration, "session_id": session}
    if events:
        from .announce import announce

        announce(events, stored, fields)
    return _tell(run, reading, bug, fields)


def _write(
    store: Store, run: runs.Run, reading: Reading | None, verdict: Verdict | None, events: list[Event]
) -> tuple[Connection, str, int]:
    """All of a collection in one transaction: (connection, session it belongs to, how many events were stored)."""
    with store.writing() as connection:
        session = runs.add(connection, run)
        stored = _store(connection, events, run.moment) if events else 0
        if reading and reading.session:
            from .store import sessions

            # After the events: it marks what was stored with the session that it belongs to.
            session = sessions.apply(connection, reading.session, run.moment)
        if verdict and verdict.is_news:
            runs.remember_alerts(connection, run.metric, verdict.memory)
    return connection, session, stored


def _judge(
    connection: Connection,
    found: dict[str, list[Value]],
    reading: Reading | None,
    metric: str,
    moment: Moment,
) -> Verdict | None:
    """What the alerts of the metric say; None where it has none, or all is as well as it was."""
    if "alert" not in found:
        return None
    samples = reading.samples if reading else []
    remembered = runs.alerts(connection, metric)
    if not remembered and not _is_beyond(found.get("watch", []), samples):
        return None
    from .alert import judge

    return judge(found["alert"], samples, remembered, moment)


def _is_beyond(watch: list[Value], samples: list[Sample]) -> bool:
    """Whether some value may be beyond a limit. Mostly none is, and to import what judges it costs a tenth of what a
    collection does of its own."""
    for text in watch:
        series, sign, limit = str(text).split(" ")
        for sample in samples:
            value = sample.value
            if sample.name != series or not isinstance(value, (int, float)):
                continue
            if sign == "?" or (value > float(limit) if sign == ">" else value < float(limit)):
                return True
    return False


def _store(connection: Connection, events: list[Event], moment: Moment) -> int:
    from .store.events import add

    return add(connection, events, moment)


def _wake(connection: Connection, priority: int, interval_ms: int, moment: Moment) -> None:
    """After the commit, so that the uploader finds what it is woken for."""
    if priority > HIGH and not runs.retry_has_come(connection, moment):
        return
    from . import wake

    if wake.is_due(connection, priority, interval_ms, moment):
        from .mark import UPLOAD

        UPLOAD.leave()


def _tell(run: runs.Run, reading: Reading | None, bug: Exception | None, fields: Fields) -> int:
    """What became of a stored run, into the journal; the exit code. A bug goes on to be a traceback."""
    metric = run.metric
    if bug is not None:
        if not isinstance(bug, Problem):
            raise bug
        return journal.failure(bug, message_id=journal.COLLECTION_FAILED, count=0, **fields)
    for warning in [*(reading.warnings if reading else []), *run.refused]:
        journal.record(
            f"{metric}: {warning}",
            priority=journal.WARNING,
            message_id=journal.SOURCE_SUSPECT,
            error=warning,
            error_type=SourceProblem.__name__,
            **fields,
        )
    message = f"{metric}: {run.size} samples"
    if run.outcome == runs.NO_DATA:
        message = f"{metric}: no data: {run.error}"
    elif not run.size:
        message += ", there is nothing yet to compare this reading with"
    journal.record(message, message_id=journal.COLLECTED, count=run.size, **fields)
    return 0


def show(collector: ModuleType, request: Request) -> int:
    """Print what a collection would store. A metric made of differences is read twice, a second apart. Names and texts
    are from outside: they do nothing to the terminal."""
    from .printable import printable

    world = World(request.root, _merged(collector, _stored_settings(request)))
    try:
        reading = collector.collect(world)
        if not reading.samples and reading.state:
            time.sleep(1)
            reading = collector.collect(World(request.root, world.settings, reading.state, 1000))
    except NoData as reason:
        print(printable(f"{request.metric}: no data: {reason}", None))
        return 0
    for sample in reading.samples:
        tags = ",".join([f'{key}="{value}"' for key, value in sorted(sample.tags.items())])
        line = f"{sample.name}{{{tags}}} {sample.value}" if tags else f"{sample.name} {sample.value}"
        print(printable(line, None))
    for event in reading.events:
        print(printable(f"event {event.name}{canonical(event.tags)}: {event.text}", None))
    for warning in reading.warnings:
        print(printable(f"{request.metric}: {warning}", None), file=sys.stderr)
    if not reading.samples:
        print(f"{request.metric}: no values yet: the counters stood still")
    return 0


def _settings(store: Store, metric: str) -> dict[str, list[Value]]:
    """The metric's section of the compiled configuration; compiled now if the database is too new to have any."""
    connection = store.connection()
    found = section(connection, f"metrics/{metric}")
    if found or connection.execute("SELECT 1 FROM settings LIMIT 1").fetchone():
        return found
    make_importable()
    from .schedule.compile import compile_settings

    compile_settings(store.path)
    return section(connection, f"metrics/{metric}")


def _known_settings(request: Request) -> dict[str, list[Value]]:
    """The metric's section. A database that is damaged, older or empty is dealt with as any other metric does."""
    if request.dry_run or not os.access(request.database, os.F_OK):
        return _stored_settings(request)
    return _settings(Store(request.database), request.metric)


def _stored_settings(request: Request) -> dict[str, list[Value]]:
    """The metric's section where there is a database with one; none in a checkout."""
    try:
        connection = Store(request.database).reading()
    except Problem:
        return {}
    found = section(connection, f"metrics/{request.metric}")
    connection.close()
    return found


def _merged(collector: ModuleType, found: dict[str, list[Value]]) -> dict[str, object]:
    """The collector's settings: the compiled ones where the section was stored, else its defaults.

    An empty list has no rows, so where the section is there a missing list is an empty one.
    """
    if not found:
        return defaults(collector.SETTINGS)
    return {
        key: found.get(f"config.{key}", []) if kind == "patterns" else first(found, f"config.{key}", default)
        for key, (kind, default) in collector.SETTINGS.items()
    }
