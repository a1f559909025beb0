"""What the Go system had not sent is sent, once; what it had sent is not sent again."""

from __future__ import annotations

import gzip
import http.server
import json
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from belabox_metrics import clock
from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.upload import uploader

from .conftest import DATABASES, Box, Row, of_go


class Server:
    """`arrived`: (name, time, value) of all that was accepted, as often as it was."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, int, float]] = []
        arrived = self.arrived

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                text = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
                for line in map(json.loads, text.splitlines()):
                    name = ",".join(value for key, value in sorted(line["metric"].items()) if key != "device_id")
                    arrived.extend((name, *pair) for pair in zip(line["timestamps"], line["values"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/v1/import"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def now() -> Moment:
    moment = clock.now()
    return Moment(moment.wall_ms, moment.boottime_ms, moment.boot_id, True)


def upload(box: Box, server: Server) -> None:
    replace_settings(
        box.store.path,
        [
            ("device", "id", 0, "belabox-001"),
            ("remote", "url", 0, server.url),
            ("remote", "enabled", 0, 1),
            ("remote", "timeout_ms", 0, 60_000),
        ],
    )
    assert uploader.upload(box.store, now(), everything=True) == 0


def pending(script: str) -> Counter[tuple[str, int, float]]:
    """As Server has them."""
    found: Counter[tuple[str, int, float]] = Counter()
    wanted: set[Row] = {row for row in of_go(script) if not row[-1] and row[4] == 0}
    for time, name, value, _, _, tags, *_ in wanted:
        sent = str(name).replace(".", "_")
        sent += "_celsius" if "temp" in sent else ""
        words = {"__name__": sent, **dict(tags)}  # type: ignore[call-overload]
        found[",".join(word for _, word in sorted(words.items())), int(str(time)), float(str(value))] += 1
    return found


@pytest.mark.parametrize("script", sorted(path.name for path in DATABASES.glob("go-*.sql")))
def test_what_was_pending_arrives_once_and_nothing_else(box: Box, server: Server, script: str) -> None:
    box.go(script).take_over()
    upload(box, server)
    assert Counter(server.arrived) == pending(script)
    assert queue.pending_count(box.store.connection()) == 0
    assert box.sql("SELECT count(*) FROM metrics WHERE NOT uploaded AND value_type = 0") == [(0,)]
    upload(box, server)
    assert len(server.arrived) == sum(pending(script).values())


def test_what_is_collected_meanwhile_goes_too_while_old_rows_still_come(box: Box, server: Server) -> None:
    many = "INSERT INTO metrics SELECT NULL, timestamp_ms + {0} * 200000, metric_name, metric_value, value_text,"
    many += " value_type, tags, session_id, device_id, uploaded, priority, dedup_key || {0} FROM metrics WHERE id <= 88"
    box.go("go-v2.sql", *[many.format(time) for time in range(1, 40)])
    left = 10
    while not box.take_over(seconds=0).done:
        with box.store.writing() as connection:
            runs.add(connection, runs.Run("collect", now(), metric="n", samples=[Sample("n.value", left)]))
        upload(box, server)
        left += 1
    upload(box, server)
    assert left > 12
    counted = Counter(server.arrived)
    assert max(counted.values()) == 1
    assert len([name for name, _, _ in counted if name == "n_value"]) == left - 10
    assert len(counted) == 40 * sum(pending("go-v2.sql").values()) + left - 10
