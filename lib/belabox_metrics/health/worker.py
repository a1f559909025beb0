"""A thread that asks the database, so that the server waits for no answer.

It is started when there is something to do and ends when there is not: between requests the process has one thread.
"""

from __future__ import annotations

import _thread
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from .answer import Answer
    from .request import Request


class Task:
    """One request that somebody waits for; `answer` None until it was made."""

    __slots__ = ("answer", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: Answer | None = None


class Worker:
    """`make` must not fail. `most`: how many may wait for the one that is made. `descriptor` becomes readable when
    done() has something."""

    def __init__(self, make: Callable[[Request], Answer], most: int) -> None:
        self._make = make
        self._most = most
        self._lock = _thread.allocate_lock()
        self._waiting: list[Task] = []
        self._done: list[Task] = []
        self._at_work = False
        # Not pipe2(2), which a Mac lacks. Python closes both in programs that this one starts.
        self.descriptor, self._bell = os.pipe()
        for end in (self.descriptor, self._bell):
            os.set_blocking(end, False)

    def give(self, task: Task) -> bool:
        """Have it answered, after those that were given before; False where there are too many of these."""
        with self._lock:
            if len(self._waiting) >= self._most:
                return False
            self._waiting.append(task)
            if self._at_work:
                return True
            self._at_work = True
        try:
            _thread.start_new_thread(self._work, ())
        except RuntimeError:  # no memory for another: then everybody waits
            self._work()
        return True

    def forget(self, task: Task) -> None:
        """Nobody waits for it any more."""
        with self._lock:
            if task in self._waiting:
                self._waiting.remove(task)

    def done(self) -> list[Task]:
        """Those that were answered since the last time."""
        os.read(self.descriptor, 4096)
        with self._lock:
            found, self._done = self._done, []
        return found

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._at_work = False
                    return
                task = self._waiting.pop(0)
            task.answer = self._make(task.request)
            with self._lock:
                self._done.append(task)
                if len(self._done) == 1:
                    os.write(self._bell, b".")
