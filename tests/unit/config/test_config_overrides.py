"""What the environment says comes before what the file says, and is judged as strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from belabox_metrics.config.configuration import Configuration, load
from belabox_metrics.config.keys import KEYS
from belabox_metrics.config.overrides import name_of
from belabox_metrics.errors import ConfigProblem

FILE = """device:
  id: of-the-file
remote:
  url: http://file.example/api/v1/import
  retry:
    max_backoff: 30s
metrics: []
"""


class Settings:
    """A configuration file with FILE in it, and a file of defaults beside it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "config.yaml"
        self.file.write_text(FILE)
        self.defaults = folder / "defaults"

    def load(self, environment: dict[str, str] | None = None) -> Configuration:
        return load(str(self.file), environment=environment or {}, defaults_file=str(self.defaults))

    def refused(self, environment: dict[str, str] | None = None) -> str:
        with pytest.raises(ConfigProblem) as caught:
            self.load(environment)
        return str(caught.value).replace(str(self.defaults), "DEFAULTS").replace(str(self.file), "FILE")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("BELABOX_METRICS_DEVICE_ID", "of-the-box", "device.id", "of-the-box"),
        ("BELABOX_METRICS_REMOTE_URL", "http://box.example/x", "remote.url", "http://box.example/x"),
        ("BELABOX_METRICS_REMOTE_RETRY_MAX_BACKOFF", "2m", "remote.retry.max_backoff", 120_000),
        ("BELABOX_METRICS_REMOTE_ENABLED", "no", "remote.enabled", False),
        ("BELABOX_METRICS_REMOTE_BATCH_SIZE", "100", "remote.batch_size", 100),
        ("BELABOX_METRICS_HEALTH_LISTEN", "127.0.0.1:9101", "health.listen", "127.0.0.1:9101"),
        ("BELABOX_METRICS_LOGGING_LEVEL", "debug", "logging.level", "debug"),
        ("BELABOX_METRICS_DEVICE_ID", "", "device.id", "of-the-file"),
    ],
)
def test_a_variable_comes_before_the_file(settings: Settings, name: str, text: str, path: str, value: object) -> None:
    assert settings.load({name: text}).values.value(path) == value
    for written in (text, f'"{text}"', f"'{text}'"):
        settings.defaults.write_text(f"# of this box\n\n{name}={written}\n")
        assert settings.load().values.value(path) == value
        assert settings.load({"BELABOX_METRICS_DATABASE": "/x", "HOME": "/"}).values.value(path) == value


def test_the_process_comes_before_the_file_of_defaults(settings: Settings) -> None:
    settings.defaults.write_text("BELABOX_METRICS_DEVICE_ID=of-the-defaults\n")
    assert settings.load().values.text("device.id") == "of-the-defaults"
    found = settings.load({"BELABOX_METRICS_DEVICE_ID": "of-the-process"})
    assert found.values.text("device.id") == "of-the-process"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("BELABOX_METRICS_REMOTE_UPLOAD_INTERVAL", "30", "has no unit"),
        ("BELABOX_METRICS_REMOTE_UPLOAD_INTERVAL", "1ms", "is less than"),
        ("BELABOX_METRICS_REMOTE_ENABLED", "maybe", "is not a boolean"),
        ("BELABOX_METRICS_REMOTE_URLL", "http://x.example/", "is not the name of a key (did you mean"),
        ("BELABOX_METRICS_REMOTE_URL", "http://a.example/\x1b[31m", "control character"),
        ("BELABOX_METRICS_DEVICE_ID", "two words", "is not a name"),
        ("BELABOX_METRICS_REMOTE_CHUNK_SIZE", "3000", "is more than remote.batch_size"),
    ],
)
def test_a_mistake_is_told_where_it_is(settings: Settings, name: str, text: str, said: str) -> None:
    told = settings.refused({name: text})
    assert told.startswith(f"environment: {name}: "), told
    assert said in told
    if "\x1b" in text:
        return
    settings.defaults.write_text(f"# of this box\n{name}={text}\n")
    assert settings.refused().startswith(f"DEFAULTS:2: {name}: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("export BELABOX_METRICS_DEVICE_ID=x", "DEFAULTS:1: is not BELABOX_METRICS_...=value"),
        ("remote.url", "DEFAULTS:1: is not BELABOX_METRICS_...=value"),
        ("REMOTE_URL=http://x.example/", "DEFAULTS:1: is not BELABOX_METRICS_...=value"),
        (
            "BELABOX_METRICS_DEVICEID=a",
            "DEFAULTS:1: BELABOX_METRICS_DEVICEID: is not the name of a key (did you mean BELABOX_METRICS_DEVICE_ID?)",
        ),
        (
            "BELABOX_METRICS_DATABASE=/mnt/m.db",
            "DEFAULTS:1: BELABOX_METRICS_DATABASE: is not the name of a key (did you mean ",
        ),
        (
            "BELABOX_METRICS_DEVICE_ID=a\nBELABOX_METRICS_DEVICE_ID=b",
            "DEFAULTS:2: BELABOX_METRICS_DEVICE_ID: is given twice",
        ),
    ],
)
def test_a_line_that_is_none(settings: Settings, text: str, said: str) -> None:
    settings.defaults.write_text(text + "\n")
    assert settings.refused().startswith(said)


@pytest.mark.parametrize("token", ["q8vJ+3ZkXw", "cXc4djNaa1h3MTIzNDU2Nzg5MA=="])
def test_a_token_that_was_saved_in_its_place_is_not_shown(settings: Settings, token: str) -> None:
    settings.defaults.write_text(token + "\n")
    assert token[:6] not in settings.refused()


def test_a_file_of_defaults_that_is_none(settings: Settings) -> None:
    settings.defaults.mkdir()
    assert settings.refused() == "DEFAULTS: is not a file"
    settings.defaults.rmdir()
    settings.defaults.write_bytes(b"\xff\xfe")
    assert "DEFAULTS:1: is not UTF-8" in settings.refused()


def test_each_key_has_a_name_of_its_own() -> None:
    assert len({name_of(key) for key in KEYS}) == len(KEYS)
