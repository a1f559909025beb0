"""Is the configuration right, and is it what the jobs work by?"""

from __future__ import annotations

import os

from ..errors import ConfigProblem, Problem, UsageProblem
from ..owner import As
from ..schedule import apply, doubts, programs, secrets
from ..store.compiled import are
from ..store.database import Store
from .finding import note, ok, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .box import Box
    from .finding import Finding

APPLY = "sudo belabox-metrics apply"


def examine(box: Box) -> Iterator[Finding]:
    configuration = box.configuration
    if configuration is None:
        yield from _unusable(box)
        return
    wrong = False
    for check in (secrets.check, programs.check):
        try:
            check(configuration)
        except ConfigProblem as caught:
            wrong = True
            for line in str(caught).split("\n"):
                yield problem(line, hint=f"mend it, then: {APPLY}")
    with As():
        doubted = doubts.of(configuration, box.database)
    for doubt in doubted:
        yield note(doubt.what, doubt.where, doubt.hint)
    with As():
        same = _is_in_force(box)
    if same is None:
        yield note("what the jobs work by can't be read", box.database)
    elif not same:
        yield problem("is not what the jobs work by", box.config, APPLY, lambda: _apply(box))
    elif not wrong:
        yield ok("is right, and is what the jobs work by", box.config)


def _unusable(box: Box) -> Iterator[Finding]:
    fault = box.fault
    if isinstance(fault, ConfigProblem):
        for line in str(fault).split("\n"):
            yield problem(line, hint=f"mend it, then: {APPLY}")
    elif fault is not None:
        yield note(fault.what, fault.where, fault.hint)


def _is_in_force(box: Box) -> bool | None:
    """Whether the database holds what the file says; None when it can't be read, which is told elsewhere."""
    if box.configuration is None or not os.path.exists(box.database):
        return None
    try:
        connection = Store(box.database).reading()
    except Problem:
        return None
    try:
        return are(connection, box.configuration.settings())
    finally:
        connection.close()


def _apply(box: Box) -> str:
    if box.configuration is None:
        raise UsageProblem("there is no configuration to apply", where=box.config)
    done = apply.Apply(box.configuration, box.database, box.place(apply.UNITS), box.manager).run()
    return f"applied {box.config}: {len(done)} changes"
