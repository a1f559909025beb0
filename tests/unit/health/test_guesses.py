"""Who tries tokens is heard for ten of them a minute, and nobody else notices."""

from __future__ import annotations

import pytest

from belabox_metrics.health import guesses
from belabox_metrics.health.access import Access, packed
from belabox_metrics.health.guesses import Guesses

from .test_access import BROWSER, TOKEN, asked, header

FAR = "203.0.113.9"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def guess(access: Access, peer: str = FAR, how: str = "Authorization: Bearer {}", token: str = "wrong") -> int:
    target, fields = ("/?token=" + token, []) if how == "query" else ("/", [how.format(token)])
    answer = access.refusal(asked(peer, target, *fields))
    return 200 if answer is None else answer.status


@pytest.mark.parametrize("how", ["Authorization: Bearer {}", "query"])
def test_after_ten_wrong_ones_the_right_one_is_not_heard_either(how: str) -> None:
    access = Access([], TOKEN)
    assert [guess(access, how=how) for _ in range(guesses.MOST)] == [401] * guesses.MOST
    assert guess(access, how=how) == 429
    assert guess(access, token=TOKEN) == 429
    refused = access.refusal(asked(FAR, f"/?token={TOKEN}", BROWSER))
    assert refused is not None
    assert refused.status == 429
    assert 0 < int(header(refused, "Retry-After")) <= guesses.WINDOW_S
    assert "too many wrong tokens: ask again in" in refused.body.decode()
    assert guess(access, "203.0.113.10", token=TOKEN) == 200
    assert guess(access, "127.0.0.1") == 200


def test_who_shows_none_or_has_the_cookie_is_not_counted() -> None:
    access = Access([], TOKEN)
    known = access.refusal(asked(FAR, "/?token=" + TOKEN.replace("+", "%2b"), BROWSER))
    assert known is not None
    cookie = "Cookie: " + header(known, "Set-Cookie").partition(";")[0]
    for _ in range(3 * guesses.MOST):
        assert guess(access, how="Accept: text/plain") == 401
        assert guess(access, how="Cookie: belabox-metrics=0123") == 401
    assert guess(access, token=TOKEN) == 200
    for _ in range(guesses.MOST + 1):
        guess(access)
    assert guess(access) == 429
    assert guess(access, how=cookie) == 200


def test_it_is_over_after_a_minute() -> None:
    clock = Clock()
    found = Guesses(clock)
    address = packed(FAR) or b""
    for _ in range(guesses.MOST):
        assert found.wait_s(address) == 0
        found.wrong(address)
    assert found.wait_s(address) == 61
    clock.now += 59.5
    assert found.wait_s(address) == 1
    clock.now += 0.5
    assert found.wait_s(address) == 0


def test_a_household_of_ipv6_is_one_and_the_table_does_not_grow() -> None:
    found = Guesses(Clock())
    for number in range(guesses.MOST):
        found.wrong(packed(f"2001:db8::{number:x}") or b"")
    assert found.wait_s(packed("2001:db8::ffff") or b"") > 0
    assert found.wait_s(packed("2001:db8:0:1::1") or b"") == 0
    for number in range(4 * guesses.SOURCES):
        found.wrong(number.to_bytes(4, "big"))
    assert found.wait_s(packed("2001:db8::ffff") or b"") == 0, "the oldest are forgotten"
