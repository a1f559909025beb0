"""Samples from before the clock was set: when they go, and with which time. A sample's value is the true time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.skew import Skew, remember
from belabox_metrics.store import boots, queue, runs
from belabox_metrics.store.database import Store
from belabox_metrics.store.queue import PendingRun
from belabox_metrics.upload.correction import Correction, learn, needs_probe

TRUE_MS = 1_750_000_000_000
DAY = 86_400_000
THRESHOLD_MS = 2000
# What a clock shows that begins at 1970.
EPOCH = -TRUE_MS


class Life:
    """A box whose clock is `error_ms` ahead of the truth. Time passes when the test says so."""

    def __init__(self, path: str) -> None:
        self.store = Store(path)
        self.true_ms = TRUE_MS
        self.boottime_ms = 20_000
        self.boot_id = "boot-a"
        self.error_ms = 0
        self.synchronized = False

    @property
    def moment(self) -> Moment:
        return Moment(self.true_ms + self.error_ms, self.boottime_ms, self.boot_id, self.synchronized)

    def wake(self, error_ms: int, boot_id: str = "boot-a", after_s: int = 60) -> Life:
        """Switched on, its clock nobody's."""
        self.true_ms += after_s * 1000
        self.boottime_ms = 20_000
        self.boot_id, self.error_ms, self.synchronized = boot_id, error_ms, False
        return self

    def live(self, seconds: float = 10) -> Life:
        """A sample, and time goes on: for CLOCK_BOOTTIME in suspension too."""
        with self.store.writing() as connection:
            samples = [Sample("n", self.true_ms)]
            runs.add(connection, runs.Run("collect", self.moment, metric="n", samples=samples))
        self.true_ms += int(seconds * 1000)
        self.boottime_ms += int(seconds * 1000)
        return self

    def fail(self) -> Life:
        with self.store.writing() as connection:
            runs.add(connection, runs.Run("collect", self.moment, metric="n", outcome=runs.FAILED, error="broken"))
        return self

    def set(self, error_ms: int, synchronized: bool = False) -> Life:
        """Somebody sets the clock: by hand, or for good."""
        self.error_ms, self.synchronized = error_ms, synchronized
        return self

    def compare(self, wrong_by_ms: int = 0) -> Life:
        """With a server's clock that is itself wrong."""
        skew = Skew(self.error_ms - wrong_by_ms, 520, self.moment, "http://x/", 200, 40)
        with self.store.writing() as connection:
            remember(connection, skew, THRESHOLD_MS)
        return self

    def goes(self) -> list[PendingRun]:
        """What an upload would send now, of all there is."""
        learn(self.store, self.moment)
        connection = self.store.connection()
        return Correction(connection, self.moment).apply(queue.waiting(connection, 2, 0, queue.END, 10**6))

    def errors(self) -> list[int]:
        """By how many ms the time of each sample that goes is ahead of the truth."""
        return [round(run.timestamp_ms - run.numbers[0][1]) for run in self.goes()]


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(str(tmp_path / "metrics.db"))


Story = Callable[[Life], object]
LAST_YEAR = -365 * DAY

STORIES: list[tuple[str, Story, list[int]]] = [
    ("set all the time", lambda life: life.set(0, synchronized=True).live().live(), [0, 0]),
    ("a little off though set", lambda life: life.set(900, synchronized=True).live(), [900]),
    ("1970, nobody sets it", lambda life: life.wake(EPOCH).live().live(), []),
    ("1970, then NTP", lambda life: life.wake(EPOCH).live().live().set(0, synchronized=True).live(), [0, 0, 0]),
    ("1970, then NTP, nothing since", lambda life: life.wake(EPOCH).live().set(0, synchronized=True), [0]),
    ("a day behind, then NTP", lambda life: life.wake(-DAY).live().set(0, synchronized=True).live(), [0, 0]),
    ("a day ahead, then NTP", lambda life: life.wake(DAY).live().set(0, synchronized=True).live(), [0, 0]),
    ("a day behind, the server tells", lambda life: life.wake(-DAY).live().compare().live(), [0, 0]),
    ("1970, the server tells", lambda life: life.wake(EPOCH).live().compare().live(), [0, 0]),
    ("the server tells, NTP comes", lambda life: life.wake(EPOCH).live().compare().set(3, True).live(), [0, 3]),
    ("a wrong server tells, NTP comes", lambda life: life.live().compare(60_000).set(0, True).live(), [60_000, 0]),
    ("kept by chrony: right, unmarked", lambda life: life.live().compare().live().live(), [0, 0, 0]),
    ("within the threshold", lambda life: life.wake(1500).live().compare().live(), [1500, 1500]),
    ("off, nobody can tell yet", lambda life: life.wake(LAST_YEAR).live(), []),
    ("set forward by hand", lambda life: life.wake(-DAY).live().compare().set(0).live(), [0, 0]),
    ("set back by hand", lambda life: life.compare().live().set(-3_600_000).live(), [0, 0]),
    ("set by less than a second", lambda life: life.live().compare().set(-800).live(), [0, -800]),
    ("suspended for hours", lambda life: life.wake(EPOCH).live(7 * 3600).live().set(0, True).live(), [0, 0, 0]),
    (
        "two boots, the first told by a later run of its own",
        lambda life: life.wake(EPOCH).live().live().set(0, True).live().wake(-DAY, "boot-b").live().compare(),
        [0, 0, 0, 0],
    ),
    (
        "two boots, the first never right: it has the time it came with",
        lambda life: life.wake(LAST_YEAR).live().wake(0, "boot-b").set(0, True).live(),
        [LAST_YEAR, 0],
    ),
    (
        "two boots, the second can't tell about the first, nor be told",
        lambda life: life.set(0, True).live().wake(-DAY, "boot-b").live().set(0, True).live().wake(0, "boot-c").live(),
        [0, 0, 0],
    ),
    ("two boots, the first was compared", lambda life: life.wake(EPOCH).live().compare().wake(0, "boot-b"), [0]),
]


@pytest.mark.parametrize(("story", "errors"), [pytest.param(*rest, id=name) for name, *rest in STORIES])
def test_the_time_a_sample_goes_with(life: Life, story: Story, errors: list[int]) -> None:
    story(life)
    assert life.errors() == errors
    assert life.errors() == errors, "and the same when it is asked again"


def test_a_time_once_given_stays_whatever_is_learned_later(life: Life) -> None:
    life.wake(EPOCH).live().live().compare(wrong_by_ms=-5000)
    first = [run.timestamp_ms for run in life.goes()]
    life.compare().set(0, synchronized=True).live().compare(wrong_by_ms=9000)
    assert [run.timestamp_ms for run in life.goes()][:2] == first
    life.wake(DAY, "boot-b").live().compare()
    assert [run.timestamp_ms for run in life.goes()][:2] == first


def test_what_waits_holds_back_what_is_behind_it_and_not_what_is_before(life: Life) -> None:
    life.set(0, True).live().live().wake(0, "boot-b").live().live()
    assert life.errors() == [0, 0]
    held = queue.waiting(life.store.connection(), 2, 0, queue.END, 100)
    assert [Correction(life.store.connection(), life.moment).hold(run) for run in held] == [False, False, True, True]


def test_who_only_looks_does_not_tell_a_time_before_it_is_written_down(life: Life) -> None:
    life.wake(-DAY).live().set(0, True).live()
    connection = life.store.connection()
    runs_found = queue.waiting(connection, 2, 0, queue.END, 100)
    assert Correction(connection, life.moment).apply(runs_found) == []
    assert life.errors() == [0, 0]


def test_a_boot_without_an_id_is_neither_corrected_nor_waited_for(life: Life) -> None:
    """Else what is known of one boot would be told of all others."""
    life.wake(LAST_YEAR, "").live().set(0, True).live().compare()
    assert life.errors() == [LAST_YEAR, 0]
    life.wake(-DAY, "").live()
    assert life.errors() == [LAST_YEAR, 0, -DAY]


LOST = [
    pytest.param(EPOCH, "boot-b", "the clock was never right", id="1970, and the boot is over"),
    pytest.param(LAST_YEAR, "boot-b", "", id="it may have been so"),
]


@pytest.mark.parametrize(("error_ms", "next_boot", "reason"), LOST)
def test_what_can_never_be_known_is_given_up_when_its_boot_is_over(
    life: Life, error_ms: int, next_boot: str, reason: str
) -> None:
    life.wake(error_ms).live()
    assert life.goes() == []
    life.wake(0, next_boot).set(0, True)
    (run,) = life.goes()
    assert Correction(life.store.connection(), life.moment).lost(run) == reason


def test_nothing_is_given_up_that_was_corrected(life: Life) -> None:
    life.wake(EPOCH).live().compare()
    (run,) = life.goes()
    assert Correction(life.store.connection(), life.moment).lost(run) == ""


PROBES: list[tuple[str, Story, bool]] = [
    ("samples wait and nobody knows", lambda life: life.live(), True),
    ("nothing is stored", lambda life: None, False),
    ("the clock was set", lambda life: life.live().set(0, True), False),
    ("the server has told already", lambda life: life.live().compare(), False),
    ("what waits is of an earlier boot", lambda life: life.live().wake(0, "boot-b"), False),
    ("no id to know the boot by", lambda life: life.wake(0, "").live(), False),
    ("a run without samples", lambda life: life.live().wake(0, "boot-b").fail(), False),
    ("told in another boot", lambda life: life.live().compare().wake(0, "boot-b").live(), True),
]


@pytest.mark.parametrize(("story", "asked"), [pytest.param(*rest, id=name) for name, *rest in PROBES])
def test_the_server_is_asked_only_when_nobody_else_can_tell(life: Life, story: Story, asked: bool) -> None:
    story(life)
    assert needs_probe(life.store.connection(), life.moment) is asked


def test_the_server_is_not_asked_when_all_is_sent(life: Life) -> None:
    life.live()
    with life.store.writing() as connection:
        queue.advance(connection, 2, queue.frontier(connection))
        queue.count(connection, 2, sent=1)
    assert not needs_probe(life.store.connection(), life.moment)


def test_a_clock_that_is_set_is_written_down_once(life: Life) -> None:
    life.set(0, True).live()
    learn(life.store, life.moment)
    offset = boots.offset_ms(life.store.connection(), 1)
    assert offset == TRUE_MS - 20_000
    life.set(5000, True)
    learn(life.store, life.moment)
    assert boots.offset_ms(life.store.connection(), 1) == offset


STEPS = st.lists(
    st.tuples(st.integers(0, 10**7), st.one_of(st.none(), st.integers(-(10**11), 10**11))), min_size=1, max_size=12
)


@settings(max_examples=60)
@given(steps=STEPS, compared_at=st.integers(0, 12))
def test_samples_of_one_boot_keep_their_order_and_their_distance(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int | None]], compared_at: int
) -> None:
    """Whatever the clock did: each is where the time since boot puts it, or right within a second."""
    life = Life(str(tmp_path_factory.mktemp("life") / "metrics.db"))
    for at, (passes_ms, error_ms) in enumerate(steps):
        if at == compared_at:
            life.compare()
        life.set(life.error_ms if error_ms is None else error_ms).live(passes_ms / 1000)
    life.compare()
    runs_sent = life.goes()
    assert len(runs_sent) == len(steps)
    (offset,) = {life.true_ms - life.boottime_ms}
    shift = (boots.offset_ms(life.store.connection(), 1) or 0) - offset
    assert abs(shift) <= THRESHOLD_MS
    distances = [run.timestamp_ms - run.boottime_ms - offset - shift for run in runs_sent]
    assert all(abs(distance) <= 1000 for distance in distances)
    moved = [run for run, distance in zip(runs_sent, distances) if not distance]
    assert [run.timestamp_ms for run in moved] == sorted(run.timestamp_ms for run in moved)
    life.store.close()
