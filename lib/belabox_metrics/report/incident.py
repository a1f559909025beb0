"""What belongs together: one incident is told once, whatever number of rules has seen a part of it."""

from __future__ import annotations

from .observation import FAULT, INTERRUPTED, STRAIN, SYMPTOM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .observation import Observation

# What begins so long after a fault that is not over may still belong to it.
CHAIN_MS = 60_000
# Faults of one moment: the rank decides which is named first.
MOMENT_MS = 2_000


class Incident:
    """lead: what is named first; members: all of it with the lead, earliest first; context: strains of its time that
    are told on their own."""

    __slots__ = ("context", "members")

    def __init__(self, members: list[Observation]) -> None:
        self.members = members
        self.context: list[Observation] = []

    @property
    def lead(self) -> Observation:
        """The first fault; without one the first strain that was there before any symptom, as far as anybody looked;
        else the first symptom."""
        symptom_ms = min([one.since_ms for one in self.members if one.kind == SYMPTOM], default=self.until_ms)
        for of_kind in (
            [one for one in self.members if one.kind == FAULT],
            [one for one in self.members if one.kind == STRAIN and one.since_ms - one.slack_ms <= symptom_ms],
            [one for one in self.members if one.kind == SYMPTOM],
        ):
            if of_kind:
                first_ms = of_kind[0].since_ms
                return min(
                    [one for one in of_kind if one.since_ms <= first_ms + MOMENT_MS],
                    key=lambda one: (one.rank, one.since_ms),
                )
        return self.members[0]

    @property
    def kind(self) -> str:
        return self.lead.kind

    @property
    def onset_ms(self) -> int:
        return self.lead.since_ms

    @property
    def since_ms(self) -> int:
        return min([one.since_ms for one in self.members])

    @property
    def until_ms(self) -> int:
        return max([one.until_ms for one in self.members])

    @property
    def reach_ms(self) -> int:
        """Until when something that begins may belong to its faults. A link that never came back does not explain what
        happens an hour later; a stream that is interrupted does explain what happens meanwhile."""
        return max(
            [
                one.until_ms if one.harm == INTERRUPTED else min(one.until_ms, one.since_ms + CHAIN_MS)
                for one in self.members
                if one.kind == FAULT
            ]
        )

    @property
    def is_open(self) -> bool:
        return any(one.is_open and one.until_ms == self.until_ms for one in self.members)

    def harm(self, harm: str) -> list[tuple[int, int]]:
        """The times in which it did that, without overlaps."""
        return merged([(one.since_ms, one.until_ms) for one in self.members if one.harm == harm])

    def add(self, one: Observation) -> None:
        """A bad night has thousands, and nearly all come in their order: the place is near the end."""
        at = len(self.members)
        while at and (self.members[at - 1].since_ms, self.members[at - 1].rank) > (one.since_ms, one.rank):
            at -= 1
        self.members.insert(at, one)


def merged(times: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Times that overlap are one."""
    found: list[tuple[int, int]] = []
    for since_ms, until_ms in sorted(times):
        if found and since_ms <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], until_ms)
        else:
            found.append((since_ms, until_ms))
    return found


def lost_ms(found: list[Incident], harm: str = INTERRUPTED) -> int:
    """How long that harm was done by all of them together."""
    times = merged([time for incident in found for time in incident.harm(harm)])
    return sum([until_ms - since_ms for since_ms, until_ms in times])
