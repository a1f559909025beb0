"""Chunks: written down, sent, and what became of them.

The lock is never held across the network: claim in one transaction, send, and settle in another. A process that dies in
between leaves a flight, which the next one sends as it is.
"""

from __future__ import annotations

import time

from ..store import flights, queue, rejected
from ..store.flights import Flight
from . import origin
from .answers import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.database import Store
    from ..store.queue import PendingRun, Series
    from .batch import Batch
    from .correction import Correction
    from .formats.format import Format
    from .origin import Origin
    from .transport import Answer, Transport

# Compressed, as it goes over the wire.
CHUNK_BYTES = 256 * 1024
# Numbers; more need not be tried: even at four bytes each they would not fit.
LONGEST_CHUNK = 60_000
WHOLE = 2**31


class Sender:
    """Between the database and the server. `shapes` is shared with `encoder`, which knows a shape once it is there."""

    def __init__(
        self,
        store: Store,
        transport: Transport,
        encoder: Format,
        shapes: dict[int, list[Series]],
        correction: Correction,
        batch: Batch,
    ) -> None:
        self._store = store
        self._transport = transport
        self._encoder = encoder
        self._shapes = shapes
        self._correction = correction
        self._batch = batch
        self.endpoint = transport.endpoint
        self.one_session = encoder.ONE_SESSION

    def claim(self, source: Origin, runs: list[PendingRun], most_bytes: int) -> Flight | None:
        """Write down a chunk of `runs`, the first that `source` has, or of as many as `most_bytes` have room for. None
        when some of them have gone since."""
        body = self._encode(runs)
        while len(body) > most_bytes and len(runs) > 1:
            # Compression does not promise half the bytes for half the runs, so this is a guess that is tried.
            runs = runs[: max(1, min(len(runs) - 1, len(runs) * most_bytes // len(body)))]
            body = self._encode(runs)
        flight = Flight(
            self._batch.id,
            self._batch.claimed,
            source.priority,
            source.span,
            (source.after, runs[-1].id),
            runs[-1].timestamp_ms,
            (0, sum(len(run.numbers) for run in runs)),
            self._encoder.headers(),
            body,
            attempts=1,
        )
        with self._store.writing() as connection:
            if not source.still_has(connection, runs):
                return None
            flights.claim(connection, flight)
        source.take(len(runs))
        self._batch.claimed += 1
        return flight

    def resume(self, flight: Flight) -> Flight:
        """`flight`, of an activation before this one or a part of a chunk that was halved, ready to be sent.

        Written down before: where no answer could be written down either, for the disk is full, nothing is sent, or it
        would be sent for ever. In another format where `remote.format` has changed: a server that is sent what it does
        not understand may well say that all is fine. Anew too what a card made something else of: headers that no
        format has may pass to no server, for good, and a body to one that drops what it can't read."""
        if not (flight.is_intact and flight.has_key and self._encoder.is_own(flight.headers)):
            (flight,) = self._replace(flight, [(flight.start, flight.stop)], (self._batch.id, self._batch.claimed))
            self._batch.claimed += 1
        with self._store.writing() as connection:
            flights.begin(connection, flight)
        return flight

    def send(self, flight: Flight, bytes_per_second: float | None) -> Answer:
        """The server's answer, whatever it is. Raises Unreachable when there is none."""
        self._batch.attempt = flight.attempts
        self._batch.status = None  # that of the chunk before is not of this one
        headers = {**flight.headers, "Idempotency-Key": flight.key}
        answer = self._transport.post(flight.body, headers, bytes_per_second)
        self._batch.count(answer)
        if 200 <= answer.status < 300:
            answer.shortfall = self._encoder.shortfall(answer.body, flight.samples)
        return answer

    def accepted(self, flight: Flight, answer: Answer) -> None:
        """The server has it: settle it. Its checkpoint is believed as far as a doubt, never to leave anything out."""
        upto = self._encoder.checkpoint(answer.body)
        if upto is not None and upto < flight.last_timestamp_ms:
            self._batch.doubt = (
                f"the server accepted samples of {flight.last_timestamp_ms} but says it has up to {upto}"
            )
        with self._store.writing() as connection:
            queue.count(connection, flight.priority, sent=flight.samples)
            if flights.end(connection, flight):
                origin.settle(connection, flight.priority, flight.backlog, flight.last_run)
            now_ms = time.time_ns() // 1_000_000
            queue.note_chunk(
                connection,
                flight.batch_id,
                flight.chunk_index,
                flight.last_run,
                flight.last_timestamp_ms,
                now_ms,
                flight.samples,
            )
        self._batch.chunks += 1
        self._batch.samples += flight.samples

    def halves(self, flight: Flight) -> list[Flight]:
        """What was refused, or is too long, in two parts, written down instead of the whole."""
        middle = (flight.start + flight.stop) // 2
        bounds = [(flight.start, middle), (middle, flight.stop)]
        return self._replace(flight, bounds, (flight.batch_id, flight.chunk_index))

    def _replace(self, flight: Flight, bounds: list[tuple[int, int]], chunk: tuple[str, int]) -> list[Flight]:
        """Others instead of `flight`, each with its samples from one of `bounds` to the other, named after `chunk`."""
        parts = []
        for start, stop in bounds:
            runs = self._runs(flight, start, stop)
            part = Flight(
                *chunk,
                flight.priority,
                flight.backlog,
                (flight.after_run, flight.last_run),
                runs[-1].timestamp_ms if runs else flight.last_timestamp_ms,
                (start, stop),
                self._encoder.headers(),
                self._encode(runs),
            )
            parts.append(part)
        with self._store.writing() as connection:
            for part in parts:
                flights.claim(connection, part)
            flights.end(connection, flight)
        return parts

    def set_aside(self, flight: Flight, answer: Answer) -> None:
        """A single sample that the server refuses while it takes others."""
        with self._store.writing() as connection:
            for run in self._runs(flight, flight.start, flight.stop):
                self._reject(flight.priority, run, answer.status, reason(answer) or "no reason given")
            if flights.end(connection, flight):
                origin.settle(connection, flight.priority, flight.backlog, flight.last_run)

    def fits(self, run: PendingRun) -> bool:
        """Whether the shape of `run` has a series for each of its values: else it is of another, or of none."""
        return len(self._series(run.shape)) == run.values

    def leave_out(self, source: Origin, run: PendingRun, why: str) -> None:
        """A run, the first that `source` has, which no server is to have: set aside without asking one."""
        with self._store.writing() as connection:
            if not source.still_has(connection, [run]):
                return
            self._reject(source.priority, run, 0, why)
            origin.settle(connection, source.priority, source.span, run.id)
        source.take(1)

    def _reject(self, priority: int, run: PendingRun, status: int, why: str) -> None:
        """Inside a transaction."""
        connection = self._store.connection()
        now_ms = time.time_ns() // 1_000_000
        known = len(queue.series_of(connection, run.shape))
        for position, value in run.numbers:
            # A damaged row may have more values than its shape has series.
            if position < known:
                rejected.set_aside(connection, run, position, _storable(value), status, why, now_ms)
        queue.count(connection, priority, rejected=len(run.numbers))
        self._batch.rejected += len(run.numbers)

    def _encode(self, runs: list[PendingRun]) -> bytes:
        # Others are set aside before they come here, but out of a chunk that is made anew.
        return self._encoder.encode([run for run in runs if self.fits(run)])

    def _series(self, shape: int) -> list[Series]:
        if shape not in self._shapes:
            self._shapes[shape] = queue.series_of(self._store.connection(), shape)
        return self._shapes[shape]

    def _runs(self, flight: Flight, start: int, stop: int) -> list[PendingRun]:
        """The samples from `start` up to `stop` of the chunk that `flight` is of."""
        connection = self._store.connection()
        runs = queue.waiting(connection, flight.priority, flight.after_run, flight.last_run, WHOLE)
        self._correction.apply(runs)
        found, at = [], 0
        for run in runs:
            first, last = max(start - at, 0), min(stop - at, len(run.numbers))
            at += len(run.numbers)
            if first < last:
                run.numbers = run.numbers[first:last]
                found.append(run)
        return found


def _storable(value: float) -> float:
    """As near as SQLite comes to it: an integer there has 64 bits, a counter may have more."""
    return float(str(value)) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value
