"""The secrets that systemd hands to the jobs which talk to the server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..health.access import CREDENTIAL
from ..remote import credentials

if TYPE_CHECKING:
    from ..config.configuration import Configuration


def files(configuration: Configuration) -> dict[str, str]:
    """Name of a credential -> file. None where nothing is sent: then nobody needs a secret."""
    if not configuration.uploads:
        return {}
    keys = ("auth.type", "tls.ca_file", "tls.client_certificate", "tls.client_key")
    return credentials.sources(*(configuration.values.text(f"remote.{key}") for key in keys))


def health_files(configuration: Configuration) -> dict[str, str]:
    """The same for the health socket."""
    return {CREDENTIAL: configuration.token_file} if configuration.token_file else {}


def health_token(configuration: Configuration) -> str:
    """What others must show to the health socket, "" for none. Raises ConfigProblem where it can't be read."""
    needed = health_files(configuration)
    return credentials.Credentials(needed).line(CREDENTIAL) if needed else ""


def lines(configuration: Configuration) -> str:
    """The lines of [Service] that hand them to the uploader, "" for none."""
    return _lines(files(configuration))


def health_lines(configuration: Configuration) -> str:
    """The same for the health socket."""
    return _lines(health_files(configuration))


def _lines(files: dict[str, str]) -> str:
    # Of a path only % means something to systemd there: the rest of the line is the path.
    return "".join(f"LoadCredential={name}:{path.replace('%', '%%')}\n" for name, path in files.items())


def check(configuration: Configuration, token_file: str = "") -> None:
    """Raises ConfigProblem when one can't be used: systemd would not even start the unit without the file, and say no
    more than 243/CREDENTIALS. Who may not look into a directory can't tell, and is told nothing.

    token_file: what will be TOKEN_FILE, where a box is about to get it."""
    needed = {**files(configuration), **health_files(configuration)}
    if token_file:
        needed = {name: token_file if path == credentials.TOKEN_FILE else path for name, path in needed.items()}
    found = credentials.Credentials(needed)
    for name, path in needed.items():
        if not _may_look(path):
            continue
        if name in (credentials.TOKEN, CREDENTIAL):
            found.line(name)
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
