from __future__ import annotations

import pytest
import yaml

from belabox_metrics.config.edit import NoPlaceFound, with_settings

URL = "http://metrics.example:8428/api/v1/import"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("remote:\n  url: old\n", f'remote:\n  url: "{URL}"\n'),
        ("remote:\n  url:\n", f'remote:\n  url: "{URL}"\n'),
        ("remote:\n  enabled: true\n", f'remote:\n  url: "{URL}"\n  enabled: true\n'),
        ("# mine\nremote: {enabled: true}  # all\n", f'# mine\nremote: {{url: "{URL}", enabled: true}}  # all\n'),
        ("remote:\n", f'remote:\n  url: "{URL}"\n'),
        ("device:\n  id: a\n", f'device:\n  id: a\n\nremote:\n  url: "{URL}"\n'),
        ("", f'\nremote:\n  url: "{URL}"\n'),
        (f"remote:\n  url: {URL} # as it was\n", f"remote:\n  url: {URL} # as it was\n"),
    ],
    ids=["other", "empty", "missing", "flow", "bare section", "no section", "nothing", "already"],
)
def test_a_setting_finds_its_place(text: str, expected: str) -> None:
    assert with_settings(text, [("remote", "url", URL)]) == expected


def test_the_shipped_file_keeps_every_comment(pytestconfig: pytest.Config) -> None:
    shipped = (pytestconfig.rootpath / "configs/config.yaml").read_text()
    changed = with_settings(shipped, [("device", "id", "box-7"), ("remote", "url", URL), ("remote", "enabled", True)])
    assert [line.partition("#")[2] for line in changed.splitlines()] == [
        line.partition("#")[2] for line in shipped.splitlines()
    ]
    loaded = yaml.safe_load(changed)
    assert (loaded["device"]["id"], loaded["remote"]["url"], loaded["remote"]["enabled"]) == ("box-7", URL, True)


@pytest.mark.parametrize(
    "text", ["- a list\n", "remote: [1]\n", "remote: text\n", "a: b: c\n", "remote: &x {}\ny: *z\n"]
)
def test_where_it_can_not_be_placed_nothing_is_guessed(text: str) -> None:
    with pytest.raises(NoPlaceFound):
        with_settings(text, [("remote", "url", URL)])


@pytest.mark.parametrize("value", ['"', "\n", "a # b", "é", "no", "1", "{}", "%", "\\", "- x", ": "])
def test_a_value_is_never_more_than_a_value(value: str) -> None:
    assert yaml.safe_load(with_settings("device:\n  id: a\n", [("device", "id", value)])) == {"device": {"id": value}}
