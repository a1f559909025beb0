"""The fleet, shared among processes: each has its boxes, and takes them through time one event after the other."""

from __future__ import annotations

import heapq
import multiprocessing
import os
import random
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .box import Box
from .clockwork import Arrival, Clock, connect

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from .box import Model

# Of ten boxes so many stream.
LIVE_OF_TEN = 3
SEED = 7


class Fleet:
    """`names` to `workers` processes, with their databases in `folder`."""

    def __init__(self, names: list[str], folder: Path, model: Model, began_ms: int, workers: int) -> None:
        context = multiprocessing.get_context("fork")
        self._pipes: list[Connection] = []
        self._processes = []
        for at in range(workers):
            ours, theirs = context.Pipe()
            share = [(name, number % 10 < LIVE_OF_TEN) for number, name in enumerate(names) if number % workers == at]
            process = context.Process(target=_work, args=(theirs, share, folder, model, began_ms), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        self._answers()

    def run(self, until_s: float) -> list[Arrival]:
        """Up to that second; the requests that were made, in their order."""
        self._tell("run", until_s)
        return sorted(arrival for found in self._answers() for arrival in found)

    def finish(self) -> dict[str, dict[str, int]]:
        """Everybody sends what is left, by hand; the account of each box."""
        self._tell("finish", None)
        return {name: account for found in self._answers() for name, account in found.items()}

    def rows(self, names: list[str]) -> dict[str, list[dict[str, Any]]]:
        """What these boxes have stored."""
        self._tell("rows", names)
        return {name: rows for found in self._answers() for name, rows in found.items()}

    def close(self) -> None:
        """The processes leave as they are: their databases are for nobody else."""
        for process in self._processes:
            process.kill()
            process.join()

    def _tell(self, what: str, about: object) -> None:
        for pipe in self._pipes:
            pipe.send((what, about))

    def _answers(self) -> list[Any]:
        answers = [pipe.recv() for pipe in self._pipes]
        for failed in answers:
            if failed and isinstance(failed, str):
                raise RuntimeError(failed)
        return answers


class _Worker:
    def __init__(self, share: list[tuple[str, bool]], folder: Path, model: Model, began_ms: int) -> None:
        self.clock = Clock()
        self.arrivals: list[Arrival] = []
        self._now: Box | None = None
        connect(self.clock, self._note)
        # Nobody wakes anybody through a file here: the next event of a box is known.
        os.environ["BELABOX_METRICS_WANTED"] = str(folder / "nobody" / "wanted")
        self.boxes = {
            name: Box(name, folder / name, model, self.clock, began_ms, live, random.Random(f"{SEED} {name}"))
            for name, live in share
        }
        for name, box in self.boxes.items():
            (box.folder / "api-token").write_text(token_of(name))
        self._events = [(box.next_s(), name) for name, box in self.boxes.items()]
        heapq.heapify(self._events)

    def run(self, until_s: float) -> list[Arrival]:
        self.arrivals = []
        while self._events[0][0] < until_s:
            at_s, name = heapq.heappop(self._events)
            self.clock.now_s = at_s
            self._now = self.boxes[name]
            self._now.step()
            heapq.heappush(self._events, (self._now.next_s(), name))
        self.clock.now_s = until_s
        return self.arrivals

    def finish(self, _: None) -> dict[str, dict[str, int]]:
        ended_s = self.clock.now_s
        for box in self.boxes.values():
            self._now = box
            # A backlog may take some, each with its bounds.
            for _attempt in range(10):
                self.clock.now_s = max(ended_s, self.clock.now_s)
                box.upload(everything=True)
                if not box.account()["pending"]:
                    break
        return {name: box.account() for name, box in self.boxes.items()}

    def rows(self, names: list[str]) -> dict[str, list[dict[str, Any]]]:
        return {name: list(self.boxes[name].rows()) for name in names if name in self.boxes}

    def _note(self, at_s: float, status: int, size: int) -> None:
        assert self._now is not None
        self.arrivals.append(Arrival(at_s, self._now.name, status, size, not self._now.connected, self._now.urgent))
        self._now.connected = True


def token_of(name: str) -> str:
    """Each box has its own."""
    return f"token-of-{name}"


def _work(pipe: Connection, share: list[tuple[str, bool]], folder: Path, model: Model, began_ms: int) -> None:
    try:
        worker = _Worker(share, folder, model, began_ms)
        pipe.send("")
        while True:
            what, about = pipe.recv()
            pipe.send(getattr(worker, what)(about))
    except BaseException:
        pipe.send(traceback.format_exc())
        os._exit(1)
