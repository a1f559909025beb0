"""Who is answered, by address and by token; what a browser and a program are told who are not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from belabox_metrics.errors import ConfigProblem
from belabox_metrics.health import access
from belabox_metrics.health.access import Access, Network, packed
from belabox_metrics.health.answer import Answer
from belabox_metrics.health.request import Request, parse

TOKEN = "s3cret/with=odd+signs"
HOME = ["10.0.0.0/8", "192.168.0.0/16", "fe80::/10", "fd00::/8"]
BROWSER = "Accept: text/html,*/*"


def asked(peer: str, target: str = "/", *fields: str) -> Request:
    request = parse("\r\n".join([f"GET {target} HTTP/1.1", *fields, "", ""]).encode())
    assert request is not None
    request.peer = peer
    return request


def header(answer: Answer, name: str) -> str:
    found = re.search(rf"(?m)^{name}: (.*)\r$", answer.head().decode())
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("address", "welcome"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("", True),
        ("10.255.0.1", True),
        ("::ffff:10.1.2.3", True),
        ("192.168.7.7", True),
        ("fe80::1%eth0", True),
        ("fd12::1", True),
        ("11.0.0.1", False),
        ("172.16.0.1", False),
        ("192.169.0.1", False),
        ("203.0.113.9", False),
        ("::ffff:203.0.113.9", False),
        ("2001:db8::1", False),
        ("::", False),
        ("0.0.0.0", False),
        ("what is this", False),
    ],
)
def test_networks(address: str, welcome: bool) -> None:
    answer = Access(HOME, "").refusal(asked(address))
    assert (answer is None) is welcome
    assert answer is None or (answer.status, address in answer.body.decode()) == (403, True)


@pytest.mark.parametrize("text", ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "fe80::/129", "a/8", "10.0.0.0/-1"])
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(ValueError, match="is not a network"):
        Network(text)


def test_an_address_of_one_family_is_in_no_network_of_the_other() -> None:
    everybody = Network("::/0")
    found = packed("203.0.113.9")
    assert found is not None
    assert not everybody.holds(found)


@pytest.mark.parametrize(
    ("target", "fields", "status"),
    [
        ("/", (f"Authorization: Bearer {TOKEN}",), None),
        ("/", (f"authorization: bearer   {TOKEN}",), None),
        ("/health?token=s3cret%2Fwith%3Dodd%2Bsigns", (), None),
        ("/health?a=b&token=s3cret/with=odd%2Bsigns", (), None),
        ("/", (), 401),
        ("/", ("Authorization: Bearer",), 401),
        ("/", ("Authorization: Bearer wrong",), 401),
        ("/", (f"Authorization: Bearer {TOKEN}x",), 401),
        ("/?token=", (), 401),
        ("/?token=%", (), 401),
        ("/?token=%ff%00", (), 401),
        ("/?token=wrong", (), 401),
        ("/", ("Cookie: belabox-metrics=",), 401),
        ("/", (f"Cookie: belabox-metrics={TOKEN}",), 401),
        ("/", (f"Cookie: belabox-metrics={'0' * 64}",), 401),
        ("/", ("Cookie: belabox-metrics=\xff",), 401),
        ("/health/live", (), 401),
    ],
)
def test_tokens_from_elsewhere(target: str, fields: tuple[str, ...], status: int | None) -> None:
    answer = Access([], TOKEN).refusal(asked("203.0.113.9", target, *fields))
    assert (answer.status if answer else None) == status
    assert answer is None or TOKEN not in answer.body.decode() + answer.head().decode("latin-1")


def test_a_browser_is_asked_and_then_known() -> None:
    """It comes with the token once, and from then on with a cookie that does not tell it."""
    rules = Access([], TOKEN)
    form = rules.refusal(asked("203.0.113.9", "/", BROWSER))
    assert form is not None
    assert (form.status, b'name="token"' in form.body) == (401, True)
    wrong = rules.refusal(asked("203.0.113.9", "/?token=wrong", BROWSER))
    assert wrong is not None
    assert b"not the token" in wrong.body
    let_in = rules.refusal(asked("203.0.113.9", "/report/x?token=s3cret/with=odd%2Bsigns", BROWSER))
    assert let_in is not None
    assert (let_in.status, header(let_in, "Location")) == (303, "/report/x")
    cookie, *attributes = header(let_in, "Set-Cookie").split("; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    assert TOKEN not in cookie
    assert rules.refusal(asked("203.0.113.9", "/", f"Cookie: other=1; {cookie}")) is None
    assert Access([], "another").refusal(asked("203.0.113.9", "/", f"Cookie: {cookie}")) is not None


def test_who_shows_the_token_is_not_sent_to_another_host() -> None:
    answer = Access([], "t").refusal(asked("203.0.113.9", "//evil.example/?token=t", BROWSER))
    assert answer is not None
    assert header(answer, "Location") == "/evil.example/"


def test_the_rules_come_with_the_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert access.read().refusal(asked("10.0.0.1")) is not None, "unless told it is this box alone"
    monkeypatch.setenv(access.NETWORKS, "10.0.0.0/8 fe80::/10")
    assert access.read().refusal(asked("10.0.0.1")) is None
    (tmp_path / access.CREDENTIAL).write_text(f"{TOKEN}\n")
    monkeypatch.setenv(access.TOKEN_FILE, "/etc/belabox-metrics/page-token")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert access.read().refusal(asked("203.0.113.9", "/", f"Authorization: Bearer {TOKEN}")) is None
    (tmp_path / access.CREDENTIAL).write_text("two\nlines\n")
    with pytest.raises(ConfigProblem, match="page-token: is not one line"):
        access.read()
    monkeypatch.setenv(access.NETWORKS, "everybody")
    (tmp_path / access.CREDENTIAL).write_text("t")
    with pytest.raises(ConfigProblem, match="everybody is not a network"):
        access.read()


SURFER = ("User-Agent: Mozilla/5.0 (X11)", "Accept-Language: de")


@pytest.mark.parametrize(
    ("peer", "host", "fields", "welcome"),
    [
        ("192.168.7.7", "evil.example.com", SURFER, False),
        ("192.168.7.7", "evil.example.com:9100", SURFER, False),
        ("192.168.7.7", "192.168.1.5.evil.example", SURFER, False),
        ("192.168.7.7", "EVIL.EXAMPLE.", SURFER, False),
        ("192.168.7.7", "local.evil.example", SURFER, False),
        # A script may change these two, and can't take them away.
        ("192.168.7.7", "evil.example.com", ("User-Agent: curl/8", "Accept-Language:"), False),
        ("192.168.7.7", "192.168.1.5:9100", SURFER, True),
        ("fe80::1", "[fe80::2]:9100", SURFER, True),
        ("192.168.7.7", "belabox:9100", SURFER, True),
        ("192.168.7.7", "belabox.local:9100", SURFER, True),
        ("192.168.7.7", "belabox.fritz.box", SURFER, True),
        # Prometheus knows it by whatever name, and so does a proxy on the box.
        ("192.168.7.7", "box.example.com:9100", ("User-Agent: Prometheus/3",), True),
        ("127.0.0.1", "box.example.com", SURFER, True),
    ],
)
def test_a_site_can_not_read_through_a_visitor(peer: str, host: str, fields: tuple[str, ...], welcome: bool) -> None:
    request = asked(peer, "/", f"Host: {host}", *fields)
    answer = Access(HOME, "").refusal(request)
    assert (answer is None) is welcome
    assert answer is None or (answer.status, b"by the address of this box" in answer.body) == (403, True)


def test_who_has_the_token_may_use_any_name() -> None:
    fields = ("Host: box.example.com", *SURFER)
    rules = Access(HOME, TOKEN)
    assert rules.refusal(asked("192.168.7.7", "/", *fields, f"Authorization: Bearer {TOKEN}")) is None
    refused = rules.refusal(asked("192.168.7.7", "/", *fields))
    assert refused is not None
    assert refused.status == 401


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "/\\/evil.example/", "/\\\\evil.example/"])
def test_showing_the_token_leads_to_no_other_host(path: str) -> None:
    let_in = Access([], TOKEN).refusal(asked("203.0.113.9", f"{path}?token=s3cret/with=odd%2Bsigns", BROWSER))
    assert let_in is not None
    assert (let_in.status, header(let_in, "Location")) == (303, "/evil.example/")
