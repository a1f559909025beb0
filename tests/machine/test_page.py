"""The health socket as others reach it: in its sandbox, with the kernel's filter, and the token as a credential."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .machine import Machine

pytestmark = pytest.mark.machine

CONFIG = "/etc/belabox-metrics/config.yaml"
TOKEN_FILE = "/etc/belabox-metrics/page-token"
TOKEN = "a-token-of-the-test"
# Addresses of this machine that stand for others': who asks one of them asks from it.
NEIGHBOUR, STRANGER = "192.168.77.7", "203.0.113.7"
SOCKET = "belabox-metrics-health.socket"


@pytest.fixture
def configured(machine: Machine) -> Iterator[Machine]:
    machine.run("cp", "-p", CONFIG, "/root/config.page")
    for address in (NEIGHBOUR, STRANGER):
        machine.run("ip", "address", "add", f"{address}/32", "dev", "lo")
    yield machine
    machine.run("cp", "-p", "/root/config.page", CONFIG)
    machine.run("belabox-metrics", "apply")
    for address in (NEIGHBOUR, STRANGER):
        machine.run("ip", "address", "delete", f"{address}/32", "dev", "lo")


def listen(machine: Machine, rest: str, check: bool = True) -> str:
    machine.run("cp", "-p", "/root/config.page", CONFIG)
    machine.run("sed", "-i", f"s|^  listen: .*|  listen: {rest}|", CONFIG)
    return machine.run("belabox-metrics", "apply", check=check).stderr


def status(machine: Machine, address: str, *options: str, path: str = "/health/live") -> str:
    """The status of an answer; 000 for none at all."""
    where = f"http://{address}:9100{path}"
    return machine.run(
        "curl", "-s", "-o", "/dev/null", "-m", "5", "-w", "%{http_code}", *options, where, check=False
    ).stdout


def test_the_page_is_there_in_the_sandbox(machine: Machine) -> None:
    answer = machine.http_get("/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "</html>" in answer.body
    assert "answers this box alone" in answer.body
    assert "Processor" in answer.body


def test_without_a_token_private_networks_alone(configured: Machine) -> None:
    listen(configured, '":9100"')
    assert status(configured, "127.0.0.1") == "200"
    assert status(configured, NEIGHBOUR, path="/") == "200"
    assert status(configured, STRANGER) in ("000", "403"), "where the kernel does not filter, the program refuses"


def test_with_a_token_whoever_shows_it(configured: Machine) -> None:
    configured.run("install", "-m", "600", "/dev/stdin", TOKEN_FILE, input=f"{TOKEN}\n")
    listen(configured, f'":9100"\\n  token_file: {TOKEN_FILE}')
    assert status(configured, "127.0.0.1") == "200"
    for address in (NEIGHBOUR, STRANGER):
        assert status(configured, address) == "401"
        assert status(configured, address, "-H", f"Authorization: Bearer {TOKEN}", path="/") == "200"


def test_a_port_that_is_taken_does_not_lose_the_old_one(configured: Machine) -> None:
    configured.run(
        "systemd-run", "--unit=taker", "python3", "-c",
        "import socket,time; s=socket.socket(); s.bind(('127.0.0.1',9300)); s.listen(); time.sleep(600)",
    )  # fmt: skip
    configured.wait_until(lambda: "127.0.0.1:9300" in configured.run("ss", "-ltn").stdout)
    try:
        said = listen(configured, "127.0.0.1:9300", check=False)
        assert "health.listen: 127.0.0.1:9300 can't be had: " in said
        # The file is watched, so the unit tries it as well.
        configured.wait_until(lambda: status(configured, "127.0.0.1") == "200")
        assert configured.systemctl("is-active", SOCKET) == "active"
    finally:
        configured.systemctl("stop", "taker.service")
    listen(configured, "127.0.0.1:9300")
    configured.wait_until(lambda: "127.0.0.1:9300" in configured.run("ss", "-ltn").stdout)
