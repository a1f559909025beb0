"""A bound in time on a piece of work that blocks in the kernel, however it blocks."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any, Callable


class Deadline:
    """`with Deadline(seconds, error):` raises what `error()` returns when the block takes longer.

    By SIGALRM, in the main thread: a signal is the only thing that ends a blocked flock(2), and the only one that does
    not start anew with each byte a slow server sends.
    """

    def __init__(self, seconds: float, error: Callable[[], Exception]) -> None:
        self._seconds = seconds
        self._error = error
        self._previous: Any = None

    def __enter__(self) -> None:
        # Not at the top: it costs half of what a collection does, and hardly any has to wait.
        import signal

        self._previous = signal.signal(signal.SIGALRM, self._too_late)
        signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import signal

        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._previous)

    def _too_late(self, _number: int, _frame: FrameType | None) -> None:
        raise self._error()
