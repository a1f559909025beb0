"""Who asks a box from outside: a stranger is never answered, whatever he sends; and what a server answers a box."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress

from belabox_metrics.config import address
from belabox_metrics.config.findings import Unfit
from belabox_metrics.health.access import COOKIE, Access, Network, packed
from belabox_metrics.health.answer import Answer
from belabox_metrics.health.request import Refusal, Request, parse

from .draw import Draw
from .target import Target

TOKEN = "the-token-0123456789abcdef"
NETWORKS: tuple[list[str], ...] = (["10.0.0.0/8"], ["fd00::/8", "192.168.0.0/16"], [])
# This box, those who may, and strangers: with and without the spelling of IPv4 in IPv6, and with a zone.
OWN = ("127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1", "")
STRANGERS = ("203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1", "fe80::1%eth0", "11.0.0.1", "no address", "256.1.1.1")
HEAD = b"GET /?x=1 HTTP/1.1\r\nHost: box:9100\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\n"


def stranger(data: bytes) -> None:
    """Without the token he gets a refusal that HTTP knows; with it, and from this box, an answer."""
    draw = Draw(data)
    networks, peer, own = draw.pick(NETWORKS), draw.pick(STRANGERS), draw.pick(OWN)
    proves = draw.number(4) == 0
    asked = _parsed(data[4:])
    if asked is None:
        return
    open_to = Access(networks, "")
    with_token = Access(networks, TOKEN)
    asked.peer = peer
    _refused(open_to.refusal(asked))
    if TOKEN.encode() not in data and _cookie(with_token).encode() not in data:
        _refused(with_token.refusal(asked))
    if proves:
        shown = Request(asked.method, "/", [b"Authorization: Bearer " + TOKEN.encode()], 0)
        shown.peer = peer
        assert with_token.refusal(shown) is None
    asked.peer = own
    assert open_to.refusal(asked) is None
    assert with_token.refusal(asked) is None


def _parsed(data: bytes) -> Request | None:
    try:
        return parse(data)
    except Refusal as refusal:
        refused = refusal
    assert 400 <= refused.status < 500
    assert str(refused).isprintable()
    return None


def _cookie(access: Access) -> str:
    return access._cookie()


def _refused(answer: Answer | None) -> None:
    assert answer is not None, "a stranger was answered"
    assert answer.status in (200, 401, 403)
    lines = answer.head().split(b"\r\n")
    assert lines[-2:] == [b"", b""]
    assert all(re.fullmatch(rb"[A-Za-z-]+: [ -~]*", line) for line in lines[1:-2])
    assert not any(line.startswith((b"Set-Cookie", b"Location")) for line in lines)
    assert TOKEN.encode() not in answer.body


def welcome(data: bytes) -> None:
    """Who shows the token in the address is sent to the same place without it, on this box and nowhere else."""
    with suppress(Refusal):
        asked = parse(
            b"GET /"
            + data[:900].replace(b"\n", b"")
            + b"?token="
            + TOKEN.encode()
            + b" HTTP/1.1\r\n"
            + HEAD[23:]
            + b"\r\n"
        )
        if asked is None:
            return
        asked.peer = "203.0.113.9"
        answer = Access([], TOKEN).refusal(asked)
        if answer is None or answer.status != 303:
            return
        fields = [line for line in answer.head().decode("latin-1").split("\r\n") if line.startswith("Location: ")]
        place = fields[0].partition(": ")[2]
        assert re.fullmatch(r"/(?![/\\])[!-~]*", place), place
        assert TOKEN not in place.partition("?")[2]
        assert TOKEN not in str([line for line in answer.head().decode("latin-1").split("\r\n") if COOKIE in line])


def networks(data: bytes) -> None:
    """What the configuration takes for a network, the responder reads as the same one."""
    text, _, asks = data.decode("latin-1").partition("\n")
    try:
        accepted = address.network(text)
    except Unfit:
        return
    known, network = ipaddress.ip_network(accepted), Network(accepted)
    found = packed(asks)
    if found is not None:
        one = ipaddress.ip_address(asks.partition("%")[0])
        one = getattr(one, "ipv4_mapped", None) or one
        assert network.holds(found) == (one.version == known.version and one in known), (text, asks)


TARGETS = [
    Target(
        "health.stranger",
        stranger,
        [b"\0\0\0\1" + HEAD + b"\r\n", b"\1\1\1\0" + HEAD + b"Cookie: belabox-metrics=x\r\n\r\n"],
    ),
    Target("health.welcome", welcome, [b"", b"report/", b"/evil.example/", b"\\evil.example"]),
    Target(
        "health.networks",
        networks,
        ["10.0.0.0/8\n10.1.2.3", "fe80::/10\nfe80::1%eth0", "::ffff:0:0/96\n::ffff:1.2.3.4"],
    ),
]
