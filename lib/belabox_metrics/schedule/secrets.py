"""The secrets that systemd hands to the jobs which talk to the server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..remote import credentials

if TYPE_CHECKING:
    from ..config.configuration import Configuration


def files(configuration: Configuration) -> dict[str, str]:
    """Name of a credential -> file. None where nothing is sent: then nobody needs a secret."""
    if not configuration.uploads:
        return {}
    keys = ("auth.type", "tls.ca_file", "tls.client_certificate", "tls.client_key")
    return credentials.sources(*(configuration.values.text(f"remote.{key}") for key in keys))


def lines(configuration: Configuration) -> str:
    """The lines of [Service] that hand them over, "" for none. Of a path only % means something to systemd there: the
    rest of the line is the path."""
    return "".join(f"LoadCredential={name}:{path.replace('%', '%%')}\n" for name, path in files(configuration).items())


def check(configuration: Configuration) -> None:
    """Raises ConfigProblem when one can't be used: systemd would not even start the unit without the file, and say no
    more than 243/CREDENTIALS. Who may not look into a directory can't tell, and is told nothing."""
    found = credentials.Credentials(files(configuration))
    for name, path in files(configuration).items():
        if not _may_look(path):
            continue
        if name == credentials.TOKEN:
            found.token()
        else:
            found.bytes(name)


def _may_look(path: str) -> bool:
    try:
        os.stat(path)
    except PermissionError:
        return False
    except OSError:
        return True
    return os.access(path, os.R_OK)
