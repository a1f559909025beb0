"""configs/vmauth.example.yml before a real VictoriaMetrics: who sees and writes what."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from tests.markdown import ROOT
from tests.ports import free_port

pytestmark = pytest.mark.server

EXAMPLE = ROOT / "configs/vmauth.example.yml"
NOW_MS = 1_750_000_000_000


class Cluster:
    """What vminsert and vmselect would be asked, as no cluster is at hand: paths with their queries."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        cluster = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                cluster.asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            do_POST = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Front:
    """vmauth with the example, its hosts being here; `store` is the VictoriaMetrics behind it."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.cluster = cluster
        store, front = free_port(), free_port()
        self.store, self.url = f"http://127.0.0.1:{store}", f"http://127.0.0.1:{front}"
        self.users = folder / "users.yml"
        here = f"127.0.0.1:{cluster.server.server_port}"
        text = EXAMPLE.read_text().replace("victoriametrics:8428", f"127.0.0.1:{store}")
        self.users.write_text(text.replace("vminsert:8480", here).replace("vmselect:8481", here))
        data = [f"-storageDataPath={folder}/data", "-retentionPeriod=10y", f"-httpListenAddr=127.0.0.1:{store}"]
        users = [f"-auth.config={self.users}", f"-httpListenAddr=127.0.0.1:{front}"]
        self._log = (folder / "log").open("wb")
        self._running = [
            subprocess.Popen([shutil.which(name) or name, *options], stderr=self._log)
            for name, options in (("victoria-metrics", data), ("vmauth", users))
        ]
        deadline = time.monotonic() + 120
        for url in (self.store, self.url):
            while not _is_up(url):
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)

    def post(self, token: str, box: str, path: str = "/api/v1/import") -> int:
        line = {"metric": {"__name__": "x", "device_id": box, "by": token}, "values": [1], "timestamps": [NOW_MS]}
        return requests.post(self.url + path, data=json.dumps(line), headers=_bearer(token), timeout=60).status_code

    def boxes(self, url: str, **access: object) -> set[str]:
        """Whose samples are shown by /api/v1/export."""
        requests.get(f"{self.store}/internal/force_flush", timeout=60).raise_for_status()
        query = {"match[]": '{__name__!=""}', "start": "1", "end": "4000000000"}
        answer = requests.get(f"{url}/api/v1/export", params=query, timeout=60, **access)  # type: ignore[arg-type]
        answer.raise_for_status()
        return {json.loads(line)["metric"]["device_id"] for line in answer.text.splitlines()}

    def read_again(self) -> None:
        os.kill(self._running[1].pid, signal.SIGHUP)

    def close(self) -> None:
        for process in self._running:
            process.terminate()
            process.wait(120)
        self._log.close()
        self.cluster.server.shutdown()
        self.cluster.server.server_close()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    front = Front(tmp_path_factory.mktemp("vmauth"), Cluster())
    requests.post(
        f"{front.store}/api/v1/import",
        data=f'{{"metric":{{"__name__":"x","device_id":"box-009"}},"values":[1],"timestamps":[{NOW_MS}]}}',
        timeout=60,
    ).raise_for_status()
    yield front
    front.close()


def test_a_box_writes_as_itself_whoever_it_says_it_is(front: Front) -> None:
    assert front.post("change-me-1", "box-001") == 204
    assert front.post("change-me-1", "box-777") == 204
    assert front.boxes(front.store) == {"box-001", "box-009"}


def test_a_box_sees_its_own_samples_and_a_dashboard_all(front: Front) -> None:
    assert front.post("change-me-1", "box-001") == 204
    assert front.boxes(front.url, headers=_bearer("change-me-1")) == {"box-001"}
    assert front.boxes(front.url, auth=("grafana", "change-me-too")) == {"box-001", "box-009"}


@pytest.mark.parametrize(
    ("token", "path"),
    [
        ("nobody", "/api/v1/import"),
        ("change-me-1", "/api/v1/query"),
        ("change-me-1", "/api/v1/admin/tsdb/delete_series"),
        ("change-me-1", "/internal/force_flush"),
    ],
)
def test_nothing_else_is_open_to_it(front: Front, token: str, path: str) -> None:
    assert front.post(token, "box-001", path) in (400, 401, 403)


def test_the_time_may_be_asked_by_all(front: Front) -> None:
    """The clock job of a box compares itself with it."""
    assert requests.get(f"{front.url}/health", timeout=60).headers["Date"]


def test_on_a_cluster_each_box_has_its_account(front: Front) -> None:
    assert front.post("change-me-2", "box-002") == 204
    assert front.cluster.asked.pop() == "/insert/42/prometheus/api/v1/import?extra_label=device_id=box-002"
    requests.get(f"{front.url}/api/v1/export?start=1", headers=_bearer("change-me-2"), timeout=60)
    path, _, query = front.cluster.asked.pop().partition("?")
    assert path == "/select/42/prometheus/api/v1/export"
    assert "extra_filters" in query
    assert "box-002" in query


def test_a_box_whose_lines_are_removed_is_shut_out(front: Front) -> None:
    users = front.users.read_text()
    front.users.write_text(users.replace("change-me-2", "changed"))
    front.read_again()
    deadline = time.monotonic() + 120
    while front.post("change-me-2", "box-002") == 204:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert front.post("change-me-1", "box-001") == 204


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=60).ok
    except requests.RequestException:
        return False
