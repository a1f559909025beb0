"""The job `health`: answer HTTP on the socket that systemd passes, and leave when nobody asks any more.

/health         the whole report; 200 for ok and degraded, 503 for error
/health/live    200 as long as this answers
/health/ready   200 when the report says ok, else 503

`health.path` of the configuration is a second name of /health. places.py has what else there is.
"""

from __future__ import annotations

import os
import sys
import time

from .. import clock, journal
from ..errors import Problem, StoreProblem, UsageProblem
from ..store.database import Store, database_path
from ..store.figures import sizes_at
from . import access, facts, judge
from .answer import document, text
from .http import Server
from .verdict import ERROR, OK

try:
    import _socket as socket
except ImportError:  # as in http.py
    import socket  # type: ignore[no-redef]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .access import Access
    from .answer import Answer
    from .places import Place
    from .request import Request

USAGE = """usage: health [--listen HOST:PORT] [--idle-seconds N] [--database FILE]

Answer /, /health, /health/live and /health/ready on the socket passed by systemd, and leave when idle.

  --listen HOST:PORT  when started by hand: open this socket, as 127.0.0.1:9100 or [::1]:9100
  --idle-seconds N    leave after N seconds without a request (30); 0: stay
  --database FILE     instead of /var/lib/belabox-metrics/metrics.db"""

PATH = "/health"
LONG = "/report/"
IDLE_S = 30.0
# A report is as good for the next thousand requests as for the first.
FRESH_S = 1.0
# sd_listen_fds(3): what is passed begins here.
FIRST_DESCRIPTOR = 3


_LIVE = document(200, {"status": "ok"})


class Report:
    """`status` is ok, degraded or error; `path` the other name of /health; `answers` what is at each path."""

    __slots__ = ("answers", "path", "status")

    def __init__(self, report: dict[str, Any], path: str) -> None:
        self.status = str(report["status"])
        self.path = path
        whole = document(503 if self.status == ERROR else 200, report)
        ready = document(200 if self.status == OK else 503, {"status": self.status})
        self.answers: dict[str, Answer] = {}
        for name in (PATH, path):
            self.answers.update({name: whole, f"{name}/live": _LIVE, f"{name}/ready": ready})


class Responder:
    """Requests to answers, from the database of `store` alone, for whom `access` lets in."""

    def __init__(self, store: Store, access: Access) -> None:
        self._store = store
        self._access = access
        self._report: Report | None = None
        self._fresh_until = 0.0
        # What places made, and until when it is fresh; as many as there are in places.AT.
        self._kept: dict[str, tuple[Answer, float]] = {}
        self._memory: dict[str, object] = {}
        self._told = ""

    def at_hand(self, request: Request) -> Answer | None:
        """What needs no database: who may not ask, that this lives, what was made within a second."""
        refusal = self._access.refusal(request)
        if refusal is not None:
            return refusal
        # Whoever asks whether this lives need not wait for a disk.
        if request.path == f"{PATH}/live" or (self._report and request.path == f"{self._report.path}/live"):
            return _LIVE
        now = time.monotonic()
        if self._report and now < self._fresh_until and request.path in self._report.answers:
            return self._report.answers[request.path]
        answer, until = self._kept.get(request.path, (None, 0.0))
        return answer if now < until else None

    def answer(self, request: Request) -> Answer:
        """What was asked for. Does not fail, whatever the database is."""
        known = self.at_hand(request)
        if known is not None:  # made while this one waited
            return known
        path = request.path
        if path.startswith(PATH):
            return self._current().answers.get(path) or _nothing_here()
        # Whoever asks how the box is does not pay for the rest.
        from . import places

        place = places.found(path)
        if place is None:
            return self._current().answers.get(path) or _nothing_here()
        answer = self._from(place, request)
        if path in places.AT:
            self._kept[path] = answer, time.monotonic() + FRESH_S
        return answer

    def _from(self, place: Place, request: Request) -> Answer:
        from .visit import Visit

        try:
            return place(Visit(self._store, request, self._access, self._memory))
        except Problem as problem:
            return text(503, f"{problem}\n")
        except Exception as bug:
            self._show(bug)
            return text(500, f"this is a bug: {type(bug).__name__}: see journalctl -u 'belabox-*'\n")

    def _current(self) -> Report:
        if self._report is None or time.monotonic() >= self._fresh_until:
            self._report = self._made()
            self._fresh_until = time.monotonic() + FRESH_S
        return self._report

    def _made(self) -> Report:
        try:
            found = facts.read(self._store)
            return Report(judge.report(found, clock.now()), found.limits.path)
        except Problem as known:
            problem = known
        except Exception as bug:
            # Who asks gets an answer, whoever looks after the box the traceback.
            self._show(bug)
            problem = StoreProblem(f"this is a bug: {type(bug).__name__}: {bug}", hint="see journalctl -u 'belabox-*'")
        sizes = sizes_at(self._store.path)
        return Report(judge.report_without_database(problem, sizes, clock.now()), PATH)

    def _show(self, bug: Exception) -> None:
        # Once each, not with every request.
        if self._told != repr(bug):
            self._told = repr(bug)
            sys.excepthook(type(bug), bug, bug.__traceback__)


def takes_long(request: Request) -> bool:
    """Whether what is there is reckoned for many seconds: places.BELOW, which is not loaded for it."""
    return request.path.startswith(LONG)


def _nothing_here() -> Answer:
    from . import places

    known = [*places.AT, *(f"{beginning}..." for beginning in places.BELOW), PATH, f"{PATH}/live", f"{PATH}/ready"]
    return document(404, {"error": f"there is nothing here, but at {', '.join(known)}"})


def main(arguments: list[str]) -> int:
    if "-h" in arguments or "--help" in arguments:
        print(USAGE)
        return 0
    started = time.monotonic()
    try:
        options = parse(arguments)
        listeners = passed() or opened(options["--listen"])
        responder = Responder(Store(options["--database"]), access.read())
        server = Server(listeners, responder.at_hand, responder.answer, takes_long)
        server.serve(float(options["--idle-seconds"]))
    except Problem as problem:
        return journal.failure(problem, job="health")
    seconds = time.monotonic() - started
    journal.record(
        f"{server.answered} requests answered in {seconds:.0f} s",
        priority=journal.INFO,
        job="health",
        count=server.answered,
        duration_ms=f"{seconds * 1000:.1f}",
    )
    return 0


def parse(arguments: list[str]) -> dict[str, str]:
    """The value of each option. Raises UsageProblem."""
    options = {"--database": database_path(), "--idle-seconds": f"{IDLE_S:g}", "--listen": ""}
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name not in options:
            raise UsageProblem(f"unknown argument {argument}", hint="see health --help")
        found = value if equals else next(rest, "")
        if not found:
            raise UsageProblem(f"{name} needs a value", hint="see health --help")
        options[name] = found
    seconds = options["--idle-seconds"]
    if not (seconds.isascii() and seconds.replace(".", "", 1).isdigit()):
        raise UsageProblem(f"--idle-seconds {seconds} is no number of seconds", hint="as in: --idle-seconds 30")
    return options


def passed() -> list[socket.socket]:
    """The listening sockets from systemd, none when it passed none. Raises Problem for what is not one."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = os.environ.get("LISTEN_FDS", "")
    if not (count.isascii() and count.isdigit()):
        return []
    found = []
    for descriptor in range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(count)):
        try:
            os.set_inheritable(descriptor, False)
            listener = socket.socket(fileno=descriptor)
            listening = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        except OSError:
            listening = 0
        if not listening:
            raise Problem(f"descriptor {descriptor} is no listening socket", hint="Accept=no in the socket unit")
        found.append(listener)
    return found


def opened(place: str) -> list[socket.socket]:
    """A listening socket at `HOST:PORT`. Raises UsageProblem for "", Problem when it can't be had."""
    if not place:
        hint = "systemctl start belabox-metrics-health.socket, or by hand: --listen 127.0.0.1:9100"
        raise UsageProblem("no socket was passed", hint=hint)
    host, colon, port = place.rpartition(":")
    if not (colon and port.isascii() and port.isdigit() and int(port) < 65536):
        raise UsageProblem(f"{place} is not HOST:PORT", hint="as in: --listen 127.0.0.1:9100")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), int(port)))
        listener.listen(128)
    except OSError as error:
        raise Problem(f"cannot listen there: {error.strerror or error}", where=place) from error
    return [listener]
