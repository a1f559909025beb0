"""Records for the journal: one line for a person, fields for a query, an id for each kind of event.

Fields carry the prefix `BELABOX_`, so `journalctl BELABOX_METRIC=cpu.usage` answers. Where stderr is not connected to
the journal (a terminal, a test, another operating system) the same record is readable text on stderr.
"""

from __future__ import annotations

import sys

from .distribution import make_importable
from .environment import variable
from .errors import Problem, TryLater

# Priorities of syslog(3). A unit sets LogLevelMax=notice, which also silences the manager's own three lines for each
# activation; so what people query is a notice, not info.
ERROR = 3
WARNING = 4
NOTICE = 5
INFO = 6

# Message ids; the catalog explains each (journalctl -x).
COLLECTED = "9af5660a324b4ca59f5ccf1f1f0a5ab9"
COLLECTION_FAILED = "3a3ece48027b495f817ffd750db1199a"
SOURCE_SUSPECT = "d074cb16a64948ae84400053a1beabcf"
EVENT = "f2a76c0d9be14d5c8c1e5a3b7049d6e2"
EVENTS_LEFT_OUT = "b81d4f7a06c34e0f9a2b6c5d1e738f94"
UPLOADED = "6f55f71b73bc4ac8a4ec004265d82c8e"
UPLOAD_FAILED = "dadb4c232bef49709d2c501b750a7f0b"
REJECTED = "5d0c8f7e1b0f4c6f9c6d3e4b8a2f7c15"
APPLIED = "d93f29380deb4a3aa5e60fc7e367c322"
CONFIGURATION_REFUSED = "5582e55e2474497da07fb73e030f3fac"
MAINTAINED = "9683c252eec0469bb2017d81c25c53f8"
DROPPED = "a1c7e2f4d0b94c6d8e35b7069f21c4da"
CLOCK_COMPARED = "191076253b2a4f39bc1ab48a63b1ac92"
CLOCK_WRONG = "539220b3d37a4fb48a07c300e656bb8e"
DATABASE_DAMAGED = "6b0f6ad2a5b94b3b8c1d0a8d3f5e7c42"
DATABASE_SALVAGED = "c7e1b5f09a3d4e68b2f4761c0d9ea853"
SETTINGS_MENDED = "e7595aee815f42c99bc68ddd044078b9"
JOB_FAILED = "785e5ef017fc4f17b14b849e7ec200e4"
UNIT_FAILED = "fd8385b631ab4b87bd08c94cd9dc658a"

IDENTIFIER = "belabox-metrics"


def record(message: str, *, priority: int = NOTICE, message_id: str = "", **fields: object) -> None:
    """Write one record. A field `duration_ms=3` becomes `BELABOX_DURATION_MS=3`; None is left out.

    Where the service manager connected stderr to the journal (it sets JOURNAL_STREAM) the record goes there in the
    native protocol, else to stderr as text.
    """
    heard = is_heard()
    if heard and _send(message, priority, message_id, fields):
        return
    # A person at a terminal is told the sentence; who keeps a file of it may want to search the fields.
    kept = {} if sys.stderr.isatty() else fields
    shown = " ".join(f"{key}={value}" for key, value in kept.items() if value not in (None, ""))
    # The <N> prefix is the priority for a manager that reads stderr (sd-daemon(3)); a person need not see it.
    prefix = f"<{priority}>" if heard else ""
    text = f"{prefix}{_one_line(message)}" + (f"  [{_one_line(shown)}]" if shown else "")
    _print(text)


def failure(problem: Problem, *, job: str, message_id: str = JOB_FAILED, again: bool = False, **fields: object) -> int:
    """Record that a job failed in a way a person can mend; the exit code it is to leave with. `again`: as it did the
    last time, which is no news."""
    message = f"{fields.get('metric') or f'belabox-metrics {job}'}: {problem}"
    if not is_heard():
        # To a person the sentence is all there is to say: the fields only repeat it.
        _print(_one_line(message))
        return problem.exit_code
    record(
        message,
        priority=NOTICE if again else WARNING if isinstance(problem, TryLater) else ERROR,
        message_id=message_id,
        job=job,
        error=str(problem),
        error_type=type(problem).__name__,
        **fields,
    )
    return problem.exit_code


def is_heard() -> bool:
    """Whether stderr is the journal. A terminal that a service has opened, as one of a desktop, inherits the variable
    and is none."""
    return bool(variable("JOURNAL_STREAM")) and not sys.stderr.isatty()


def _send(message: str, priority: int, message_id: str, fields: dict[str, object]) -> bool:
    make_importable()
    try:
        # The C part of systemd-python: all of systemd.journal costs 17 ms to import, this half a millisecond.
        from systemd._journal import sendv
    except ImportError:
        return False
    entries = [f"MESSAGE={message}", f"PRIORITY={priority}", f"SYSLOG_IDENTIFIER={IDENTIFIER}"]
    if message_id:
        entries.append(f"MESSAGE_ID={message_id}")
    entries += [f"BELABOX_{key.upper()}={value}" for key, value in fields.items() if value is not None]
    try:
        with _Patience():
            sendv(*[entry.encode("utf-8", "backslashreplace") for entry in entries])
    except OSError:
        return False
    return True


class _Patience:
    """`with _Patience():` a call that waits for journald is interrupted after a second, a later one of this process
    at once: an InterruptedError. One that hangs takes no record when its queue is full, until its watchdog ends it
    after minutes; and a job that waits for it misses the samples that are due meanwhile.

    A Deadline around it goes on. Elsewhere than in the main thread there is none to interrupt.
    """

    seconds = 1.0

    def __enter__(self) -> None:
        # The C part, which is there already: what is around it makes enumerations of its constants.
        import _signal  # type: ignore[import-not-found]

        self._system = _signal
        self._interrupted = False
        try:
            self._previous = _signal.signal(_signal.SIGALRM, self._interrupt)
        except ValueError:
            self._system = None
            return
        # Again and again: the first may come before the call has begun.
        self._left, _ = _signal.setitimer(_signal.ITIMER_REAL, _Patience.seconds, _Patience.seconds)

    def __exit__(self, *_: object) -> None:
        if self._system is None:
            return
        left, _ = self._system.setitimer(self._system.ITIMER_REAL, 0)
        self._system.signal(self._system.SIGALRM, self._previous)
        if self._left:
            passed = _Patience.seconds * (1 + self._interrupted) - left
            self._system.setitimer(self._system.ITIMER_REAL, max(self._left - passed, 0.001))
        if self._interrupted:
            _Patience.seconds = 0.01

    def _interrupt(self, _number: int, _frame: object) -> None:
        self._interrupted = True


def _print(line: str) -> None:
    """What nobody hears is done nevertheless, and is not to be taken for undone."""
    try:  # noqa: SIM105 - contextlib costs a millisecond
        sys.stderr.write(line + "\n")
    except OSError:
        pass


def _one_line(text: str) -> str:
    """Also nothing that a terminal would act on: names of devices and what servers say come by here."""
    line = text.replace("\r", "\\r").replace("\n", " | ")
    if line.isprintable():
        return line
    from .printable import printable

    return printable(line, None)
