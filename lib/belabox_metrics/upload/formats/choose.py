"""From the name of a format to its module; only that one is imported."""

from __future__ import annotations

from ...errors import ConfigProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .format import Format

NAMES = ("victoriametrics", "json", "prometheus-remote-write")


def format_of(name: str) -> type[Format]:
    """The format called `name`. Raises ConfigProblem for a name that is none of NAMES."""
    if name == "victoriametrics":
        from .victoriametrics import Lines

        return Lines
    if name == "json":
        from .document import Document

        return Document
    if name == "prometheus-remote-write":
        from .remote_write import RemoteWrite

        return RemoteWrite
    raise ConfigProblem(f"no such format: {name}", where="remote.format", hint=f"one of {', '.join(NAMES)}")
