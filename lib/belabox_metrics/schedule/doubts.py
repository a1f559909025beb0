"""What a configuration may say and hardly means: nothing of it is refused, all of it is told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..config.alerts import DEFAULTS
from ..config.findings import similar
from ..errors import Problem
from ..remote.credentials import TOKEN_FILE
from ..store.database import DatabaseError, Store
from . import secrets

if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..config.alerts import Alert
    from ..config.configuration import Configuration

# Of letters and digits that nobody chose.
SHORTEST_TOKEN = 16
# What a metric gave when it last gave something. Its module does not know beforehand: series come with what it finds.
_GIVEN = """
SELECT DISTINCT series.name FROM jobs JOIN runs ON runs.id = jobs.values_run JOIN series ON series.shape = runs.shape
WHERE jobs.job = 'collect' AND jobs.metric = ? ORDER BY series.name
"""
_EVER = "SELECT EXISTS (SELECT 1 FROM series WHERE name = ?)"


def of(configuration: Configuration, database: str, token_file: str = TOKEN_FILE) -> list[Problem]:
    """One for each doubt. `database` tells what there is on this box; without one less can be doubted."""
    found = _credentials(configuration, token_file) + _page_token(configuration)
    try:
        connection = Store(database).reading()
    except Problem:
        return found
    try:
        for alert in configuration.alerts:
            found += _alert(alert, connection)
    except DatabaseError:
        pass  # whoever must read it will say so
    finally:
        connection.close()
    return found


def _credentials(configuration: Configuration, token_file: str) -> list[Problem]:
    """A token that nobody shows is the usual reason of a 401."""
    if not configuration.uploads or configuration.values.text("remote.auth.type") != "none":
        return []
    try:
        if not os.stat(token_file).st_size:
            return []
    except OSError:
        return []
    what = f"is not set, so what is in {token_file} is not shown to the server"
    return [Problem(what, where="remote.auth", hint="if the server answers 401: auth: {type: bearer_token}")]


def _page_token(configuration: Configuration) -> list[Problem]:
    """Guesses are slowed, but not for good (health/guesses.py). Who may not read it can't tell."""
    try:
        length = len(secrets.health_token(configuration))
    except Problem:
        return []
    if not 0 < length < SHORTEST_TOKEN:
        return []
    what = f"what is in {configuration.token_file} has {length} characters, which can be guessed in time"
    hint = f"head -c 24 /dev/urandom | base64 | sudo install -m 600 /dev/stdin {configuration.token_file}"
    return [Problem(what, where="health.token_file", hint=hint)]


def _alert(alert: Alert, connection: Connection) -> list[Problem]:
    """Those that come with the program are right, and wait for a source that this box may not have."""
    shipped = {series for known in DEFAULTS if known.metric == alert.metric for series in (known.series, known.of)}
    if not alert.enabled:
        return []
    given = [str(name) for (name,) in connection.execute(_GIVEN, (alert.metric,))]
    found = []
    for key, series in (("series", alert.series), ("of", alert.of)):
        if not given or not series or series in shipped or connection.execute(_EVER, (series,)).fetchone()[0]:
            continue
        what = f"{alert.metric} has never had a series {series}: such an alert is not raised"
        hint = similar(series, given) or f"it has {', '.join(given[:5])}"
        found.append(Problem(what, where=f"alerts.{alert.name}.{key}", hint=hint))
    return found
