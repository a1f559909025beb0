"""docs/monitoring.md and configs/docker-compose.yml: what they promise is there, and their expressions have answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from . import fleet
from .conftest import Server
from .test_dashboards import BOARDS, DOCUMENTED, OTHERS, ask, metrics_of

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
PAGE = (ROOT / "docs/monitoring.md").read_text()
QUERIES = re.findall(r"^\| [^|]+ \| `(.+)` \|$", PAGE.split("## Queries")[1].split("## Alerts")[0], re.MULTILINE)
COMPOSE: dict[str, Any] = yaml.safe_load((CONFIGS / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@pytest.fixture(scope="module")
def loaded(server: Server) -> Server:
    fleet.load(server.url)
    return server


@pytest.mark.parametrize("expr", QUERIES)
def test_a_query_of_the_page_has_an_answer(loaded: Server, expr: str) -> None:
    found = ask(loaded, expr, True, fleet.END)
    assert [line for line in found if line["metric"].get("device_id") in fleet.BOXES], expr
    assert metrics_of(expr) <= DOCUMENTED | OTHERS


def test_the_page_has_queries_to_try() -> None:
    assert len(QUERIES) > 10


def test_every_series_of_the_recorder_is_on_the_page() -> None:
    source = (ROOT / "lib/belabox_metrics/exposition/recorder.py").read_text()
    given = re.findall(r'own\.(gauge|counter)\(\s*"(\w+)"', source)
    assert len(given) > 20
    for kind, name in given:
        (line,) = [line for line in PAGE.split("\n") if re.match(rf"\| .*`belabox_{name}(\{{|`)", line)]
        assert f"| {kind} |" in line


def test_the_page_names_the_dashboards_that_there_are() -> None:
    named = re.findall(r"^\| `configs/grafana/(\w+)\.json` \| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert dict(named) == {name: board["uid"] for name, board in BOARDS.items()}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_what_it_mounts_and_a_version(service: str) -> None:
    said = SERVICES[service]
    assert re.fullmatch(r"[\w./-]+:v?\d[\w.-]*", said["image"])
    for volume in said["volumes"]:
        source, _, _ = volume.partition(":")
        if source.startswith("."):
            assert (CONFIGS / source).is_dir(), volume
            assert volume.endswith(":ro")
        else:
            assert source in COMPOSE["volumes"]
    assert set(said.get("depends_on", [])) <= set(SERVICES)
    assert said["logging"]["options"].keys() == {"max-size", "max-file"}, "what it says would fill the disk"


def test_services_find_each_other() -> None:
    """Each URL that names a service has the port that one listens on."""
    listens = {"victoriametrics": "8428", "vmalert": "8880", "grafana": "3000", "receiver": "9090"}
    sources = yaml.safe_load((CONFIGS / "grafana/provisioning/datasources/victoriametrics.yml").read_text())
    texts = [str(word) for service in SERVICES.values() for word in service.get("command", [])]
    texts += [source["url"] for source in sources["datasources"]]
    named = [found for text in texts for found in re.findall(r"=?http://(\w+):(\d+)", text)]
    assert len(named) >= 5
    assert [pair for pair in named if listens.get(pair[0]) != pair[1]] == []
    for service, port in listens.items():
        (published,) = SERVICES[service]["ports"]
        assert published.split(":")[-1] == port


def test_what_is_public_is_told() -> None:
    public = {name for name, service in SERVICES.items() if not service["ports"][0].startswith("127.0.0.1:")}
    told = set(re.findall(r"^\| `(\w+)` \| \d+, to all \|", PAGE, re.MULTILINE))
    assert public == told == {"victoriametrics", "receiver"}


def test_grafana_is_given_the_dashboards() -> None:
    (provider,) = yaml.safe_load((CONFIGS / "grafana/provisioning/dashboards/belabox.yml").read_text())["providers"]
    mounts = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    assert mounts["./grafana"] == provider["options"]["path"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (CONFIGS / "grafana" / home.removeprefix(f"{provider['options']['path']}/")).is_file()
    assert mounts["./grafana/provisioning"] == "/etc/grafana/provisioning"
