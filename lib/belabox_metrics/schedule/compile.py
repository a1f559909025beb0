"""The configuration as rows in the database, for a job that finds a new database without any."""

from __future__ import annotations

import os

from ..errors import ConfigProblem

DEFAULT_PATH = "/etc/belabox-metrics/config.yaml"


def configuration_path() -> str:
    """Where config.yaml is: what the unit says, or the place the installer makes."""
    return os.environ.get("BELABOX_METRICS_CONFIG") or DEFAULT_PATH


def compile_settings(database: str) -> None:
    """Fill the settings of `database`. Does nothing without a usable config.yaml: a checkout has none, and what is
    wrong with a present one is for `apply` to say; the collectors have defaults."""
    path = configuration_path()
    if not os.access(path, os.R_OK):
        return
    from ..config.configuration import load
    from ..store.settings import replace_settings

    try:
        rows = load(path).settings()
    except ConfigProblem:
        return
    replace_settings(database, rows)


def compile_again(database: str) -> None:
    """The same where the settings are there and not what was compiled. Raises Problem where the configuration is broken
    by now, or the database can't be read, DatabaseError too."""
    from ..store.database import Store
    from ..store.settings import are_whole, replace_settings

    connection = Store(database).reading()
    try:
        if are_whole(connection):
            return
    finally:
        connection.close()
    from ..config.configuration import load

    replace_settings(database, load(configuration_path()).settings())
