"""Secrets that units are handed: when, which, and what is said when one is missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from belabox_metrics.config.configuration import load
from belabox_metrics.remote import credentials
from belabox_metrics.schedule import check, secrets, units

if TYPE_CHECKING:
    from .conftest import Box

DROP_INS = [
    "belabox-metrics-upload.service.d/60-secrets.conf",
    "belabox-metrics-clock.service.d/60-secrets.conf",
]
REMOTE = "url: 'http://x/api/v1/import'"


def render(tmp_path: Path, remote: str) -> dict[str, str]:
    path = tmp_path / "config.yaml"
    path.write_text(f"device: {{id: box}}\nmetrics: []\nremote: {{{remote}}}\n")
    return units.render(load(str(path)))


@pytest.mark.parametrize(
    ("remote", "lines"),
    [
        (f"{REMOTE}, auth: {{type: bearer_token}}", ["LoadCredential=api-token:/etc/belabox-metrics/api-token"]),
        (
            f"{REMOTE}, auth: {{type: basic, username: box}}",
            ["LoadCredential=api-token:/etc/belabox-metrics/api-token"],
        ),
        (
            f"{REMOTE}, tls: {{ca_file: /etc/ca.pem, client_certificate: '/etc/a b%c', client_key: '/etc/k:1'}}",
            [
                "LoadCredential=ca:/etc/ca.pem",
                "LoadCredential=client-certificate:/etc/a b%%c",
                "LoadCredential=client-key:/etc/k:1",
            ],
        ),
    ],
    ids=["token", "basic", "tls"],
)
def test_who_talks_to_the_server_is_handed_what_is_configured(tmp_path: Path, remote: str, lines: list[str]) -> None:
    found = render(tmp_path, remote)
    for path in DROP_INS:
        assert found[path].split("[Service]\n")[1].splitlines() == lines
    assert [path for path in found if ".d/" in path] == DROP_INS


@pytest.mark.parametrize(
    "remote", [REMOTE, f"{REMOTE}, auth: {{type: none}}", f"{REMOTE}, enabled: false, auth: {{type: bearer_token}}"]
)
def test_nobody_is_handed_what_he_does_not_need(tmp_path: Path, remote: str) -> None:
    """A file that is missing would keep the unit from starting."""
    assert [path for path in render(tmp_path, remote) if ".d/" in path] == []


def test_a_drop_in_does_not_hide_another(tmp_path: Path) -> None:
    """Of two with one name systemd takes that of the unit, and what holds for all of them would be lost."""
    path = tmp_path / "config.yaml"
    remote = f"remote: {{{REMOTE}, auth: {{type: bearer_token}}}}\n"
    path.write_text(f"device: {{id: box}}\nmetrics: []\nlogging: {{level: warn}}\n{remote}")
    found = {Path(name) for name in units.render(load(str(path))) if ".d/" in name}
    for_all = {name.name for name in found if str(name.parent) == "belabox-metrics-.service.d"}
    for_upload = {name.name for name in found if str(name.parent) == "belabox-metrics-upload.service.d"}
    assert for_all
    assert for_upload
    assert not for_all & for_upload


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "api-token"
    monkeypatch.setattr(credentials, "TOKEN_FILE", str(path))
    return path


def written(tmp_path: Path, remote: str) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(f"device: {{id: box}}\nmetrics: []\nremote: {{{REMOTE}, {remote}}}\n")
    return str(path)


BEARER = "auth: {type: bearer_token}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "can't be read: No such file or directory (put the token there: sudo ./install.sh --token-file FILE)"),
        ("", "is empty (put the token there: sudo ./install.sh --token-file FILE)"),
        ("canary\ncanary\n", "is not one line of printable ASCII characters"),
    ],
    ids=["missing", "empty", "two lines"],
)
def test_check_says_beforehand_that_a_token_is_missing(
    tmp_path: Path, token: Path, capsys: pytest.CaptureFixture[str], content: str | None, said: str
) -> None:
    if content is not None:
        token.write_text(content)
    assert check.main([written(tmp_path, BEARER)]) == 78
    assert capsys.readouterr().err == f"{token}: {said}\n"


def test_check_is_content_when_it_is_there(tmp_path: Path, token: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token.write_text("canary\n")
    assert check.main([written(tmp_path, BEARER)]) == 0
    assert "canary" not in "".join(capsys.readouterr())


def test_check_names_each_file_of_tls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "tls: {ca_file: /etc/no-such-ca.pem}")
    assert check.main([path]) == 78
    assert capsys.readouterr().err == "/etc/no-such-ca.pem: can't be read: No such file or directory\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_may_not_look_is_told_nothing(tmp_path: Path, token: Path) -> None:
    """`check` by a person who is not root: the file may be right or wrong, which the jobs will see."""
    token.write_text("")
    token.chmod(0o600)
    configuration = load(written(tmp_path, BEARER))
    os.seteuid(65534)
    try:
        secrets.check(configuration)
    finally:
        os.seteuid(0)


def test_apply_changes_nothing_without_the_secret(box: Box) -> None:
    box.apply()
    before = box.tree()
    tls = "{ca_file: /etc/no-such-ca.pem}"
    box.config.write_text(box.config.read_text() + f"remote: {{{REMOTE}, tls: {tls}}}\n")
    done = box.apply(expect=78)
    assert "/etc/no-such-ca.pem: can't be read" in done.stderr
    assert box.tree() == before


def test_apply_takes_the_secrets_away_again(box: Box) -> None:
    plain = box.config.read_text()
    box.config.write_text(plain + f"remote: {{{REMOTE}, tls: {{ca_file: /etc/hostname}}}}\n")
    box.apply()
    assert set(DROP_INS) <= box.tree().keys()
    box.config.write_text(plain)
    box.apply()
    assert not any(".d/" in path for path in box.tree())
