"""The last values: which stand on the page, how they are spelled, and that nothing in them breaks it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from belabox_metrics.exposition.latest import kind_of
from belabox_metrics.exposition.words import WORDS
from belabox_metrics.store import runs
from belabox_metrics.upload.names import metric_name

from .conftest import Box, check, read

PAGE = (Path(__file__).parents[3] / "docs/metrics.md").read_text()
# Series, type, tags of each documented row.
ROWS = re.findall(r"^\| `([a-z0-9_.]+)` \| [^|]* \| (counter|gauge|text) \|([^|]*)\|", PAGE, re.MULTILINE)
DOCUMENTED = {name: (kind, re.findall(r"`(.+?)`", tags)) for name, kind, tags in ROWS}


def test_a_value_is_on_the_page_as_it_is_stored_and_named_as_it_is_sent(box: Box) -> None:
    box.run(
        "a.b",
        ("cpu.temperature", 47.153, {}),
        ("thermal.zone_temp", 46.23, {"zone": "soc-thermal"}),
        ("disk.read_bytes_total", 1234567890123456, {"device": "nvme0n1"}),
        ("hdmi.mode", "1920x1080p60", {}),
        ("fan.speed_rpm", None, {}),
    )
    found = box.read()
    assert found.value("cpu_temperature_celsius", device_id="box-1") == 47.153
    assert found.value("thermal_zone_temp_celsius", device_id="box-1", zone="soc-thermal") == 46.23
    assert found.value("disk_read_bytes_total", device="nvme0n1") == 1234567890123456
    assert not {"hdmi_mode", "fan_speed_rpm"} & {name for name, _ in found.samples}
    assert (found.kinds["disk_read_bytes_total"], found.kinds["cpu_temperature_celsius"]) == ("counter", "gauge")
    assert found.words["cpu_temperature_celsius"] == "Temperature of the hottest zone, degrees Celsius"


@pytest.mark.parametrize(
    ("what", "is_there"),
    [
        ("fresh", True),
        ("three intervals", True),
        ("late", False),
        ("failed", False),
        ("no data", False),
        ("rebooted", False),
        ("switched off", False),
        ("without this series", False),
    ],
)
def test_only_what_is_fresh_is_on_the_page(box: Box, what: str, is_there: bool) -> None:
    box.run("a.b", ("a.value", 1, {}), ("a.other", 2, {}))
    box.run("c.d", ("c.value", 3, {}))
    if what == "three intervals":
        box.wait(30)
    elif what == "late":
        box.wait(36)
    elif what in ("failed", "no data"):
        box.wait(1)
        box.run("a.b", outcome=runs.FAILED if what == "failed" else runs.NO_DATA)
    elif what == "rebooted":
        box.reboot()
    elif what == "switched off":
        box.configure({("metrics/a.b", "scheduled"): 0})
    elif what == "without this series":
        box.wait(1)
        box.run("a.b", ("a.other", 2, {}))
    found = box.read()
    assert (found.value("a_value") == 1) is is_there
    # What is wrong with one metric is nothing to the others.
    assert (found.value("c_value") == 3) is (what != "rebooted")


def test_what_the_clock_job_measured_is_there_for_three_of_its_intervals(box: Box) -> None:
    box.configure({("monitoring", "clock_skew_check_interval_ms"): 300_000})
    box.run("", ("time.skew_ms", -1500.5, {}), job="clock")
    box.wait(900)
    assert box.read().value("time_skew_ms") == -1500.5
    box.wait(10)
    assert box.read().value("time_skew_ms") is None


HOSTILE = [
    'a"b',
    "a\\",
    "a\\n\nb",
    "\r\t\x00\x01\x7f",
    "<script>alert(1)</script>",
    "😀 ü \u2028",
    "\ud800",
    '"} 1\nevil 2',
    "x" * 5000,
    "# HELP a b",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_may_be_a_label(box: Box, text: str) -> None:
    box.run("a.b", ("a.value", 1, {"model": text, "9 strange-key": "y", "device_id": "mine"}))
    found = box.read()
    ((labels, value),) = [(dict(labels), value) for (name, labels), value in found.samples.items() if name == "a_value"]
    assert value == 1
    assert labels["model"] == text.encode("utf-8", "backslashreplace").decode()[:1024]
    assert (labels["exported_device_id"], labels["_9_strange_key"], labels["device_id"]) == ("mine", "y", "box-1")


@pytest.mark.parametrize("device_id", ["", 'a"b\n', "ü"])
def test_any_text_may_be_the_device(box: Box, device_id: str) -> None:
    box.configure({("device", "id"): device_id})
    box.run("a.b", ("a.value", 1, {}))
    found = box.read()
    assert found.value("a_value", **({"device_id": device_id} if device_id else {})) == 1


@pytest.mark.parametrize(
    "packed", ["[1e999]", f"[{10**400}]", "[NaN]", "[true]", '["x"]', "[", "7", "{}", "[[]]", "[1,2,3,4]", ""]
)
def test_a_damaged_row_costs_no_more_than_itself(box: Box, packed: str) -> None:
    box.run("a.b", ("a.value", 1, {}))
    box.run("c.d", ("c.value", 3, {}))
    box.sql("UPDATE runs SET packed = ? WHERE shape = (SELECT shape FROM series WHERE name = 'a.value')", packed)
    found = box.read()
    assert found.value("a_value") == (1 if packed == "[1,2,3,4]" else None)
    assert found.value("c_value") == 3


@pytest.mark.parametrize("tags", ["{", "7", '{"a": 7}', '{"a": "b"', "x" * 5000])
def test_damaged_tags_cost_no_more_than_themselves(box: Box, tags: str) -> None:
    box.run("a.b", ("a.value", 1, {}), ("a.other", 2, {}))
    box.sql("UPDATE series SET tags = ? WHERE name = 'a.value'", tags)
    found = box.read()
    assert found.value("a_other") == 2


@pytest.mark.parametrize("column", ["name", "tags"])
def test_a_series_whose_name_is_no_text_any_more_is_none(box: Box, column: str) -> None:
    box.run("a.b", ("a.value", 1, {"x": "y"}), ("a.other", 2, {}))
    turned = {"name": "CAST(x'612eff76616c7565' AS TEXT)", "tags": "CAST(x'7bff7d' AS TEXT)"}[column]
    box.sql(f"UPDATE series SET {column} = {turned} WHERE name = 'a.value'")
    found = box.read()
    assert found.value("a_other") == 2
    assert [name for name, _ in found.samples if "value" in name] == []


def test_two_metrics_with_one_series_do_not_cost_the_page(box: Box) -> None:
    box.run("a.b", ("same.value", 1, {"x": "y"}))
    box.run("c.d", ("same.value", 2, {"x": "y"}), ("belabox.status", 3, {"status": "ok"}))
    found = box.read()
    assert found.value("same_value") == 1
    assert found.value("belabox_status", status="ok") in (0, 1)


def test_a_new_device_id_is_on_the_next_page(box: Box) -> None:
    box.run("a.b", ("a.value", 1, {}))
    assert box.read().value("a_value", device_id="box-1") == 1
    box.configure({("device", "id"): "box-2"})
    assert box.read().value("a_value", device_id="box-2") == 1


def test_another_database_in_the_place_of_this_one_has_shapes_of_its_own(box: Box) -> None:
    """As after damage, while somebody scrapes so often that the process stays."""
    box.run("a.b", ("a.value", 1, {}))
    assert box.read().value("a_value") == 1
    box.store.close()
    for path in Path(box.store.path).parent.iterdir():
        path.unlink()
    box.configure({})
    box.run("a.b", ("a.other", 2, {}))
    found = box.read()
    assert (found.value("a_value"), found.value("a_other")) == (None, 2)


def test_every_documented_series_is_of_its_type_and_has_words(box: Box) -> None:
    numbers = {name: (kind, tags) for name, (kind, tags) in DOCUMENTED.items() if kind != "text"}
    assert len(numbers) > 150
    box.run("a.b", *[(name, 1, dict.fromkeys(tags, "0.5")) for name, (_, tags) in numbers.items()])
    found = box.read()
    for name, (kind, _) in numbers.items():
        wire = metric_name(name)
        shown = found.kinds[wire]
        assert shown == kind or (shown == "summary" and name.endswith("_duration_seconds")), name
        assert name in WORDS, name
        assert found.words[wire] == WORDS[name]
        assert found.value(wire) == 1
    # The jobs `maintain` and `clock` have no section of their own.
    assert [name for name in WORDS if name not in numbers and not name.startswith(("storage.", "time.skew_"))] == []


def test_own_series_say_where_they_are_from(box: Box) -> None:
    box.run("a.b", ("room.doors_opened_total", 4, {}))
    found = box.read()
    assert found.kinds["room_doors_opened_total"] == kind_of("room.doors_opened_total") == "counter"
    assert found.words["room_doors_opened_total"] == "room.doors_opened_total, as the box stores it"


def test_the_reader_of_these_tests_is_no_kinder_than_promtool() -> None:
    for broken in ("a{ 1\n", 'a{x="\n"} 1\n', "a 1\na 1\n"):
        with pytest.raises(AssertionError):
            read("# HELP a b\n# TYPE a gauge\n" + broken)
    with pytest.raises(AssertionError):
        check("a{ 1\n")
