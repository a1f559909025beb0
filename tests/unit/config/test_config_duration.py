from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belabox_metrics.config import duration
from belabox_metrics.config.findings import Unfit


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("30s", 30_000),
        ("5m", 300_000),
        ("1h", 3_600_000),
        ("7d", 604_800_000),
        ("250ms", 250),
        ("1h30m", 5_400_000),
        ("1m500ms", 60_500),
        ("1d1h1m1s1ms", 90_061_001),
        ("0s", 0),
        ("90s", 90_000),
        ("007s", 7000),
    ],
)
def test_is_read(text: str, milliseconds: int) -> None:
    assert duration.parse(text) == milliseconds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("30", "30 has no unit (write 30s for seconds)"),
        ("", "'' is not a duration (write 250ms, 30s, 5m, 1h30m or 7d)"),
        ("1e3", "'1e3' is not a duration"),
        ("1.5s", "'1.5s' is not a duration"),
        ("-1s", "'-1s' is not a duration"),
        ("30m1h", "'30m1h' is not a duration"),
        ("1s1s", "'1s1s' is not a duration"),
        ("1 s", "'1 s' is not a duration"),
        ("30S", "'30S' is not a duration"),
        ("s", "'s' is not a duration"),
        ("30s\n", "'30s\\n' is not a duration"),
        ("\uff130s", "'\\uff130s' is not a duration"),
        ("1w", "'1w' is not a duration"),
        ("9999999999s", "'9999999999s' is not a duration"),
        ("1" * 5000 + "s", "'" + "1" * 40 + "'... is not a duration"),
    ],
)
def test_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Unfit) as caught:
        duration.parse(text)
    assert f"{caught.value.what} ({caught.value.hint})".startswith(reason)


@given(st.integers(min_value=0, max_value=10**14))
def test_is_spelled_as_it_is_read(milliseconds: int) -> None:
    assert duration.parse(duration.spell(milliseconds)) == milliseconds


def test_is_spelled_in_the_fewest_units() -> None:
    assert [duration.spell(ms) for ms in (0, 250, 5_400_000, 90_000)] == ["0s", "250ms", "1h30m", "1m30s"]
