"""The way of one activation through its plan: chunk after chunk, and what follows from each answer."""

from __future__ import annotations

import time

from ..errors import ConfigProblem
from ..mark import UPLOAD
from . import answers, mode
from .attempts import AUTO
from .formats.refusal import never_kept
from .sender import CHUNK_BYTES, LONGEST_CHUNK, WHOLE
from .transport import Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..clock import Moment
    from ..errors import Problem
    from ..remote.settings import Remote
    from ..store.flights import Flight
    from ..store.queue import PendingRun
    from .attempts import Attempts
    from .batch import Batch
    from .origin import Origin
    from .pace import Pace
    from .plan import Plan
    from .sender import Sender
    from .transport import Answer

# After an outage, what one activation sends at most: most of what it costs is to have started, and values of one series
# that go together take less than half of the bytes. Of the default batch these are 50 000 numbers, some 250 KB.
BACKLOG_BATCHES = 20
# Together, and with what it takes to connect, less than the unit's TimeoutStartSec=.
BACKLOG_S = 60.0
# While a stream is live the backlog trickles, and a process that waits is memory.
PACED_S = 20.0
# What got no answer so often is perhaps more than the way carries in the time there is, and is sent in two parts. A
# body that passes at 2 kbit/s within half a minute, its headers too, is not at fault.
TRIES_WHOLE = 2
# Where an answer had begun it is not; but nothing is tried the same way for ever.
TRIES_BEGUN = 20
EASY_BYTES = 4 * 1024
# A server that refuses so many single samples, and accepts none, refuses everything.
SUSPECTS = 3
# Critical, high, and the rest.
URGENCIES = (0, 1, 2)
# Of a run whose shape a card gave back otherwise.
NAMELESS = "its series are not known"
# How often a process that waits for its turn looks for something critical.
LOOK_S = 0.2


class Drain:
    """`everything`: by hand, whatever the mode."""

    def __init__(
        self,
        remote: Remote,
        moment: Moment,
        plan: Plan,
        sender: Sender,
        attempts: Attempts,
        pace: Pace,
        batch: Batch,
        everything: bool,
    ) -> None:
        self._remote = remote
        self._moment = moment
        self._plan = plan
        self._sender = sender
        self._attempts = attempts
        self._pace = pace
        self._batch = batch
        self._everything = everything
        self._suspects: list[tuple[Flight, Answer]] = []
        self._rest_sent = 0
        self._until = time.monotonic() + BACKLOG_S
        self._is_behind = plan.is_behind()
        # While little waits, a batch is what the documents say it is. Who asks for everything asks for time.
        batches = BACKLOG_BATCHES if self._is_behind else 1
        self._most = WHOLE if everything else remote.batch_size * batches

    def run(self) -> None:
        """Send until nothing is left, or the time is up. Raises Unreachable, BusyServer or Refused; what was accepted
        until then stays so."""
        while self._batch.samples < self._most and time.monotonic() < self._until:
            flight = self._next()
            if flight is None:
                break
            paced = flight.backlog is not None and self._pace.limited
            self._send(flight, paced)
            if paced and not self._wait_for_turn():
                break
            if UPLOAD.is_left():
                UPLOAD.remove()
                self._plan.look_again()
        if self._suspects:
            self._refuse(self._suspects[0][1])

    def _next(self) -> Flight | None:
        """The next chunk; None for nothing more.

        Looks no longer than the activation has: what is set aside takes its time too.

        What is under way goes before the rest of its kind, but not before what is more urgent: it may be more than the
        way can carry today, and would hold that up each time."""
        for urgency in URGENCIES:
            for flight in self._plan.under_way:
                if _urgency(flight) == urgency and self._allows(flight.is_rest):
                    self._plan.under_way.remove(flight)
                    return self._fitting(self._sender.resume(flight))
            for source in [source for source in self._plan.origins if _urgency(source) == urgency]:
                while time.monotonic() < self._until and self._allows(source.is_rest) and self._plan.has_more(source):
                    claimed = self._claim(source)
                    if claimed is not None:
                        return self._fitting(claimed)
        return None

    def _allows(self, is_rest: bool) -> bool:
        if self._everything:
            return True
        link = self._attempts.link
        # A mode that somebody has chosen is not to be left by trying.
        went_well = self._remote.mode == AUTO and link.outcomes.endswith(mode.GOOD)
        return mode.allows(link.mode, is_rest, self._batch.chunks, self._rest_sent, went_well)

    def _claim(self, source: Origin) -> Flight | None:
        """The next chunk of `source`; None when its first run had to be set aside instead, or has gone."""
        runs = self._plan.peek(source)
        why = self._never(runs[0])
        if why:
            self._sender.leave_out(source, runs[0], why)
            return None
        runs = runs[: self._chunk(source, runs)]
        most = CHUNK_BYTES if source.span is None else self._pace.chunk_bytes(CHUNK_BYTES)
        return self._sender.claim(source, runs, most)

    def _fitting(self, flight: Flight) -> Flight:
        """`flight`, or the first part of it: a single run may be longer than a chunk can be, as may be a chunk that was
        made for another format."""
        while len(flight.body) > CHUNK_BYTES and flight.samples > 1:
            first, *others = self._sender.halves(flight)
            self._plan.under_way[:0] = others
            flight = self._sender.resume(first)
        return flight

    def _chunk(self, source: Origin, runs: list[PendingRun]) -> int:
        """How many of `runs` make the next chunk: whole runs, one at least, and none that is to be set aside."""
        most = self._remote.chunk_size
        if self._is_behind or source.span is not None or self._attempts.link.mode != mode.REALTIME:
            most = max(most, min(self._remote.batch_size, LONGEST_CHUNK))
        count = 0
        for at, run in enumerate(runs):
            count += len(run.numbers)
            other = self._sender.one_session and run.session != runs[0].session
            if at and (count > most or other or self._never(run)):
                return at
        return len(runs)

    def _never(self, run: PendingRun) -> str:
        """Why no server is to have `run`. What a clock says that nobody has set is nothing to judge the future by."""
        lost = self._plan.correction.lost(run) if self._sender.fits(run) else NAMELESS
        return lost or never_kept(run.timestamp_ms, self._moment.wall_ms if self._moment.synchronized else None)

    def _send(self, flight: Flight, paced: bool) -> None:
        # What was claimed before the stream began may be too long for its share. It is not cut for that: it may have
        # been accepted as it is.
        limit = max(self._pace.bytes_per_second() or 0.0, len(flight.body) / PACED_S) if paced else None
        try:
            answer = self._sender.send(flight, limit)
        except Unreachable as failed:
            tries = TRIES_BEGUN if failed.has_begun else TRIES_WHOLE
            if flight.attempts >= tries and len(flight.body) > EASY_BYTES and flight.samples > 1:
                self._sender.halves(flight)
            self._attempts.unreachable(str(failed))
            raise
        except ConfigProblem as failed:
            self._attempts.refused(None, str(failed))
            raise
        meaning = answers.meaning(answer)
        if meaning == answers.ACCEPTED:
            self._accept(flight, answer, limit)
        elif meaning == answers.UNFIT:
            self._unfit(flight, answer)
        elif meaning == answers.BUSY:
            problem = self._problem(answer)
            self._attempts.busy(answer, str(problem))
            raise problem
        else:
            self._refuse(answer)

    def _accept(self, flight: Flight, answer: Answer, limit: float | None) -> None:
        # It takes others: so what it refused is at fault, and not the server. What is older comes first, as the
        # position moves to what ends last.
        for suspect, refusal in self._suspects:
            self._sender.set_aside(suspect, refusal)
        self._suspects = []
        self._sender.accepted(flight, answer)
        self._attempts.accepted(answer)
        self._pace.learn(answer.bytes_sent, answer.duration_ms / 1000, limit)
        self._rest_sent += flight.is_rest

    def _unfit(self, flight: Flight, answer: Answer) -> None:
        """Halve what was refused until the sample that is at fault is alone."""
        if flight.samples > 1:
            self._plan.under_way[:0] = self._sender.halves(flight)
        elif self._batch.chunks:
            self._sender.set_aside(flight, answer)
        else:
            self._suspects.append((flight, answer))
            if len(self._suspects) >= SUSPECTS:
                self._refuse(answer)

    def _refuse(self, answer: Answer) -> None:
        problem = self._problem(answer)
        self._attempts.refused(answer.status, str(problem))
        raise problem

    def _problem(self, answer: Answer) -> Problem:
        return answers.problem_of(answer, self._sender.endpoint)

    def _wait_for_turn(self) -> bool:
        """Until the backlog may go on, or something critical came. False when that is not worth waiting for."""
        turn = time.monotonic() + self._pace.wait_s()
        if turn > self._until - BACKLOG_S + PACED_S:
            return False
        while time.monotonic() < turn and not UPLOAD.is_left():
            time.sleep(max(0.0, min(LOOK_S, turn - time.monotonic())))
        return True


def _urgency(one: Flight | Origin) -> int:
    return URGENCIES[-1] if one.is_rest else one.priority
