"""`apply`: make the schedule and the settings what the configuration says.

In this order: validate, store the settings, stop what is gone, write unit files, reload, start what is new or changed.
Each step looks at what is there, so an apply that was interrupted is finished by the next one. Timers that did not
change are not touched: their cadence goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from .. import clock, journal
from ..config.configuration import load
from ..config.overrides import DEFAULTS_FILE
from ..errors import ConfigProblem, Problem
from ..owner import As
from ..remote.credentials import TOKEN_FILE
from ..store import link, runs
from ..store.checkpoint import write_out
from ..store.compiled import REFUSED, replace_settings
from ..store.database import DatabaseError, Store, database_path, problem
from . import programs, secrets, units
from .compile import configuration_path
from .lock import exclusive
from .manager import Manager
from .tree import TIMERS, Tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..config.configuration import Configuration
    from .manager import State
    from .tree import Difference

UNITS = "/etc/systemd/system"


def main(argv: Sequence[str], manager: Manager | None = None) -> int:
    """The exit code; `manager` is the running systemd unless a test brings its own."""
    options = _parser().parse_args(argv)
    manager = manager or Manager()
    # What is saved from here on is another one.
    before = _identities(options.config)
    code = _apply(options, manager)
    if not options.dry_run:
        # What was put into an image is applied once more by the systemd that runs it.
        Tree(options.units).note_applied(before if code == 0 and manager.is_there() else "")
    return code


def _identities(configuration: str) -> str:
    """Of what belabox-metrics-apply.path watches, a line for each file that there is, as its service has stat(1) print
    them: another one after every save."""
    return "".join([_identity(path) for path in (configuration, TOKEN_FILE, DEFAULTS_FILE)])


def _identity(path: str) -> str:
    try:
        found = os.stat(path)
    except OSError:
        return ""
    seconds, nanoseconds = divmod(found.st_ctime_ns, 10**9)
    return f"{path} {found.st_ino} {seconds}.{nanoseconds:09}\n"


def _apply(options: argparse.Namespace, manager: Manager) -> int:
    try:
        configuration = load(options.config)
        secrets.check(configuration)
        programs.check(configuration)
        # Not $BELABOX_METRICS_DATABASE: this job's own unit has it from the configuration before this one.
        database = options.database or configuration.database
        apply = Apply(configuration, database, options.units, manager)
        done = apply.preview() if options.dry_run else apply.run()
    except (Problem, DatabaseError) as caught:
        where = options.database or database_path()
        failed = problem(caught, where)
        if not options.dry_run:
            _remember(where, failed)
        return _refused(failed)
    if _for_a_person():
        print("\n".join(done))
    elif not options.dry_run:
        changes = len(apply.difference.write) + len(apply.difference.remove)
        message = f"configuration applied: {len(apply.timers)} timers, {changes} changes in {options.units}"
        journal.record(message, message_id=journal.APPLIED, job="apply", count=changes, changes="\n".join(done))
    return 0


class Apply:
    """One apply of a configuration. `timers` are those that are to run; `difference` is what has to change."""

    def __init__(self, configuration: Configuration, database: str, directory: str, manager: Manager) -> None:
        self._configuration = configuration
        self._database = database
        self._manager = manager
        self._tree = Tree(directory)
        self._texts = units.render(configuration, manager.version())
        self._wanted = units.wanted(configuration)
        self.timers = units.timer_names(configuration)
        self.difference: Difference = self._tree.compare(self._texts, self._wanted)

    def preview(self) -> list[str]:
        """What run() would change, a line each."""
        return _lines(self.difference, "would ") or ["nothing would change"]

    def run(self) -> list[str]:
        """What was done, a line each. Raises Problem where it could not be finished; the next apply will."""
        with exclusive(self._tree.directory):
            # Another one may have been at work since.
            self.difference = self._tree.compare(self._texts, self._wanted)
            # First, since it proves that the jobs can have their database where storage.path says: if not, nothing else
            # has changed.
            self._store()
            states = self._look()
            done = self._stop(states)
            before = self._tree.text(units.SOCKET_DROP_IN)
            self._tree.change(self.difference, self._texts)
            done += _lines(self.difference, "")
            changed = self._tree.pending() | {unit for unit, state in states.items() if state.stale}
            if changed and self._manager.is_there():
                self._manager.reload()
            done += self._start(states, changed, before)
            self._tree.done()
            return done or ["nothing to change"]

    def _look(self) -> dict[str, State]:
        if not self._manager.is_there():
            return {}
        return self._manager.look([units.TARGET, *units.OPTIONAL, units.HEALTH_SERVICE, *TIMERS, *self.timers])

    def _stop(self, states: dict[str, State]) -> list[str]:
        """Before its file is removed: a timer that a reload finds without one becomes a failed unit."""
        active = _active(states)
        gone = [unit for unit in active if unit not in self._wanted and self._is_ours(unit)]
        if units.SOCKET in gone and units.HEALTH_SERVICE in active:
            gone.append(units.HEALTH_SERVICE)
        self._manager.stop(gone)
        return [f"stopped {unit}" for unit in gone]

    def _is_ours(self, unit: str) -> bool:
        timer = any(fnmatchcase(unit, pattern) for pattern in TIMERS) and not self._tree.is_foreign(unit)
        return timer or unit in units.OPTIONAL

    def _store(self) -> None:
        with As():
            replace_settings(self._database, self._configuration.settings())
            with Store(self._database).writing() as connection:
                # From this run on samples are due: /health forgives what was not scheduled before.
                # What was refused before is forgotten.
                runs.add(connection, runs.Run("apply", clock.now(), priority=3, state=""))
                # Another URL or another token is tried at once, whatever the last one's failures ask for.
                link.forget(connection)
            # As the units that are made next are, so that a power cut leaves both or is seen to at the next start.
            write_out(self._database)

    def _start(self, states: dict[str, State], changed: set[str], before: str | None) -> list[str]:
        """`before`: what the drop-in of the socket said until now."""
        if not self._manager.is_there():
            return ["systemd is not running here: nothing was reloaded or started"]
        touched = changed | {path.partition(".d/")[0] for path in changed if ".d/" in path}
        active = _active(states)
        again = [unit for unit in self._wanted if unit in active and unit in touched]
        stopping = []
        if units.HEALTH_SERVICE in active and touched != changed:
            # It stays for a while after each request, and would go on with what it started with.
            stopping.append(units.HEALTH_SERVICE)
        if units.SOCKET in again:
            # A socket can't be started while its service runs: both go before it comes back.
            stopping.append(units.SOCKET)
        self._manager.stop(stopping)
        if units.TARGET not in active:
            return [f"{units.TARGET} is not active: nothing was started"]
        masked = {unit for unit, state in states.items() if state.masked}
        new = [unit for unit in self._wanted if unit not in active and unit not in masked]
        self._manager.restart([unit for unit in again if unit != units.SOCKET])
        self._manager.start(new)
        if units.SOCKET in again:
            self._move_socket(before)
        return [f"restarted {unit}" for unit in again] + [f"started {unit}" for unit in new]

    def _move_socket(self, before: str | None) -> None:
        """To its new address. Where that can't be had, back to the old one: whoever asks there is not to go without an
        answer because of a port that is taken."""
        try:
            self._manager.restart([units.SOCKET])
        except Problem as problem:
            self._tree.put_back(units.SOCKET_DROP_IN, before)
            self._manager.reload()
            self._manager.start([units.SOCKET])
            raise Problem(
                f"{self._configuration.listen} can't be had: {problem.what}",
                where="health.listen",
                hint="it stays where it was; ss -ltnp tells whose port it is",
            ) from problem


def _active(states: dict[str, State]) -> list[str]:
    return [unit for unit, state in states.items() if state.active]


def _lines(difference: Difference, would: str) -> list[str]:
    write, remove = ("write", "remove") if would else ("wrote", "removed")
    lines = [f"{would}{write} {path}" for path in difference.write]
    lines += [f"{would}{remove} {path}" for path in difference.remove]
    return lines + [f"left {path} as it is: apply did not write it" for path in difference.foreign]


def _for_a_person() -> bool:
    """Whether this was started by hand, not by a unit: a record with fields is for the journal alone."""
    return not journal.is_heard()


def _remember(database: str, failed: Problem) -> None:
    """Leave a failed run for /health and status. A configuration that can't be used can't tell where the database is:
    it is where it was. One that is not there, or is at fault itself, has nothing to remember with."""
    if not os.path.isfile(database):
        return
    first, *more = str(failed).split("\n")
    error = f"{first} (and {len(more)} more)" if more else first
    with contextlib.suppress(Problem, DatabaseError), As(), Store(database).writing() as connection:
        state = REFUSED if isinstance(failed, ConfigProblem) else ""
        runs.add(connection, runs.Run("apply", clock.now(), outcome=runs.FAILED, priority=3, state=state, error=error))


def _refused(failed: Problem) -> int:
    if _for_a_person():
        print(failed, file=sys.stderr)
        return failed.exit_code
    refused = isinstance(failed, ConfigProblem)
    message_id = journal.CONFIGURATION_REFUSED if refused else journal.JOB_FAILED
    return journal.failure(failed, job="apply", message_id=message_id)


def _parser() -> argparse.ArgumentParser:
    what = "Make timers and settings what the configuration says. One with a mistake changes nothing."
    default = "default: %(default)s"
    epilog = "Example: sudo belabox-metrics apply --dry-run"
    parser = argparse.ArgumentParser(prog="belabox-metrics apply", description=what, epilog=epilog)
    parser.add_argument("--config", metavar="FILE", default=configuration_path(), help=default)
    parser.add_argument("--units", metavar="DIR", default=UNITS, help=f"where timers go, {default}")
    parser.add_argument("--database", metavar="FILE", help="default: storage.path of the configuration")
    parser.add_argument("--dry-run", action="store_true", help="tell what would change, change nothing")
    return parser
