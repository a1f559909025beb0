"""Which devices are recorded: names against patterns, without paying for `re` on every run.

A collector starts anew each time, and importing `re` nearly doubles what that costs. Names hardly ever
change, so what was decided about them is remembered in the collector's state; only a name never seen before
is judged again.
"""

from __future__ import annotations

from zlib import crc32

from .errors import ConfigProblem

# Names remembered. Hosts with more (hundreds of containers) pay for `re`; the state stays small.
REMEMBERED = 64


class Selection:
    """Chooses names: one that an `exclude` pattern matches is out; of the rest all are in when there is no
    `include` pattern, else those that one of them matches.

    A pattern is a regular expression for the **whole** name: `lo` excludes `lo` and leaves `wlo1` alone.
    `memo` is what `remember()` returned last time, "" at first; one that belongs to other patterns is
    ignored."""

    def __init__(self, include: list[str], exclude: list[str], memo: str = "") -> None:
        self._include = include
        self._exclude = exclude
        self._key = f"{crc32(repr((include, exclude)).encode('utf-8', 'backslashreplace')):08x}"
        self._known: dict[str, bool] = {}
        self._asked: dict[str, bool] = {}
        key, *marked = memo.split(" ")
        if key == self._key:
            self._known = {name[1:]: name[0] == "+" for name in marked if name[:1] in ("+", "-")}

    def takes(self, name: str) -> bool:
        """Whether `name` is recorded. Raises ConfigProblem when a pattern is no regular expression."""
        verdict = self._known.get(name)
        if verdict is None:
            verdict = not self._matches(self._exclude, name) and (
                not self._include or self._matches(self._include, name)
            )
            self._known[name] = verdict
        self._asked[name] = verdict
        return verdict

    def remember(self) -> str:
        """The decisions of this run as one line: `KEY +name -name`. Names that are gone are forgotten."""
        marked = [("+" if taken else "-") + name for name, taken in self._asked.items() if " " not in name]
        return " ".join([self._key, *marked[:REMEMBERED]])

    def _matches(self, patterns: list[str], name: str) -> bool:
        import re

        for pattern in patterns:
            try:
                if re.fullmatch(pattern, name):
                    return True
            except (re.error, RecursionError, OverflowError) as fault:
                raise ConfigProblem(f"{pattern!a} is not a regular expression: {fault}") from None
        return False
