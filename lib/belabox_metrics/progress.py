"""How far a long piece of work is, for a person who waits for it."""

from __future__ import annotations

import sys

BAR = 30
# More steps than these are shown as a percentage.
COUNTED = 1000


class Progress:
    """A bar on the terminal of stderr, nothing where that is none. `steps`: what is to be done, in whatever is
    counted; work of one step needs no bar."""

    def __init__(self, steps: int, wanted: bool = True) -> None:
        self._steps = steps
        self._done = 0
        self._drawn = ""
        self._shows = wanted and steps > 1 and sys.stderr.isatty()

    def step(self) -> None:
        """One more is done."""
        self.reach(self._done + 1)

    def reach(self, done: int) -> None:
        """So much is done in all."""
        self._done = max(0, min(done, self._steps))
        if self._shows:
            bar = "#" * (BAR * self._done // self._steps)
            # Where steps are many their numbers tell nobody anything, and drawing each would take longer than it does.
            share = f"{100 * self._done // self._steps} %"
            count = share if self._steps > COUNTED else f"{self._done} of {self._steps}"
            drawn = f"\r[{bar.ljust(BAR)}] {count}"
            if drawn != self._drawn:
                self._drawn = drawn
                sys.stderr.write(drawn)
                sys.stderr.flush()

    def end(self) -> None:
        """Take the bar away. To be called however the work ends."""
        if self._drawn:
            self._drawn = ""
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
