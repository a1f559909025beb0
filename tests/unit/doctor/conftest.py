"""A box to examine: an installation below a folder, with a systemd that answers what it is told to."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from belabox_metrics import clock
from belabox_metrics.doctor import command, places
from belabox_metrics.doctor.box import TREE, Box
from belabox_metrics.doctor.finding import OK
from belabox_metrics.sample import Sample
from belabox_metrics.schedule.manager import Manager
from belabox_metrics.store import runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

ROOT = Path(__file__).parents[3]
CONFIG = """\
device: {id: box}
remote: {url: "%s", enabled: %s}
metrics:
  - {name: cpu.usage, interval: 10s}
"""


class Systemd(Manager):
    """Units that are all well, but for what `tell` has said."""

    def __init__(self) -> None:
        super().__init__()
        self.there = True
        self.told: dict[str, dict[str, str]] = {}
        self.reloaded = 0

    def is_there(self) -> bool:
        return self.there

    def tell(self, unit: str, **properties: str) -> None:
        self.told.setdefault(unit, {}).update(properties)

    def show(self, units: list[str], *properties: str) -> list[dict[str, str]]:
        well = {"ActiveState": "active", "LoadState": "loaded", "UnitFileState": "enabled", "NeedDaemonReload": "no"}
        names = dict.fromkeys([*[name for name in units if "*" not in name], *self.told])
        return [{"Id": name, **well, **self.told.get(name, {})} for name in names]

    def next_runs(self, pattern: str) -> dict[str, int]:
        return {}

    def reload(self) -> None:
        self.reloaded += 1
        for properties in self.told.values():
            properties.pop("NeedDaemonReload", None)

    def start(self, units: list[str]) -> None:
        pass

    stop = restart = start


class Patient:
    """`path` is its root. Everything belongs to whoever runs the tests, who plays all users."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.systemd = Systemd()
        self.config = path / "etc/belabox-metrics/config.yaml"
        self.database = path / "var/lib/belabox-metrics/metrics.db"
        self.library = path / TREE[1:] / "lib"
        self.environment = {"SUDO_USER": "root"}
        for directory, mode in ((self.config.parent, 0o750), (self.database.parent, 0o750)):
            directory.mkdir(parents=True)
            directory.chmod(mode)
        (path / "etc/systemd/system").mkdir(parents=True)
        (path / "usr/bin").mkdir(parents=True)
        for name in ("mmcli", "v4l2-ctl"):
            (path / "usr/bin" / name).write_text("#!/bin/sh\n")
            (path / "usr/bin" / name).chmod(0o755)
        (self.library / "package").mkdir(parents=True)
        (path / TREE[1:]).chmod(0o755)
        (self.library / "package/module.py").write_text("ANSWER = 1\n")
        subprocess.run([sys.executable, "-m", "compileall", "-q", self.library], check=True)
        shutil.copytree(ROOT / "units", path / TREE[1:] / "units")
        shutil.copytree(ROOT / "units", path / "usr/lib/systemd/system")
        self.configure()
        self.collect()

    def configure(self, url: str = "", text: str = "") -> None:
        """Written and applied."""
        self.config.write_text(text or CONFIG % (url, "true" if url else "false"))
        self.config.chmod(0o640)
        box = self.box()
        assert box.configuration is not None
        from belabox_metrics.schedule.apply import Apply

        Apply(box.configuration, str(self.database), str(self.path / "etc/systemd/system"), self.systemd).run()

    def collect(self, metric: str = "cpu.usage", outcome: int = runs.DONE, error: str = "") -> None:
        samples = [Sample("cpu.usage_percent", 1.0, {"core": "all"})] if outcome == runs.DONE else []
        with Store(str(self.database)).writing() as connection:
            run = runs.Run("collect", clock.now(), metric=metric, samples=samples, outcome=outcome, error=error)
            runs.add(connection, run)

    def set_settings(self, *rows: tuple[str, str, int, str | int]) -> None:
        replace_settings(str(self.database), list(rows))

    def sql(self, statement: str) -> None:
        with Store(str(self.database)).writing() as connection:
            connection.execute(statement)

    def box(self) -> Box:
        return Box(str(self.config), str(self.database), str(self.path), self.systemd)

    def findings(self, group: str) -> list[str]:
        """What is not as it should be: `LEVEL WHERE: WHAT`, paths without the root."""
        found = command.examine(self.box(), [group])[group]
        return [f"{finding.level} {finding}".replace(str(self.path), "") for finding in found if finding.level != OK]

    def well(self, group: str) -> str:
        """What is said to be as it should be."""
        return "\n".join(map(str, command.examine(self.box(), [group])[group])).replace(str(self.path), "")

    def repair(self, group: str) -> list[str]:
        return [line.replace(str(self.path), "") for line in command.repair(command.examine(self.box(), [group]))]


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    me, mine = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    monkeypatch.setattr(places, "ACCOUNT", me)
    whole = places.places
    monkeypatch.setattr(places, "places", lambda box: [place._replace(owner=me, group=mine) for place in whole(box)])
    monkeypatch.setattr("belabox_metrics.owner.USER", "no-such-user")
    monkeypatch.setenv("SUDO_USER", "root")
    return Patient(tmp_path)
