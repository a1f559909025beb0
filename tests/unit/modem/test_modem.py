"""The collector `modem` with the real mmcli, which asks a simulated ModemManager over a real bus."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from belabox_metrics.collectors import modem
from belabox_metrics.errors import NoData, SourceProblem, TryLater
from belabox_metrics.modem import identity, mmcli
from belabox_metrics.sample import Sample, canonical
from belabox_metrics.world import Reading, World

from .conftest import MODEM, Modem, Simulated

IMEI = "867698040000012"
NAME = "fa74b8e9"  # of that IMEI on that machine


def lte(imei: str = IMEI, bearer: int = 0, state: int = 11, interface: str = "wwan0") -> Modem:
    """A modem as the bus tells of it: states and technologies are numbers of the D-Bus reference."""
    return {
        MODEM: {
            "State": state,
            "EquipmentIdentifier": imei,
            "DeviceIdentifier": "device" + imei,
            "Model": "EC25",
            "AccessTechnologies": 1 << 14,
            "SignalQuality": [67, True],
            "Ports": [["cdc-wdm0", 6], [interface, 2]],
            "Bearers": [f"/org/freedesktop/ModemManager1/Bearer/{bearer}"] if bearer >= 0 else [],
            "OwnNumbers": ["+491700000000"],
        },
        f"{MODEM}.Modem3gpp": {
            "Imei": imei,
            "RegistrationState": 1,
            "OperatorCode": "26201",
            "OperatorName": "Telekom.de",
        },
        f"{MODEM}.Signal": {"Rate": 10, "Lte": {"rssi": -61.0, "rsrp": -91.0, "rsrq": -11.0, "snr": 13.4}},
    }


def interface(root: Path, name: str, index: int, received: int, sent: int, driver: str = "qmi_wwan") -> None:
    folder = root / "sys/class/net" / name
    for path, content in (
        ("ifindex", index),
        ("statistics/rx_bytes", received),
        ("statistics/tx_bytes", sent),
        ("device/uevent", f"DEVTYPE=usb_interface\nDRIVER={driver}"),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"{content}\n")


class Runs:
    """Run after run of the collector on one box."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = ""

    def run(self, elapsed_ms: int = 30_000) -> Reading:
        reading = modem.collect(World(str(self.root), {}, self.state, elapsed_ms if self.state else None))
        self.state = reading.state
        return reading


@pytest.fixture
def runs(root: Path) -> Runs:
    return Runs(root)


def value(reading: Reading, name: str, **tags: str) -> object:
    found = [s.value for s in reading.samples if s.name == f"modem.{name}" and tags.items() <= s.tags.items()]
    return found[0] if found else None


def test_a_modem(manager: Simulated, runs: Runs) -> None:
    manager.modems = {"0": lte()}
    manager.tell()
    interface(runs.root, "wwan0", 6, 1000, 2000)
    tags = {"modem": NAME}
    info = {"interface": "wwan0", "kind": "modem", "model": "EC25", "operator": "26201", "technology": "lte"}
    measured = {**tags, "technology": "lte"}
    reading = runs.run()
    assert reading.samples == [
        Sample("modem.count", 1),
        Sample("modem.info", 1, {**tags, **info}),
        Sample("modem.connected", 1, tags),
        Sample("modem.registered", 1, tags),
        Sample("modem.roaming", 0, tags),
        Sample("modem.signal_quality_percent", 67.0, tags),
        Sample("modem.state", "connected", tags),
        Sample("modem.operator", "Telekom.de", tags),
        Sample("modem.registration", "home", tags),
        Sample("modem.access_technology", "lte", tags),
        Sample("modem.reconnects_total", 0, tags),
        Sample("modem.rssi_dbm", -61.0, measured),
        Sample("modem.rsrp_dbm", -91.0, measured),
        Sample("modem.rsrq_db", -11.0, measured),
        Sample("modem.snr_db", 13.4, measured),
        Sample("modem.rx_bytes_total", 1000, {"interface": "wwan0", **tags}),
        Sample("modem.tx_bytes_total", 2000, {"interface": "wwan0", **tags}),
    ]
    assert reading.warnings == []


def test_nothing_that_names_a_person_leaves_the_collector(manager: Simulated, runs: Runs) -> None:
    manager.modems = {"0": lte()}
    manager.tell()
    said = repr(runs.run())
    for secret in (IMEI, IMEI[:8], IMEI[-6:], "device", "491700"):
        assert secret not in said


def test_a_name_that_is_not_english(manager: Simulated, runs: Runs) -> None:
    named = lte()
    named[f"{MODEM}.Modem3gpp"]["OperatorName"] = "Telefónica 中国移动"
    manager.modems = {"0": named}
    manager.tell()
    assert value(runs.run(), "operator") == "Telefónica 中国移动"


def test_two_generations_at_once(manager: Simulated, runs: Runs) -> None:
    both = lte()
    both[MODEM]["AccessTechnologies"] = (1 << 14) | (1 << 15)
    both[f"{MODEM}.Signal"]["Nr5g"] = {"rsrp": -88.0, "rsrq": -11.0, "snr": 21.5}
    manager.modems = {"0": both}
    manager.tell()
    reading = runs.run()
    assert [sample.tags["technology"] for sample in reading.samples if sample.name == "modem.info"] == ["5g"]
    assert value(reading, "rsrp_dbm", technology="5g") == -88
    assert value(reading, "rsrp_dbm", technology="lte") == -91
    assert value(reading, "rssi_dbm", technology="5g") is None


def test_what_was_not_measured_is_no_value(manager: Simulated, runs: Runs) -> None:
    odd = lte()
    odd[f"{MODEM}.Signal"]["Lte"] = {"rssi": -32768.0, "rsrp": 5.0, "rsrq": float(10**6), "snr": 0.0}
    odd[MODEM]["SignalQuality"] = [67, False]
    manager.modems = {"0": odd}
    manager.tell()
    reading = runs.run()
    assert [s.name for s in reading.samples if "technology" in s.tags] == ["modem.info", "modem.snr_db"]
    assert value(reading, "signal_quality_percent") is None


def test_a_modem_without_a_sim(manager: Simulated, runs: Runs) -> None:
    manager.modems = {"3": {MODEM: {"State": -1, "StateFailedReason": 2, "EquipmentIdentifier": IMEI}}}
    manager.tell()
    reading = runs.run()
    assert value(reading, "state") == "failed"
    assert value(reading, "failure") == "sim-missing"
    assert (value(reading, "connected"), value(reading, "registered")) == (0, 0)
    for name in ("roaming", "signal_quality_percent", "operator"):
        assert value(reading, name) is None
    assert reading.warnings == []


def test_signals_that_nobody_measures_are_rarely_asked_for(manager: Simulated, runs: Runs) -> None:
    unmeasured = lte()
    unmeasured[f"{MODEM}.Signal"] = {"Rate": 0}
    manager.modems = {"0": unmeasured, "1": {MODEM: {"EquipmentIdentifier": "1"}}}
    manager.tell()
    asked = runs.root / "asked"
    program = runs.root / "usr/bin/mmcli"
    program.unlink()
    program.write_text(f'#!/bin/sh\necho "$*" >>{asked}\nexec /usr/bin/mmcli "$@"\n')
    program.chmod(0o755)
    for _ in range(21):  # ten minutes
        runs.run()
    assert asked.read_text().count("--signal-get") == 4
    assert "setup" not in asked.read_text()


# Reconnections


def test_reconnections(manager: Simulated, runs: Runs) -> None:
    searching = 7
    counts = []
    for modems in (
        {"0": lte(state=searching, bearer=-1)},
        {"0": lte()},  # the first connection is none
        {"0": lte()},
        {"0": lte(state=searching, bearer=-1)},
        {"0": lte(bearer=1)},  # again
        {},
        {},
        {"4": lte(bearer=2, interface="wwan1")},  # plugged in elsewhere: the same modem
        {"4": lte(bearer=3, interface="wwan1")},  # lost and found between two runs
    ):
        manager.modems = modems
        manager.tell()
        counts.append(value(runs.run(), "reconnects_total", modem=NAME))
    assert counts == [0, 0, 0, 0, 1, None, None, 2, 3]


def test_a_second_bearer_is_no_reconnection(manager: Simulated, runs: Runs) -> None:
    manager.modems = {"0": lte()}
    manager.tell()
    runs.run()
    manager.modems["0"][MODEM]["Bearers"] = [f"/org/freedesktop/ModemManager1/Bearer/{at}" for at in (1, 0)]
    manager.tell()
    assert value(runs.run(), "reconnects_total") == 0


# Bytes


def test_bytes_go_on_after_a_plug(manager: Simulated, runs: Runs) -> None:
    manager.modems = {"0": lte()}
    manager.tell()
    totals = []
    for index, received, sent in (
        (6, 1000, 2000),
        (6, 1500, 2600),
        (9, 10, 20),  # plugged in again: a new index, and small counters
        (9, 110, 220),
        (12, 5000, 9000),  # again, and already beyond the ones before
        (12, 0, 0),  # reset without a plug
        (12, 1, 1),
    ):
        interface(runs.root, "wwan0", index, received, sent)
        reading = runs.run()
        totals.append((value(reading, "rx_bytes_total"), value(reading, "tx_bytes_total")))
    assert totals == [
        (1000, 2000),
        (1500, 2600),
        (1510, 2620),
        (1610, 2820),
        (6610, 11820),
        (6610, 11820),
        (6611, 11821),
    ]


def test_bytes_of_one_that_was_away(manager: Simulated, runs: Runs) -> None:
    interface(runs.root, "usb0", 5, 100, 200, "cdc_ether")
    runs.run()
    shutil.rmtree(runs.root / "sys/class/net/usb0")
    for _ in range(3):
        assert value(runs.run(), "rx_bytes_total") is None
    interface(runs.root, "usb0", 8, 7, 9, "cdc_ether")
    assert value(runs.run(), "rx_bytes_total", interface="usb0") == 107


def test_what_is_remembered_is_bounded(manager: Simulated, runs: Runs) -> None:
    for at in range(60):
        manager.modems = {str(at): lte(imei=f"{at:015}", interface=f"wwan{at}")}
        manager.tell()
        interface(runs.root, f"wwan{at}", at, 1, 1)
        runs.run()
        shutil.rmtree(runs.root / f"sys/class/net/wwan{at}")
    assert len(runs.state) < 4000


# Sticks that are routers


def test_a_stick_is_shown_as_what_it_is(manager: Simulated, runs: Runs) -> None:
    manager.modems = {"0": lte()}
    manager.tell()
    interface(runs.root, "wwan0", 6, 1000, 2000)
    interface(runs.root, "usb0", 5, 100, 200, "cdc_ether")
    interface(runs.root, "eth0", 2, 7, 7, "r8169")
    interface(runs.root, "enx00e04c680001", 4, 7, 7, "r8152")
    (runs.root / "sys/class/net/lo").mkdir()
    reading = runs.run()
    assert value(reading, "count") == 2
    of_stick = [sample for sample in reading.samples if sample.tags.get("interface") == "usb0"]
    assert of_stick == [
        Sample("modem.info", 1, {"interface": "usb0", "kind": "usb_network", "driver": "cdc_ether"}),
        Sample("modem.rx_bytes_total", 100, {"interface": "usb0"}),
        Sample("modem.tx_bytes_total", 200, {"interface": "usb0"}),
    ]
    assert not [sample for sample in reading.samples if sample.tags.get("interface") in ("eth0", "enx00e04c680001")]


def test_a_modem_with_two_network_ports_is_one(manager: Simulated, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """As some of Sierra's are; also while ModemManager does not answer."""
    both = lte()
    both[MODEM]["Ports"] = [["cdc-wdm0", 6], ["cdc-wdm1", 6], ["wwan0", 2], ["wwan1", 2]]
    manager.modems = {"0": both}
    manager.tell()
    interface(runs.root, "wwan0", 6, 1000, 2000)
    interface(runs.root, "wwan1", 7, 3, 4)
    reading = runs.run()
    assert value(reading, "count") == 1
    assert [s.tags["interface"] for s in reading.samples if s.name == "modem.info"] == ["wwan0"]
    for name, received in (("wwan0", 1000), ("wwan1", 3)):
        assert value(reading, "rx_bytes_total", interface=name, modem=NAME) == received
    manager.tell(silent=True)
    monkeypatch.setattr(mmcli, "QUESTION_MS", 300)
    reading = runs.run()
    assert [s.name for s in reading.samples if s.tags.get("modem") != NAME] == []
    assert value(reading, "rx_bytes_total", interface="wwan1", modem=NAME) == 3


# Without ModemManager, and with one that hangs


def test_no_modems_is_an_answer(manager: Simulated, runs: Runs) -> None:
    assert runs.run().samples == [Sample("modem.count", 0)]


@pytest.mark.parametrize("address", ["bus", "unix:path=/nonexistent"])
def test_without_modemmanager(address: str, bus: str, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus if address == "bus" else address)
    with pytest.raises(NoData, match="ModemManager does not run, and no network interface is on USB"):
        runs.run()
    interface(runs.root, "usb0", 5, 100, 200, "rndis_host")
    reading = runs.run()
    assert value(reading, "count") == 1
    assert reading.warnings == []


def test_without_mmcli(runs: Runs) -> None:
    (runs.root / "usr/bin/mmcli").unlink()
    with pytest.raises(NoData, match=r"mmcli is not installed \(package modemmanager\), and no network interface"):
        runs.run()


def test_one_that_hangs(manager: Simulated, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs no answer is told all the same, and the modem's interface is not taken for a stick."""
    manager.modems = {"0": lte()}
    manager.tell()
    interface(runs.root, "wwan0", 6, 1000, 2000)
    interface(runs.root, "usb0", 5, 100, 200, "cdc_ether")
    runs.run()
    manager.tell(silent=True)
    interface(runs.root, "wwan0", 6, 1500, 2500)
    with monkeypatch.context() as impatient:
        impatient.setattr(mmcli, "QUESTION_MS", 300)
        reading, after = runs.run(), runs.run()
    assert reading.warnings == ["mmcli: did not end in time"]
    assert [(sample.name, sample.tags.get("interface"), sample.value) for sample in reading.samples] == [
        ("modem.info", "usb0", 1),
        ("modem.rx_bytes_total", "wwan0", 1500),
        ("modem.tx_bytes_total", "wwan0", 2500),
        ("modem.rx_bytes_total", "usb0", 100),
        ("modem.tx_bytes_total", "usb0", 200),
    ]
    assert value(reading, "rx_bytes_total", modem=NAME) == 1500
    assert after.warnings == []
    manager.tell()
    reading = runs.run()
    assert (value(reading, "count"), value(reading, "reconnects_total")) == (2, 0)


def test_one_that_hangs_and_nothing_else(manager: Simulated, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    manager.tell(silent=True)
    monkeypatch.setattr(mmcli, "QUESTION_MS", 300)
    with pytest.raises(TryLater):
        runs.run()


def test_all_questions_together_end_before_the_unit_is_killed() -> None:
    unit = (Path(__file__).parents[3] / "units/belabox-metrics@.service").read_text()
    seconds = int(unit.partition("TimeoutStartSec=")[2].partition("s")[0])
    assert mmcli.QUESTION_MS < mmcli.BUDGET_MS <= (seconds - 5) * 1000


def test_time_that_has_run_out_is_not_asked_for_more(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mmcli, "BUDGET_MS", 0)
    with pytest.raises(TryLater, match="no time left"):
        mmcli.Asker(str(root)).modems()


# An mmcli that says something else


def scripted(root: Path, text: str) -> None:
    program = root / "usr/bin/mmcli"
    program.unlink()
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("exit 0", "something else than JSON"),
        ("echo '{'", "something else than JSON"),
        ("echo '[1]'", "lists no modems"),
        ("""echo '{"modem-list":5}'""", "lists no modems"),
        ("""echo '{"modem-list":["/etc/passwd"]}'""", "is no modem"),
        ("""echo '{"modem-list":["/org/freedesktop/ModemManager1/Modem/0 --signal-setup=1"]}'""", "is no modem"),
        ("""echo '{"modem-list":[null]}'""", "is no modem"),
        ("echo 'error: new and unheard of' >&2; exit 1", "mmcli: error: new and unheard of"),
        ("kill -SEGV $$", "ended by signal 11"),
        ("yes", "prints more than"),
    ],
)
def test_a_list_that_is_none(root: Path, text: str, says: str) -> None:
    scripted(root, text)
    with pytest.raises(SourceProblem, match=says):
        modem.collect(World(str(root)))


@pytest.mark.parametrize(
    "answer",
    ['{"modem":[]}', '{"modem":{"generic":5}}', "{}", '{"modem":{"generic":{"ports":[[],{}],"bearers":"x"}}}', "[]"],
)
def test_a_modem_that_says_nothing_is_still_there(root: Path, answer: str) -> None:
    listed = '{"modem-list":["/org/freedesktop/ModemManager1/Modem/7"]}'
    scripted(root, f"case $1 in -L) echo '{listed}' ;; *) echo '{answer}' ;; esac")
    reading = modem.collect(World(str(root)))
    assert value(reading, "count") == 1
    assert value(reading, "connected", modem="modem7") == 0


def test_one_modem_of_two_may_fail(root: Path, fixtures: Path) -> None:
    recorded = fixtures / "mmcli"
    broken = root / "broken"
    answers = f"""case "$*" in
"-L -J") cat {recorded}/list.json ;;
"-m 0 -J") cat {recorded}/modem-lte-connected.json ;;
"-m 1 -J") [ -e {broken} ] && kill -SEGV $$; cat {recorded}/modem-5gnsa-connected.json ;;
"-m 2 -J") cat {recorded}/error-no-such-modem.stderr.txt >&2; exit 1 ;;
*) cat {recorded}/signal-not-set-up.json ;;
esac"""
    scripted(root, answers)
    interface(root, "wwan0", 6, 1, 1)
    interface(root, "wwan1", 7, 2, 2)
    runs = Runs(root)
    assert value(runs.run(), "count") == 2
    broken.touch()
    reading = runs.run()
    assert reading.warnings == ["mmcli: was ended by signal 11"]
    assert value(reading, "rx_bytes_total", interface="wwan1", modem="4d322d44") == 2
    assert runs.run().warnings == []
    broken.unlink()
    assert value(runs.run(), "reconnects_total", modem="4d322d44") == 0


@pytest.fixture
def fixtures() -> Path:
    return Path(__file__).parents[2] / "fixtures"


@pytest.mark.parametrize("name", ["../../etc", "a/b", "", ".", "wwan0;x", "w" * 16, "\u0661"])
def test_an_interface_with_a_name_that_no_kernel_gives(root: Path, name: str) -> None:
    answer = f'{{"modem":{{"generic":{{"ports":["{name} (net)"]}}}}}}'
    listed = '{"modem-list":["/org/freedesktop/ModemManager1/Modem/7"]}'
    scripted(root, f"case $1 in -L) echo '{listed}' ;; *) echo '{answer}' ;; esac")
    reading = modem.collect(World(str(root)))
    assert [sample.tags for sample in reading.samples if "interface" in sample.tags] == []


def test_texts_of_a_network_are_cut_and_stay_values(root: Path) -> None:
    name = "\\u001b[31m" + "x" * 500
    odd = (
        f'"3gpp":{{"operator-name":"{name}","operator-code":"12 OR 1"}},"generic":{{"access-technologies":["\\u001b"]}}'
    )
    answer = f'{{"modem":{{{odd}}}}}'
    listed = '{"modem-list":["/org/freedesktop/ModemManager1/Modem/7"]}'
    scripted(root, f"case $1 in -L) echo '{listed}' ;; *) printf '%s' '{answer}' ;; esac")
    reading = modem.collect(World(str(root)))
    operator = value(reading, "operator")
    assert isinstance(operator, str)
    assert operator.isprintable()
    assert len(operator) <= 64
    assert value(reading, "access_technology") is None
    assert not any("operator" in sample.tags for sample in reading.samples)


def test_a_counter_that_is_no_number_is_warned_about(root: Path, runs: Runs) -> None:
    scripted(root, """echo '{"modem-list":[]}'""")
    interface(root, "usb0", 5, 100, 200, "cdc_ether")
    (root / "sys/class/net/usb0/statistics/tx_bytes").write_text("many\n")
    reading = runs.run()
    assert value(reading, "count") == 1
    assert value(reading, "rx_bytes_total") is None
    assert len(reading.warnings) == 1
    assert "tx_bytes" in reading.warnings[0]


@pytest.mark.parametrize(
    "state",
    ["x", "\nmodem a b c", "\nmodem a 1 2 x wwan0 0\ncounted usb0  1 2 3", "\n" * 50, "\ncounted usb0  -1 1 1 1 1"],
)
def test_a_state_of_another_version(root: Path, runs: Runs, state: str) -> None:
    scripted(root, """echo '{"modem-list":[]}'""")
    interface(root, "usb0", 5, 100, 200, "cdc_ether")
    runs.state = state
    assert value(runs.run(), "rx_bytes_total") == 100


# Names


def test_a_name_is_of_this_modem_on_this_machine(root: Path) -> None:
    assert identity.hashed(str(root), IMEI) == NAME
    assert identity.hashed(str(root), IMEI[:-1] + "3") != NAME
    (root / "etc/machine-id").write_text("00112233445566778899aabbccddeeff\n")
    other = identity.hashed(str(root), IMEI)
    assert other != NAME
    assert len(other) == identity.LENGTH


@pytest.mark.parametrize("machine", [None, "", "uninitialized\n", "5f3c"])
def test_without_a_secret_nothing_is_hashed(root: Path, manager: Simulated, machine: str | None) -> None:
    file = root / "etc/machine-id"
    if machine is None:
        file.unlink()
    else:
        file.write_text(machine)
    manager.modems = {"0": lte()}
    manager.tell()
    reading = modem.collect(World(str(root)))
    assert value(reading, "connected", modem="wwan0") == 1
    assert IMEI not in repr(reading)


def test_two_modems_with_one_imei_are_two(manager: Simulated, runs: Runs) -> None:
    manager.modems = {"0": lte(), "1": lte(interface="wwan1")}
    manager.tell()
    reading = runs.run()
    series = [(sample.name, canonical(sample.tags)) for sample in reading.samples]
    assert len(series) == len(set(series))
    assert value(reading, "connected", modem=f"{NAME}-2") == 1


def test_a_box_as_a_folder(fixtures: Path) -> None:
    first = modem.collect(World(str(fixtures / "orangepi5plus")))
    assert value(first, "count") == 4
    assert value(first, "tx_bytes_total", interface="wwan0") == 801223411
    second = modem.collect(World(str(fixtures / "orangepi5plus.later"), {}, first.state, 10_000))
    assert value(second, "tx_bytes_total", interface="wwan0") == 801223411 + 220318
    assert value(second, "tx_bytes_total", interface="usb0") == 414880934
    assert second.warnings == []


def test_what_the_real_program_says_of_a_modem_that_is_gone(root: Path, manager: Simulated) -> None:
    with pytest.raises(mmcli.Gone):
        mmcli.Asker(str(root)).modem("5")
