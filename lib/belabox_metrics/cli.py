"""The command `belabox-metrics`: one word chooses the program, the rest is its own command line."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from . import __version__
from .errors import ConfigProblem
from .owner import As

# word: (module with a main(arguments), what it does)
COMMANDS = {
    "status": ("status.command", "each metric, its last value and age; queue, upload, storage"),
    "doctor": ("doctor.command", "what is wrong with this box, and what to do about it"),
    "check": ("schedule.check", "validate a configuration file and show the schedule it makes"),
    "apply": ("schedule.apply", "make timers and settings what config.yaml says (root)"),
    "collect": ("collect", "collect one metric now"),
    "query": ("query.command", "what a metric was: a table and plots"),
    "sessions": ("sessions", "the streams of this box: when, how long, how they ended"),
    "report": ("report.command", "one stream, explained: what went wrong, when, and what came before"),
    "export": ("export.command", "what is stored, as lines or a table for other programs"),
    "snapshot": ("export.snapshot", "a copy of the database, made while everything goes on"),
    "import": ("takeover", "bring in what a database of the Go system still holds"),
    "upload": ("upload.uploader", "send what is pending now"),
    "verify": ("verify.command", "is everything that was sent on the server?"),
    "receiver": ("receiver.command", "a server for trying uploads out"),
}
# They write into the database, and may make it.
WRITERS = ("collect", "import", "upload", "verify")
# They may need secrets that only root can read.
SENDERS = ("upload", "verify")
USAGE = 2
# For install.sh and the completion of bash.
MANUAL = "_manual"


def main(arguments: list[str]) -> int:
    word, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if word in ("-h", "--help", "help"):
        print(_help())
        return 0
    if word == "--version":
        print(f"belabox-metrics {__version__}")
        return 0
    if word == MANUAL:
        from .manual import command

        _find_database()
        return command.main(rest)
    if word not in COMMANDS:
        print(f"belabox-metrics: there is no command {word!r}, see belabox-metrics --help", file=sys.stderr)
        return USAGE
    _find_database()
    if word in SENDERS and os.geteuid() == 0:
        _hand_over_secrets()
    module = import_module(f".{COMMANDS[word][0]}", __package__)
    if word not in WRITERS:
        return int(module.main(rest))
    # A database that root made, or its lock, would shut the jobs out.
    with As():
        return int(module.main(rest))


def _find_database() -> None:
    """What apply tells the units by a drop-in, a person's shell does not know: where storage.path has put the
    database. Whoever may not read the configuration, or has broken it, gets the usual place."""
    from .schedule.compile import configuration_path

    if "BELABOX_METRICS_DATABASE" in os.environ or not os.access(configuration_path(), os.R_OK):
        return
    from .config.configuration import load

    try:
        os.environ["BELABOX_METRICS_DATABASE"] = load(configuration_path()).database
    except ConfigProblem:
        return


def _hand_over_secrets() -> None:
    """While this is still root, for what goes on as the user of the jobs."""
    from .config.configuration import load
    from .remote.handover import hand_over
    from .schedule import secrets
    from .schedule.compile import configuration_path

    try:
        hand_over(secrets.files(load(configuration_path())))
    except ConfigProblem:
        return  # told by who needs it


def _help() -> str:
    lines = [f"  {word:<9}{what}" for word, (_, what) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: belabox-metrics COMMAND [OPTION...]",
            "",
            *lines,
            "",
            "belabox-metrics COMMAND --help tells more. Exit codes: 0 done, 1 failed, 2 usage,",
            "75 try again later, 78 configuration.",
        ]
    )
