"""`stream.session`: is a stream live, since when, and how often did it have to reconnect.

Reads the process table: `belabox_metrics/stream/processes.py` tells which programs a stream consists of. A session
begins when the first of them was started, not when it was first seen, and ends when they were last seen.
"""

from __future__ import annotations

from ..errors import SourceProblem
from ..event import Event
from ..identity import uuid4
from ..json_text import parse as parse_json
from ..sample import Sample
from ..source import unsigned
from ..stream import processes, setup
from ..stream.processes import BONDER, ENCODER, Process
from ..stream.session import COMPLETED, FAILED, GAP_MS, Session, SessionChange
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..stream.setup import Facts
    from ..world import Settings, World

METRIC = "stream.session"
PRIORITY = 2
SETTINGS: Settings = {}

_PARENT = "parent"
_NUMBERS = ("started_ms", "seen_ms", "reconnects")


class Memory:
    """What the next run must know. `id`: of the session, "" for none; `started_ms`, `seen_ms`: ms after boot, when it
    began and when its programs were last seen; `reconnects`; `facts`: its setup; `known`: its processes by name, and
    the `parent` that started them."""

    __slots__ = ("facts", "id", "known", "reconnects", "seen_ms", "started_ms")

    def __init__(self, uuid: str = "", started_ms: int = 0) -> None:
        self.id = uuid
        self.started_ms = started_ms
        self.seen_ms = started_ms
        self.reconnects = 0
        self.facts: Facts = {}
        self.known: dict[str, Process] = {}

    @classmethod
    def of(cls, state: str) -> Memory:
        """Read back what `text` wrote; what another version left is as good as nothing."""
        memory = cls()
        try:
            for line in state.split("\n"):
                word, _, rest = line.partition(" ")
                if word == "session":
                    memory.id = rest
                elif word == "facts":
                    facts = parse_json(rest)
                    memory.facts = facts if isinstance(facts, dict) else {}
                elif word in _NUMBERS:
                    setattr(memory, word, _number(rest))
                elif word in (ENCODER, BONDER, _PARENT):
                    pid, _, started = rest.partition(" ")
                    memory.known[word] = Process(_number(pid), _number(started))
        except (SourceProblem, ValueError):
            return cls()
        return memory

    def text(self) -> str:
        """As the state of a Reading."""
        if not self.id:
            return ""
        lines = [f"session {self.id}", *[f"{word} {getattr(self, word)}" for word in _NUMBERS]]
        lines += [f"{name} {process.pid} {process.started_ms}" for name, process in self.known.items()]
        return "\n".join([*lines, f"facts {setup.metadata(self.facts)}"])


def collect(world: World) -> Reading:
    """`stream.live` (1 or 0) and, while a session lasts, `stream.uptime_seconds` and `stream.reconnects_total`: how
    often its encoder was started anew; two times between two runs count as one.

    Events `session_started` and `session_ended`, at their own times. A session has *failed* when what had started it
    (belaUI) is gone as well, or when the box went down: a person who stops a stream stops belaUI's children, not
    belaUI. The store adds what it knows of the connection (`store/sessions.py`). Raises NoData without a process
    table."""
    now_ms = processes.uptime_ms(world.root)
    memory = Memory.of(world.state)
    programs = {name: process for name, process in memory.known.items() if name != _PARENT}
    found = processes.find(world.root, programs)
    clock_ms = world.wall_ms() - now_ms  # the wall clock at boot, as it is told now: it may have been set since
    events: list[Event] = []
    ended: Session | None = None
    began_ms = min([process.started_ms for process in found.values()], default=now_ms)
    if memory.id and began_ms - memory.seen_ms > GAP_MS:
        ended = _ended(world.root, memory, clock_ms)
        events.append(_event("session_ended", ended, f"after {_span(memory.seen_ms - memory.started_ms)}"))
        memory = Memory()
    fresh = bool(found) and not memory.id
    if fresh:
        memory = Memory(uuid4(), began_ms)
    if found:
        _follow(world.root, memory, found, now_ms)
    live = Session(memory.id, memory.started_ms + clock_ms, setup.metadata(memory.facts)) if memory.id else None
    if live and fresh:
        events.append(_event("session_started", live, _described(memory.facts)))
    samples = [Sample("stream.live", int(bool(found)))]
    if live:
        samples.append(Sample("stream.uptime_seconds", (now_ms - memory.started_ms) / 1000))
        samples.append(Sample("stream.reconnects_total", memory.reconnects))
    return Reading(samples, memory.text(), events=events, session=SessionChange(live, ended))


def _follow(root: str, memory: Memory, found: dict[str, Process], now_ms: int) -> None:
    """Bring `memory` up to date with the processes that run now."""
    encoder, before = found.get(ENCODER), memory.known.get(ENCODER)
    if encoder and before and not encoder.same(before):
        memory.reconnects += 1
    memory.seen_ms = now_ms
    memory.facts.update(setup.read(root, found))
    memory.known.update(found)
    parent = processes.started(root, next(iter(found.values())).parent)
    if parent:
        memory.known[_PARENT] = parent


def _ended(root: str, memory: Memory, clock_ms: int) -> Session:
    parent = memory.known.get(_PARENT)
    status = COMPLETED if parent is None or processes.alive(root, parent) else FAILED
    return Session(
        memory.id,
        memory.started_ms + clock_ms,
        setup.metadata(memory.facts),
        memory.seen_ms + clock_ms,
        status,
    )


def _event(name: str, session: Session, text: str) -> Event:
    at_ms = session.start_ms if session.end_ms is None else session.end_ms
    return Event(name, at_ms, {}, PRIORITY, text)


def _described(facts: Facts) -> str:
    return ", ".join([f"{name} {facts[name]}" for name in ("relay", "pipeline") if name in facts])


def _span(ms: int) -> str:
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min {seconds} s" if hours else f"{minutes} min {seconds} s"


def _number(word: str) -> int:
    return unsigned(word, "state", 0, "number")
