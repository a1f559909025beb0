"""The reference and the schema say what the program does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from belabox_metrics.config import document, json_schema, meanings, reference, sections
from belabox_metrics.config.configuration import load
from belabox_metrics.config.findings import Findings
from belabox_metrics.config.keys import KEYS, Key
from belabox_metrics.config.known import discover
from belabox_metrics.errors import ConfigProblem

SOURCE = Path(__file__).parents[3]
MINIMAL: dict[str, Any] = {"device": {"id": "belabox-001"}, "metrics": []}


def test_the_page_is_of_these_keys() -> None:
    written = (SOURCE / "docs/configuration.md").read_text()
    assert written == reference.markdown(), "python3 -m belabox_metrics.config.reference > docs/configuration.md"


def test_the_schema_is_of_these_keys() -> None:
    written = (SOURCE / "configs/config.schema.json").read_text()
    assert written == json_schema.text(), "python3 -m belabox_metrics.config.json_schema > configs/config.schema.json"


def test_nothing_is_explained_that_is_not_there() -> None:
    assert set(meanings.KEYS) == {key.path for key in KEYS}
    assert set(meanings.SETTINGS) == {f"{name}.{key}" for name, known in discover().items() for key in known.settings}


def judge(configuration: object) -> list[str]:
    """What the schema finds."""
    schema = json.loads((SOURCE / "configs/config.schema.json").read_text())
    return [fault.json_path for fault in jsonschema.Draft7Validator(schema).iter_errors(configuration)]


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema.schema())


def test_the_shipped_configuration_fits() -> None:
    assert judge(yaml.safe_load((SOURCE / "configs/config.yaml").read_text())) == []
    assert judge(MINIMAL) == []


VALUES = (
    *("x", "a b", "/a/b", "a/b", "/", '""', "true", "off", "No", "~", "0", "1", "-1", "7", "1.5", "9100", '"9100"'),
    *("30", "30s", "1h30m", "30m1h", "5 s", "7d", "500ms", "20%", "120%", "1/s", "30/m", "1 per s", "X-Key", "Host"),
    *("http://a.example/x", "ftp://a.example/", "http://user@a.example/", ":9100", "127.0.0.1:9100", "[::1]:9100"),
    *(
        "localhost:9100",
        "[]",
        "[a]",
        '["10.0.0.0/8"]',
        "{}",
        "{a: b}",
        "auto",
        "50MB",
        "json",
        "debug",
        "bearer_token",
        "stdout",
    ),
)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_what_the_program_takes_the_schema_takes(key: Key) -> None:
    accepted = 0
    for value in VALUES:
        places = [*key.section.split("."), key.name]
        text = "\n".join(f"{'  ' * depth}{name}:" for depth, name in enumerate(places)) + f" {value}"
        findings = Findings("config.yaml")
        try:
            sections.read(document.parse(text, findings), findings)
        except ConfigProblem:  # no YAML
            continue
        if not findings.has(key.path):
            accepted += 1
            written = yaml.safe_load(text)
            whole = {**MINIMAL, **written, "device": {**MINIMAL["device"], **written.get("device", {})}}
            assert judge(whole) == [], text
    assert accepted


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ("device: {}", "$.device"),
        ("device: {id: a b}", "$.device.id"),
        ("remote: {upload_interval: 30}", "$.remote.upload_interval"),
        ("remote: {upload_interval: soon}", "$.remote.upload_interval"),
        ("remote: {batch_size: 0}", "$.remote.batch_size"),
        ("remote: {format: xml}", "$.remote.format"),
        ("remote: {urll: http://a.example/}", "$.remote"),
        ("remote: {enabled: maybe}", "$.remote.enabled"),
        ("metrics: [{name: cpu.usagee, interval: 10s}]", "$.metrics[0]"),
        ("metrics: [{name: cpu.usage}]", "$.metrics[0]"),
        ("metrics: [{name: cpu.usage, interval: 10s, config: {x: 1}}]", "$.metrics[0]"),
        ("alerts: {Hot: {above: 3}}", "$.alerts"),
        ("alerts: {hot: {over: 3}}", "$.alerts.hot"),
    ],
)
def test_the_schema_finds_what_the_program_refuses(wrong: str, where: str, tmp_path: Path) -> None:
    assert where in judge({**MINIMAL, **yaml.safe_load(wrong)})
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({**MINIMAL, **yaml.safe_load(wrong)}))
    with pytest.raises(ConfigProblem):
        load(str(file), environment={})
