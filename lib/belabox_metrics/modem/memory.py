"""What one run of `modem` leaves for the next."""

from __future__ import annotations

from ..errors import SourceProblem
from ..source import unsigned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interfaces import Usage

# Modems, and interfaces, remembered after they are gone, so that one which comes back is recognised.
GONE = 16
# Whether a modem is connected: never seen so, now, or before.
NEVER, NOW, BEFORE = 0, 1, 2


class Known:
    """Of a modem: whether it is `connected` (NEVER, NOW or BEFORE), its `reconnects` so far, how many ms its signals
    need `not_ask` for, its `interfaces` and its `bearers` (numbers of connections), each as one text, "" for none."""

    __slots__ = ("bearers", "connected", "interfaces", "not_ask", "reconnects")

    def __init__(self) -> None:
        self.connected = NEVER
        self.reconnects = 0
        self.not_ask = 0
        self.interfaces = ""
        self.bearers = ""

    def names(self) -> list[str]:
        """Its `interfaces`, each."""
        return self.interfaces.split(",") if self.interfaces else []

    def seen(self, connected: bool, bearers: list[str]) -> None:
        """Take note of its connection. Being connected again after it was not counts as a reconnection; so does a
        connection that shares nothing with the one before, since both ends of it fell between two runs."""
        if connected:
            before = self.bearers.split(",") if self.bearers else []
            another = bool(before and bearers) and not set(before) & set(bearers)
            if self.connected == BEFORE or (self.connected == NOW and another):
                self.reconnects += 1
            self.connected, self.bearers = NOW, ",".join(bearers)
        elif self.connected == NOW:
            self.connected = BEFORE


class Counted:
    """Bytes through an interface, plugs before the present one included: its kernel `index`, and `received` and
    `sent` as they were last, on top of what was counted before it was plugged in (`base_received`, `base_sent`)."""

    __slots__ = ("base_received", "base_sent", "index", "received", "sent")

    def __init__(self, index: int, received: int, sent: int, base_received: int, base_sent: int) -> None:
        self.index = index
        self.received = received
        self.sent = sent
        self.base_received = base_received
        self.base_sent = base_sent

    def now(self, usage: Usage) -> Counted:
        """With the counters of this run. A new index, or a counter that went back, is a new beginning."""
        base_received, base_sent = self.base_received, self.base_sent
        if usage.index != self.index or usage.received < self.received or usage.sent < self.sent:
            base_received += self.received
            base_sent += self.sent
        return Counted(usage.index, usage.received, usage.sent, base_received, base_sent)

    def totals(self) -> tuple[int, int]:
        """(bytes received, bytes sent)."""
        return self.base_received + self.received, self.base_sent + self.sent


class Memory:
    """`modems` by their name, `counted` by (interface, name of its modem or ""), and what was `missing`: what the last
    run said about a source that failed."""

    __slots__ = ("counted", "missing", "modems")

    def __init__(self, state: str, elapsed_ms: int) -> None:
        self.modems: dict[str, Known] = {}
        self.counted: dict[tuple[str, str], Counted] = {}
        self.missing, *lines = state.split("\n")
        for line in lines:
            words = line.split(" ")
            # A line that another version left is as good as none.
            try:
                if len(words) == 7 and words[0] == "modem":
                    self.modems[words[1]] = _known(words[2:], elapsed_ms)
                elif len(words) == 8 and words[0] == "counted":
                    self.counted[words[1], words[2]] = Counted(*[_number(word) for word in words[3:]])
            except SourceProblem:
                continue

    def modem(self, name: str) -> Known:
        """What is known of it; moved to the end, since what was not seen for longest is forgotten first."""
        known = self.modems.pop(name, None) or Known()
        self.modems[name] = known
        return known

    def count(self, interface: str, name: str, usage: Usage) -> Counted:
        """Its counters with those of this run; moved to the end likewise."""
        before = self.counted.pop((interface, name), None)
        new = Counted(usage.index, usage.received, usage.sent, 0, 0)
        now = self.counted[interface, name] = before.now(usage) if before else new
        return now

    def text(self, present: int) -> str:
        """As the state of a Reading; `present` modems and interfaces were seen in this run."""
        lines = [self.missing.replace("\n", " ")]
        for name, known in list(self.modems.items())[-(present + GONE) :]:
            words = (known.connected, known.reconnects, known.not_ask, known.interfaces, known.bearers)
            lines.append(f"modem {name} " + " ".join(map(str, words)))
        for (interface, name), at in list(self.counted.items())[-(present + GONE) :]:
            numbers = (at.index, at.received, at.sent, at.base_received, at.base_sent)
            lines.append(f"counted {interface} {name} " + " ".join(map(str, numbers)))
        return "\n".join(lines)


def _known(words: list[str], elapsed_ms: int) -> Known:
    known = Known()
    known.connected, known.reconnects, waiting = (_number(word) for word in words[:3])
    known.not_ask = max(0, waiting - elapsed_ms)
    known.interfaces, known.bearers = words[3:]
    return known


def _number(word: str) -> int:
    return unsigned(word, "state", 0, "number")
