"""The configuration as rows in the database, by another than `apply`: for a job that finds a new one without any, and
in the place of those that a card gives back otherwise."""

from __future__ import annotations

import os

from ..errors import ConfigProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.database import Store

DEFAULT_PATH = "/etc/belabox-metrics/config.yaml"


def configuration_path() -> str:
    """Where config.yaml is: what the unit says, or the place the installer makes."""
    return os.environ.get("BELABOX_METRICS_CONFIG") or DEFAULT_PATH


def compile_settings(database: str) -> None:
    """Fill the settings of `database` where it has none. Does nothing without a usable config.yaml: a checkout has
    none, and what is wrong with a present one is for `apply` to say; the collectors have defaults."""
    path = configuration_path()
    if not os.access(path, os.R_OK):
        return
    from ..store.database import Store
    from ..store.instant import Instant

    store = Store(database)
    store.connection()
    with Instant(store) as connection:
        if connection.execute("SELECT 1 FROM settings LIMIT 1").fetchone():
            return
    try:
        put_in_force(store)
    except ConfigProblem:
        return


def put_in_force(store: Store) -> None:
    """Make the settings what the configuration says. Raises ConfigProblem where that can't be used, or `apply` has
    refused it, which looks at more than can be told here."""
    from ..config.configuration import load
    from ..store.compiled import has_been_refused, replace_settings
    from ..store.instant import Instant

    path = configuration_path()
    with Instant(store) as connection:
        if has_been_refused(connection):
            raise ConfigProblem("was refused by apply", where=path, hint="sudo belabox-metrics apply")
    replace_settings(store.path, load(path).settings())
