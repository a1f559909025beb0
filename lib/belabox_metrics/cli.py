"""The command `belabox-metrics`: one word chooses the program, the rest is its own command line."""

from __future__ import annotations

import sys
from importlib import import_module

from . import __version__

# word: (module with a main(arguments), what it does)
COMMANDS = {
    "status": ("status", "each metric, its last value and age; queue, upload, storage"),
    "check": ("schedule.check", "validate a configuration file and show the schedule it makes"),
    "apply": ("schedule.apply", "make timers and settings what config.yaml says (root)"),
    "collect": ("collect", "collect one metric now"),
    "query": ("query", "the stored samples of a metric"),
    "upload": ("upload.uploader", "send what is pending now"),
}
USAGE = 2


def main(arguments: list[str]) -> int:
    word, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if word in ("-h", "--help", "help"):
        print(_help())
        return 0
    if word == "--version":
        print(f"belabox-metrics {__version__}")
        return 0
    if word not in COMMANDS:
        print(f"belabox-metrics: there is no command {word!r}, see belabox-metrics --help", file=sys.stderr)
        return USAGE
    module = import_module(f".{COMMANDS[word][0]}", __package__)
    return int(module.main(rest))


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
