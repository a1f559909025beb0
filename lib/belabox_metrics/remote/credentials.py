"""Secrets: in which files they are, and what of a file is one.

systemd reads the files as root and hands copies to the jobs that need them (LoadCredential=, systemd.exec(5)), in a
directory that no other unit sees. So the files are for root alone, and no secret is in the database, the environment or
the configuration. Started by hand there is no such directory: then handover.py has read them, or they are read where
they are by whoever may.
"""

from __future__ import annotations

import os

from ..environment import variable
from ..errors import ConfigProblem

# Not a setting: a secret has one place, which the installer makes and nobody but root may read.
TOKEN_FILE = "/etc/belabox-metrics/api-token"  # noqa: S105 - a path, not a secret

# Names of credentials.
TOKEN = "api-token"  # noqa: S105
CA = "ca"
CERTIFICATE = "client-certificate"
KEY = "client-key"

TOKEN_LIMIT = 4096
FILE_LIMIT = 256 * 1024

# Name -> path of a copy, in a process that has given up the right to read the file itself.
handed: dict[str, str] = {}


def sources(auth_type: str, ca_file: str, client_certificate: str, client_key: str) -> dict[str, str]:
    """Name of a credential -> file, for what these settings need."""
    files = {TOKEN: TOKEN_FILE if auth_type != "none" else "", CA: ca_file}
    files.update({CERTIFICATE: client_certificate, KEY: client_key})
    return {name: path for name, path in files.items() if path}


class Credentials:
    """The credentials of `sources()`. Whatever is wrong with one is a ConfigProblem that names the file, and never
    shows what is in it."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def path(self, name: str) -> str:
        """Where this process finds the credential."""
        directory = variable("CREDENTIALS_DIRECTORY")
        if not directory:
            return handed.get(name, self._files[name])
        path = f"{directory}/{name}"
        if not os.path.exists(path):
            raise ConfigProblem(
                "was not handed to this unit", where=self._files[name], hint="run belabox-metrics apply as root"
            )
        return path

    def bytes(self, name: str) -> bytes:
        """The whole file, FILE_LIMIT bytes at most and at least one."""
        where = self._files[name]
        try:
            with open(self.path(name), "rb") as file:
                content = file.read(FILE_LIMIT + 1)
        except OSError as fault:
            hint = "use sudo" if isinstance(fault, PermissionError) else _HOW if name == TOKEN else ""
            raise ConfigProblem(f"can't be read: {fault.strerror}", where=where, hint=hint) from None
        if len(content) > FILE_LIMIT:
            raise ConfigProblem(f"is longer than {FILE_LIMIT // 1024} KB", where=where)
        if not content.strip():
            raise ConfigProblem("is empty", where=where, hint=_HOW if name == TOKEN else "")
        return content

    def token(self) -> str:
        """The one line of the token's file: a token, a password or a value."""
        return self.line(TOKEN)

    def line(self, name: str) -> str:
        """The one line of a file. Printable ASCII: it goes into a header, where a line break would begin another."""
        content = self.bytes(name).rstrip(b"\r\n")
        where = self._files[name]
        if len(content) > TOKEN_LIMIT:
            raise ConfigProblem(f"is longer than {TOKEN_LIMIT} bytes", where=where)
        if not all(0x20 <= byte < 0x7F for byte in content):
            raise ConfigProblem("is not one line of printable ASCII characters", where=where)
        text = content.decode("ascii")
        if text != text.strip():
            raise ConfigProblem("has blanks around the secret", where=where)
        return text


_HOW = "put the token there: sudo ./install.sh --token-file FILE"
