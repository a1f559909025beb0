"""docs/metrics.md against what the collectors say of every box there is, and against the shipped configuration."""

from __future__ import annotations

import importlib
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Callable, NamedTuple

import pytest

from belabox_metrics import clock
from belabox_metrics.config import configuration, duration
from belabox_metrics.config.known import discover
from belabox_metrics.errors import NoData, Problem
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.database import Store
from belabox_metrics.world import World, defaults

if TYPE_CHECKING:
    from .conftest import Serve

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests/fixtures"
PAGE = (ROOT / "docs/metrics.md").read_text()
COLUMNS = ["series", "unit", "type", "tags", "what", "absent"]
SECTION = re.compile(r"^## `([a-z_.]+)`\n\n(.*?)\n\n\| (.*?)(?:\n\n|\n?\Z)", re.MULTILINE | re.DOTALL)


class Row(NamedTuple):
    """One documented series: tags that it always has, tags that it may have, whether no fixture shows it (None: either
    is fine)."""

    type: str
    always: frozenset[str]
    sometimes: frozenset[str]
    unseen: bool | None


class Section(NamedTuple):
    lead: str
    rows: dict[str, Row]


Seen = dict[str, set[frozenset[str]]]
Arrange = Callable[[Path, "Serve"], Iterator[World]]


def row(line: str) -> tuple[str, Row]:
    series, unit, kind, tags, _, absent = [cell.strip() for cell in line.strip("| ").split(" |")] + [""] * (
        6 - line.strip("| ").count(" |") - 1
    )
    assert unit or kind == "text", line
    bracketed = " ".join(re.findall(r"\((.*?)\)", tags))
    outside = re.sub(r"\(.*?\)", "", tags)
    names = [frozenset(re.findall("`(.+?)`", part)) for part in (outside, bracketed)]
    return series.strip("`"), Row(kind, names[0], names[1], "unseen: " in absent)


def sections() -> dict[str, Section]:
    found: dict[str, Section] = {}
    for metric, lead, table in SECTION.findall(PAGE):
        head, _, *lines = table.split("\n")
        assert [cell.strip() for cell in head.strip("| ").split("|")] == COLUMNS, metric
        assert metric not in found
        found[metric] = Section(" ".join(lead.split()), dict(map(row, lines)))
    return found


DOCUMENTED = sections()


def rows_of(metric: str) -> dict[str, Row]:
    """The rows of its section, and of the one that it says it has all of. Those are not all seen of it."""
    section = DOCUMENTED[metric]
    whole = re.search(r"All of `([a-z_.]+)`, and", section.lead)
    more = DOCUMENTED[whole[1]].rows if whole else {}
    return {**{series: row._replace(unseen=None) for series, row in more.items()}, **section.rows}


def boxes() -> list[Path]:
    folders = [folder for folder in FIXTURES.iterdir() if (folder / "proc").exists() or (folder / "sys").exists()]
    return sorted(folder for folder in folders if folder.suffix != ".later")


def a_file(name: str, path: str, **settings: object) -> Callable[[Path, Serve], Iterator[World]]:
    """A collector that is told of a file, which was written just now."""

    def arrange(folder: Path, _serve: Serve) -> Iterator[World]:
        shutil.copyfile(FIXTURES / path, folder / "source")
        yield World(str(folder), {name: "/source", **settings})

    return arrange


def relay(folder: Path, serve: Serve) -> Iterator[World]:
    for path in sorted((FIXTURES / "sls").glob("*.json")):
        body = path.read_bytes()
        yield World(str(folder), {"url": serve(b"HTTP/1.0 200 OK\r\n\r\n" + body)})


def gpsd(folder: Path, serve: Serve) -> Iterator[World]:
    for path in sorted((FIXTURES / "gpsd").iterdir()):
        said = path.read_bytes()

        def answer(connection: socket.socket, said: bytes = said) -> None:
            connection.recv(100)
            connection.sendall(said)

        yield World(str(folder), {"port": int(serve(answer).rpartition(":")[2])})


def streaming(folder: Path, _serve: Serve) -> Iterator[World]:
    """A box where belacoder runs, ffmpeg has written two thirds of its file (by now all of it), and srt-live-transmit
    its statistics."""
    for path, text in {
        "tmp/belacoder_br": "300000\n6000000\n",
        "proc/18/stat": "18 (belacoder) S 15 15\n",
        "progress": (FIXTURES / "ffmpeg/progress.txt").read_text().rpartition("progress=end")[0],
        "statistics": (FIXTURES / "srt-live-transmit/tx-stats.json").read_text(),
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    start = "1000 1 0 0 0"  # written long ago, one frame
    yield World(str(folder), {"progress_file": "/progress", "statistics_file": "/statistics"}, f"\n\n{start}\n\n\n")


def database(folder: Path, _serve: Serve) -> Iterator[World]:
    """One collection and one upload are in it."""
    store = Store(str(folder / "metrics.db"))
    with store.writing() as connection:
        for job in ("collect", "upload"):
            runs.add(connection, runs.Run(job, clock.now(), samples=[Sample("n", 1)]))
    yield World(connection=store.connection())
    store.close()


def a_stream_in_the_database(folder: Path, _serve: Serve) -> Iterator[World]:
    """Three collections of each metric that one is made of, ten seconds apart."""
    store = Store(str(folder / "metrics.db"))
    given = {
        "stream.session": [("stream.live", 1), ("stream.uptime_seconds", 100), ("stream.reconnects_total", 0)],
        "stream.links": [("stream.links", 2), ("stream.links_active", 2), ("stream.bitrate_kbps", 5000)],
        "encoder": [("encoder.frame_rate_fps", 30)],
        "srt.relay": [("srt.latency_ms", 2000), ("srt.rtt_ms", 40)],
    }
    now = clock.now()
    with store.writing() as connection:
        for ago_ms in (20_000, 10_000, 0):
            at = clock.Moment(now.wall_ms - ago_ms, now.boottime_ms - ago_ms, now.boot_id, False)
            for metric, values in given.items():
                samples = [Sample(name, value) for name, value in values]
                runs.add(connection, runs.Run("collect", at, metric=metric, samples=samples))
    began_ms = now.boottime_ms - 100_000
    yield World(connection=store.connection(), state=f"{began_ms} 0 0 0", elapsed_ms=10_000, moment=now)
    store.close()


def journal(folder: Path, _serve: Serve) -> Iterator[World]:
    pytest.importorskip("systemd._reader")
    (folder / "var/log/journal").mkdir(parents=True)
    yield World(str(folder), {})


def bonded(folder: Path, serve: Serve) -> Iterator[World]:
    """The box that streams, with a sender that tells and a relay that can be asked."""
    live = folder / "live"
    shutil.copytree(FIXTURES / "belabox-live", live)
    shutil.copyfile(FIXTURES / "srtla-telemetry/ceralive-stats-file.json", live / "tmp/telemetry")
    said = (FIXTURES / "sls/irlserver-stats-current.json").read_bytes()
    settings: dict[str, object] = {"url": serve(b"HTTP/1.0 200 OK\r\n\r\n" + said), "telemetry": "/tmp/telemetry"}
    world = World(str(live), settings)
    yield world
    (live / "sys/class/net/eth0/statistics/tx_bytes").write_text("900000000\n")
    yield World(str(live), settings, world.state, 10_000)


# What a folder can't be: files of somebody else's program, servers. More than one for a metric is as good.
ARRANGED: dict[str, list[Arrange]] = {
    "srt.packet_loss": [
        relay,
        a_file("file", "srtla-telemetry/ceralive-stats-file.json"),
        *[a_file("file", f"srt-live-transmit/{side}-stats-loss2pct.json") for side in ("rx", "tx")],
    ],
    "srt.relay": [relay],
    "gps": [gpsd],
    "encoder": [streaming],
    "meta": [database],
    "stream.events": [journal],
    "stream.links": [bonded],
    "stream.health": [a_stream_in_the_database],
}


def worlds(metric: str, folder: Path, serve: Serve) -> Iterator[tuple[World, str]]:
    """Each world the metric is read in, and the root of the same box ten seconds later."""
    settings = defaults(discover()[metric].settings)
    for box in boxes():
        later = box.with_name(f"{box.name}.later")
        yield World(str(box), dict(settings)), str(later if later.exists() else box)
    for arrange in ARRANGED.get(metric, []):
        for world in arrange(folder, serve):
            world.settings = {**settings, **world.settings}
            yield world, world.root


def emitted(metric: str, folder: Path, serve: Serve) -> Seen:
    """Series -> the sets of tags it came with."""
    collector = importlib.import_module(f"belabox_metrics.collectors.{metric.replace('.', '_')}")
    seen: Seen = {}
    for world, later in worlds(metric, folder, serve):
        for root in (world.root, later):
            world.root = root
            try:
                reading = collector.collect(world)
            except (NoData, Problem):
                break
            for sample in reading.samples:
                seen.setdefault(sample.name, set()).add(frozenset(sample.tags))
            world.state, world.elapsed_ms = reading.state, 10_000
    return seen


@pytest.mark.parametrize("metric", DOCUMENTED)
def test_the_page_says_what_the_collector_gives(metric: str, tmp_path: Path, serve: Serve) -> None:
    rows = rows_of(metric)
    seen = emitted(metric, tmp_path, serve)
    assert sorted(set(seen) - set(rows)) == [], "given, but not in docs/metrics.md"
    shown = [series for series, row in rows.items() if row.unseen is False]
    assert [series for series in shown if series not in seen] == [], "in docs/metrics.md, but no fixture gives it"
    assert [series for series in seen if rows[series].unseen] == [], "no longer unseen"
    for series, sets in seen.items():
        row = rows[series]
        for tags in sets:
            assert row.always <= tags <= row.always | row.sometimes, series


def test_every_metric_is_on_the_page() -> None:
    assert sorted(DOCUMENTED) == sorted(discover())
    assert PAGE.count("\n## ") == len(DOCUMENTED), "a section could not be read"


def test_a_series_belongs_to_one_metric() -> None:
    names = [series for section in DOCUMENTED.values() for series in section.rows]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("metric", DOCUMENTED)
def test_counters_are_called_so(metric: str) -> None:
    for series, row in DOCUMENTED[metric].rows.items():
        assert row.type in ("gauge", "counter", "text"), series
        assert (row.type == "counter") == series.endswith("_total"), series


def test_intervals_are_those_of_the_shipped_configuration() -> None:
    shipped = {metric.name: metric for metric in configuration.load(str(ROOT / "configs/config.yaml")).metrics}
    for metric, section in DOCUMENTED.items():
        found = re.match(r"(Every|Off, else every) (\w+)[,.]", section.lead)
        assert found, metric
        assert duration.parse(found[2]) == shipped[metric].interval_ms, metric
        assert (found[1] == "Every") == (shipped[metric].reason != "disabled"), metric
        assert "No data" in section.lead, metric
