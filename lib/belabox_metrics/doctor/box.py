"""What is examined: the places of an installation, its configuration, its systemd."""

from __future__ import annotations

import os
from functools import cached_property

from .. import clock
from ..config.configuration import load
from ..errors import ConfigProblem, Problem
from ..schedule.manager import Manager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config.configuration import Configuration

# Where install.sh puts things.
TREE = "/usr/lib/belabox-metrics"
SHIPPED_UNITS = "/usr/lib/systemd/system"
RENDERED_UNITS = "/etc/systemd/system"
# Seconds that systemd may take to answer.
PATIENCE = 10.0


class Box:
    """`root` goes before the places of the system, "" but in tests; `config` and `database` are whole paths. `fault` is
    why there is no `configuration`."""

    def __init__(self, config: str, database: str, root: str = "", manager: Manager | None = None) -> None:
        self.config = config
        self.database = database
        self.root = root
        self.manager = manager or Manager(patience_s=PATIENCE)
        self.now = clock.now()

    def place(self, path: str) -> str:
        return self.root + path

    @property
    def is_root(self) -> bool:
        return os.geteuid() == 0

    @cached_property
    def configuration(self) -> Configuration | None:
        return self._loaded[0]

    @property
    def fault(self) -> Problem | None:
        return self._loaded[1]

    @cached_property
    def _loaded(self) -> tuple[Configuration | None, Problem | None]:
        try:
            os.close(os.open(self.config, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        except PermissionError:
            # Who may not read it can't tell whether it is right.
            return None, Problem("can't be read by this user", where=self.config, hint="use sudo")
        except OSError:
            pass
        try:
            return load(self.config), None
        except ConfigProblem as problem:
            return None, problem
