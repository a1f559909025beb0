"""Variables of the environment, for processes that can't afford `os`.

`os` costs a millisecond to import, half of what a collection costs beyond its database; what lies beneath it, `posix`,
is part of the interpreter. So modules on a collector's path say `import posix as os`, and have no `os.environ`.
"""

from __future__ import annotations

import posix
import sys


def variable(name: str) -> str:
    """The value of a variable, "" where it is not set."""
    os = sys.modules.get("os")
    if os is not None:  # what was set in this process is only known there
        return str(os.environ.get(name, ""))
    return posix.environ.get(name.encode(), b"").decode("utf-8", "surrogateescape")
