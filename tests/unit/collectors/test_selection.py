from __future__ import annotations

import pytest

from belabox_metrics import selection
from belabox_metrics.errors import ConfigProblem
from belabox_metrics.selection import Selection


@pytest.mark.parametrize(
    ("include", "exclude", "name", "taken"),
    [
        ([], [], "eth0", True),
        ([], ["lo"], "lo", False),
        ([], ["lo"], "wlo1", True),
        ([], ["lo"], "lo0", True),
        (["eth.*"], [], "eth0", True),
        (["eth.*"], [], "veth0", False),
        (["eth0"], ["eth.*"], "eth0", False),
        (["a|b"], [], "b", True),
        (["a|b"], [], "bc", False),
        (["^eth0$"], [], "eth0", True),
        (["[a-z]+[0-9]"], [], "we\\xff", False),
        ([".*"], [], "", True),
    ],
)
def test_whole_names(include: list[str], exclude: list[str], name: str, taken: bool) -> None:
    assert Selection(include, exclude).takes(name) is taken


def without_patterns(monkeypatch: pytest.MonkeyPatch, chosen: Selection) -> Selection:
    def judged(*_: object) -> bool:
        raise AssertionError("judged again")

    monkeypatch.setattr(chosen, "_matches", judged)
    return chosen


def test_what_was_decided_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Selection([], ["lo"])
    assert [first.takes(name) for name in ("lo", "eth0", "+x", "-y")] == [False, True, True, True]
    again = without_patterns(monkeypatch, Selection([], ["lo"], first.remember()))
    assert [again.takes(name) for name in ("lo", "eth0", "+x", "-y")] == [False, True, True, True]
    assert again.remember() == first.remember()


@pytest.mark.parametrize(("include", "exclude"), [(["lo"], []), ([], []), ([], ["l", "o"]), ([".*"], ["x"])])
def test_other_patterns_decide_anew(include: list[str], exclude: list[str]) -> None:
    first = Selection([], ["lo"])
    first.takes("lo")
    assert Selection(include, exclude, first.remember()).takes("lo") is True


def test_names_that_are_gone_are_forgotten_and_the_rest_is_bounded() -> None:
    first = Selection([], [])
    first.takes("gone")
    second = Selection([], [], first.remember())
    for number in range(1000):
        second.takes(f"veth{number}")
    words = second.remember().split(" ")
    assert len(words) == 1 + selection.REMEMBERED
    assert "+gone" not in words


@pytest.mark.parametrize("memo", ["", "x", " ", "00000000 +eth0", "\x00", "  +eth0  -", "9" * 10_000])
def test_a_memo_of_another_version_is_ignored(memo: str) -> None:
    assert Selection([], ["eth0"], memo).takes("eth0") is False


@pytest.mark.parametrize("pattern", ["(", "[", "*", "a{2,1}", "(?P<n>", "\\"])
def test_a_pattern_that_is_none(pattern: str) -> None:
    with pytest.raises(ConfigProblem, match="is not a regular expression") as caught:
        Selection([], [pattern]).takes("eth0")
    assert caught.value.exit_code == 78
