"""Stands in for systemctl: keeps what it is told in a file and answers from it.

Called as: fake_systemctl.py STATE ARGUMENT...  STATE is JSON: {"units": {NAME: {PROPERTY: VALUE}}, "calls": [[...]],
"fails": [VERB, ...], "dies": [VERB, ...], "version": NUMBER}; at a verb that dies the process that called is killed.
"""

from __future__ import annotations

import fnmatch
import json
import os
import signal
import sys
from pathlib import Path

STATE = Path(sys.argv[1])
state = json.loads(STATE.read_text())
if "--version" in sys.argv:
    print(f"systemd {state['version']} ({state['version']}.1-1)\n+PAM +AUDIT")
    sys.exit()
verb, *words = [word for word in sys.argv[2:] if not word.startswith("-")]
units = state["units"]
state["calls"].append([verb, *words])
if verb == "show":
    named = [name for name in units if any(fnmatch.fnmatchcase(name, word) for word in words)]
    named += [word for word in words if "*" not in word and word not in named]
    blocks = []
    for name in named:
        found = {"Id": name, "ActiveState": "inactive", "LoadState": "loaded", "NeedDaemonReload": "no"}
        found.update(units.get(name, {}))
        blocks.append("".join(f"{key}={value}\n" for key, value in found.items()))
    print("\n".join(blocks), end="")
if verb in state["dies"]:
    STATE.write_text(json.dumps({**state, "dies": []}))
    os.kill(os.getppid(), signal.SIGKILL)
    sys.exit(1)
if verb in state["fails"]:
    STATE.write_text(json.dumps(state))
    print(f"Job for {words[0] if words else verb} failed.", file=sys.stderr)
    sys.exit(1)
if verb == "daemon-reload":
    for unit in units.values():
        unit.pop("NeedDaemonReload", None)
for word in words:
    if verb in ("start", "restart"):
        units.setdefault(word, {})["ActiveState"] = "active"
    if verb == "stop":
        units.setdefault(word, {})["ActiveState"] = "inactive"
STATE.write_text(json.dumps(state))
