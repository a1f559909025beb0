"""A database full of what nobody meant to store: hostile names, tags, texts and numbers, and rows that bits were
turned in, under which each view of it has to stay what it is."""

from __future__ import annotations

import os
import sqlite3
from functools import cache
from pathlib import Path

from belabox_metrics import clock
from belabox_metrics.clock import Moment
from belabox_metrics.config.configuration import load
from belabox_metrics.event import Event
from belabox_metrics.sample import Sample, canonical
from belabox_metrics.store import events, runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store
from belabox_metrics.store.history import ROLLED, SHAPES

from .draw import HOSTILE, Draw
from .target import scratch

CONFIGURATION = Path(__file__).parents[2] / "configs/config.yaml"
SESSION = "0f9619ff-8b86-d011-b42d-00cf4fc964ff"
# Those that a page has a place for, with a series of each.
METRICS = {
    "cpu.usage": ("cpu.usage_percent", {"core": "all"}),
    "cpu.temperature": ("cpu.temperature", {}),
    "memory.usage": ("memory.used_bytes", {}),
    "disk.usage": ("disk.used_percent", {"mount": "/"}),
    "network.traffic": ("network.tx_bytes_total", {"interface": "eth0"}),
    "srt.relay": ("srt.rtt_ms", {"stream": "live"}),
    "stream.session": ("stream.live", {}),
    "stream.links": ("stream.link_tx_bytes_total", {"interface": "usb0"}),
    "stream.health": ("stream.health_score", {}),
    "encoder": ("encoder.bitrate_kbps", {}),
    "own.room": ("room.door", {"side": "left"}),
}
NAMES = list(METRICS)
EVENTS = ("link_lost", "stream_started", "relay_lost", "alert_raised")
# Of a minute: as store/aggregate.py spells them, and nearly so.
CELLS = ("[1.5]", "[[1, 2, 3, 2, 2]]", "[[4, 2]]", '["text"]', "[[9, 5, 3]]", "[[1,2,3,4,5,6]]")
PAST_MS = 900_000
MOST = 16
EMPTIED = ("runs", "jobs", "shapes", "series", "sessions", "minutes", "five_minutes", "backlog", "rejected", "boots")


@cache
def store() -> Store:
    """The schedule of the shipped configuration, and nothing that was collected."""
    path = str(Path(scratch()) / "stored.db")
    made = Store(path)
    made.connection().execute("PRAGMA synchronous=OFF")
    replace_settings(path, load(str(CONFIGURATION), environment={}, defaults_file="/dev/null/none").settings())
    return made


def filled(draw: Draw) -> Store:
    """With what `draw` makes of it. What SQLite itself refuses is left out."""
    found = store()
    now = clock.now()
    with found.writing() as connection:
        for table in EMPTIED:
            connection.execute(f"DELETE FROM {table}")
        connection.execute("UPDATE settings SET value = 'box-1' WHERE section = 'device' AND key = 'id'")
        for _ in range(MOST):
            if not draw.more():
                break
            try:
                STEPS[draw.number(len(STEPS))](connection, draw, now)
            except (UnicodeEncodeError, OverflowError):  # no text, no integer of SQLite
                continue
            except sqlite3.IntegrityError:
                continue
    # The log is folded in now and then: a process that lives for minutes would fill the memory.
    if os.stat(f"{found.path}-wal").st_size > 4_000_000:
        with found.writing(checkpoint_first=True):
            pass
    return found


def _ago(draw: Draw, now: Moment) -> Moment:
    past_ms = draw.number(256) * PAST_MS // 256
    return Moment(now.wall_ms - past_ms, max(now.boottime_ms - past_ms, 0), now.boot_id, draw.number(8) > 0)


def _sample(draw: Draw, known: tuple[str, dict[str, str]]) -> Sample:
    name, tags = known
    kind = draw.number(4)
    if kind == 1:
        tags = {**tags, draw.text(): draw.text()}
    elif kind == 2:
        name = draw.text()
    elif kind == 3:
        tags = dict.fromkeys(tags, draw.text())
    return Sample(name, draw.value(), tags)


def _run(connection: sqlite3.Connection, draw: Draw, now: Moment) -> None:
    metric = draw.pick(NAMES)
    samples = [_sample(draw, METRICS[metric]) for _ in range(1 + draw.number(3))]
    run = runs.Run("collect", _ago(draw, now), metric=metric, samples=samples, priority=draw.number(4))
    runs.add(connection, run)


def _series(connection: sqlite3.Connection, draw: Draw, now: Moment) -> None:
    """Some runs of one series in a row, as curves want them."""
    metric = draw.pick(NAMES)
    name, tags = METRICS[metric]
    step_ms = 1000 * (1 + draw.number(60))
    for at in range(8, 0, -1):
        value = draw.value()
        moment = Moment(now.wall_ms - at * step_ms, max(now.boottime_ms - at * step_ms, 0), now.boot_id, True)
        runs.add(connection, runs.Run("collect", moment, metric=metric, samples=[Sample(name, value, tags)]))


def _failed(connection: sqlite3.Connection, draw: Draw, now: Moment) -> None:
    metric = draw.pick(NAMES)
    outcome = draw.pick((runs.FAILED, runs.NO_DATA))
    runs.add(connection, runs.Run("collect", _ago(draw, now), metric=metric, outcome=outcome, error=draw.text()))


def _event(connection: sqlite3.Connection, draw: Draw, now: Moment) -> None:
    name = draw.text() if draw.number(4) == 0 else draw.pick(EVENTS)
    moment = _ago(draw, now)
    events.add(connection, [Event(name, moment.wall_ms, {"of": draw.text()}, draw.number(4), draw.text())], now)


def _session(connection: sqlite3.Connection, draw: Draw, now: Moment) -> None:
    start_ms = _ago(draw, now).wall_ms
    status = draw.pick(("active", "completed", "failed"))
    metadata = draw.pick(('{"relay":"relay.example.com"}', None, draw.text(), "[", '{"relay":{"a":[1]}}'))
    uuid = SESSION if draw.number(3) else draw.text()
    end_ms = None if status == "active" else start_ms + draw.number(65536)
    connection.execute(
        "INSERT INTO sessions (id, start_time, end_time, status, metadata) VALUES (?, ?, ?, ?, ?)",
        (uuid, start_ms, end_ms, status, metadata),
    )


def _setting(connection: sqlite3.Connection, draw: Draw, now: Moment) -> None:
    key = draw.pick(("id", "name"))
    connection.execute("INSERT OR REPLACE INTO settings VALUES ('device', ?, 0, ?)", (key, draw.text()))


def _memory(connection: sqlite3.Connection, draw: Draw, now: Moment) -> None:
    column = draw.pick(("alerts", "state", "last_error"))
    connection.execute(f"UPDATE jobs SET {column} = ?", (draw.text(),))


def _link(connection: sqlite3.Connection, draw: Draw, now: Moment) -> None:
    connection.execute("UPDATE link SET error = ?, mode = ?", (draw.text(), draw.pick(("realtime", "offline"))))


def _rolled_up(connection: sqlite3.Connection, draw: Draw, now: Moment) -> None:
    metric = draw.pick(NAMES)
    name, tags = METRICS[metric]
    shape = runs.shape_number(connection, [(name, canonical(tags))])
    table, length_ms = draw.pick(ROLLED)
    cell = draw.pick((*CELLS, draw.text()))
    number = (now.wall_ms // length_ms - draw.number(30)) * SHAPES + shape
    job = runs.job_number(connection, "collect", metric)
    connection.execute(f"INSERT INTO {table} VALUES (?, ?, 2, 1, ?)", (number, job, cell))


def _damaged(connection: sqlite3.Connection, draw: Draw, now: Moment) -> None:
    """A page that looks whole may say nonsense: SQLite has no checksums."""
    column = draw.pick(("packed", "error"))
    connection.execute(
        f"UPDATE runs SET {column} = ? WHERE id = (SELECT max(id) FROM runs)",
        (draw.pick(("[1e999]", "[NaN]", "{}", "[[]]", "[true,null]", f"[{'9' * 400}]", draw.text())),),
    )


STEPS = (_run, _series, _failed, _event, _session, _setting, _memory, _link, _rolled_up, _damaged)


def seeds() -> list[Path | str | bytes]:
    """Each step alone and with a stream around it, with texts of each kind."""
    found: list[Path | str | bytes] = [b""]
    for step in range(len(STEPS)):
        for kind in range(4):
            found.append(bytes([step, kind, kind, step, 0, kind * 3, 1, 9]) + b"a<b\0" + bytes([step]))
    session = bytes([STEPS.index(_session), 200, 0, 0, 0, 1, 1, 9])
    run = bytes([STEPS.index(_run), 6, 0, 0, 5, 16, 2, 1, 2])
    found.append(session + run * 5)
    found += [bytes([3, 0, at, 40, 0, at, 2, 0, at]) for at in range(len(HOSTILE))]
    return found
