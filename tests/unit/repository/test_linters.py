"""Lint, types, units and shell scripts: what a reviewer would otherwise have to look for."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from belabox_metrics.config.configuration import load
from belabox_metrics.schedule import relays, units

ROOT = Path(__file__).parents[3]
UNITS = sorted(
    path for path in (ROOT / "units").iterdir() if path.suffix in (".service", ".socket", ".path", ".target")
)
SHELL = [
    path
    for path in (
        ROOT / name
        for name in (
            "install.sh",
            "lib/setup.sh",
            *(f"configs/debian/{name}" for name in ("build", "preinst", "postinst", "prerm", "postrm", "rtupdate")),
            "tests/run",
            "tests/bench/run",
            "tests/link/kill_at",
            *(f"tests/faults/vm/{name}" for name in ("enter-root", "image", "install", "start-uml")),
            "tests/link/run",
            "tests/machine/machine",
            "tests/machine/try",
            "tests/platforms/run",
            ".ci/run",
        )
    )
    if path.exists()
]


def run(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in argv], cwd=ROOT, capture_output=True, text=True, check=False)


def tool(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.fail(f"{name} is missing: tests/run installs it")
    return found


@pytest.mark.parametrize("arguments", [("check",), ("format", "--check")], ids=" ".join)
def test_ruff_has_nothing_to_say(arguments: tuple[str, ...]) -> None:
    done = run(tool("ruff"), *arguments, "--no-cache", "lib", "jobs", "tests")
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_has_nothing_to_say() -> None:
    done = run(tool("mypy"), "--cache-dir", "/tmp/belabox-metrics-mypy")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(script: Path) -> None:
    done = run(tool("shellcheck"), "--external-sources", script)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units, with programs that exist: verify looks for what ExecStart= names."""
    directory = tmp_path_factory.mktemp("units")
    for path in (ROOT / "units").rglob("*"):
        if path.is_file():
            target = directory / path.relative_to(ROOT / "units")
            target.parent.mkdir(exist_ok=True)
            target.write_text(path.read_text().replace("/usr/lib/belabox-metrics/", f"{ROOT}/"))
    return directory


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_understands_every_line(unit: Path, verified: Path) -> None:
    name = unit.name.replace("@.", "@cpu.usage.")
    if name != unit.name:
        (verified / name).symlink_to(unit.name)
    done = run("systemd-analyze", "verify", "--man=no", verified / name)
    # Unknown keys are only warned about, with exit code 0.
    assert (done.returncode, done.stderr) == (0, "")


# What systemd-analyze security calls exposure, times ten.
COLLECTOR, OTHER = 20, 12
EXPOSURE = {
    "belabox-metrics@.service": COLLECTOR,
    "belabox-metrics@gps.service": COLLECTOR,
    "belabox-metrics@hdmi.input.service": COLLECTOR,
    "belabox-metrics@srt.packet_loss.service": COLLECTOR,
    "belabox-metrics@srt.relay.service": COLLECTOR,
    "belabox-metrics@stream.events.service": COLLECTOR,
    "belabox-metrics@stream.links.service": COLLECTOR,
    "belabox-metrics-upload.service": OTHER,
    "belabox-metrics-clock.service": OTHER,
    "belabox-metrics-health.service": OTHER,
    "belabox-metrics-maintain.service": OTHER,
    "belabox-metrics-recover.service": OTHER,
    "belabox-metrics-failed@.service": OTHER,
    "belabox-metrics-sync.service": COLLECTOR,
    # Root, and docs/security.md has the reasons.
    "belabox-metrics-apply.service": 17,
    "belabox-metrics-apply-again.service": OTHER,
    "belabox-metrics-vpu.service": 9,
}


def check_exposure(unit: str, directory: Path) -> None:
    path = directory / unit
    if not path.exists():
        path.symlink_to(re.sub("@.*", "@.service", unit))
    done = run("systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE[unit]}", path)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


@pytest.mark.parametrize("unit", sorted(EXPOSURE))
def test_exposure_stays_low(unit: str, verified: Path) -> None:
    check_exposure(unit, verified)


@pytest.mark.parametrize("host", ["relay.example", "203.0.113.5", "[2001:db8::5]"])
@pytest.mark.parametrize("metric", relays.METRICS)
def test_exposure_stays_low_with_a_relay_to_ask(metric: str, host: str, verified: Path, tmp_path: Path) -> None:
    """Where `apply` has let it."""
    config = tmp_path / "config.yaml"
    asked = f"{{name: {metric}, interval: 5s, config: {{url: 'http://{host}:8181/stats'}}}}"
    config.write_text(f"device: {{id: box}}\nmetrics: [{asked}]\n")
    home = tmp_path / "units"
    shutil.copytree(verified, home, symlinks=True)
    for name, text in units.render(load(str(config))).items():
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text(text)
    check_exposure(f"belabox-metrics@{metric}.service", home)


def test_no_service_and_no_drop_in_is_without_a_limit_of_exposure() -> None:
    services = {path.name.replace(".service.d", ".service") for path in (ROOT / "units").glob("*.service*")}
    assert services | {f"belabox-metrics@{metric}.service" for metric in relays.METRICS} == set(EXPOSURE)


def test_the_page_on_security_has_the_exposure_of_each() -> None:
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    shown = {name: float(figure) for name, figure in re.findall(r"^\| `([^`]+\.service)` \| ([0-9.]+) \|", page, re.M)}
    assert set(shown) == set(EXPOSURE)
    assert [name for name, figure in shown.items() if figure * 10 > EXPOSURE[name]] == []


def test_keys_of_a_unit_are_sorted_within_service() -> None:
    for unit in UNITS:
        if unit.suffix == ".service":
            keys = re.findall(r"^(\w+)=", unit.read_text().split("[Service]")[1], re.MULTILINE)
            assert keys == sorted(keys), unit.name


def test_a_job_that_can_not_do_its_work_for_now_has_not_failed() -> None:
    """It leaves with 75 and one record: docs/recovery.md."""
    for job in ("@", "-clock", "-failed@", "-maintain", "-recover", "-upload"):
        unit = ROOT / f"units/belabox-metrics{job}.service"
        assert "\nSuccessExitStatus=75\n" in unit.read_text(), unit.name


def test_every_message_id_is_explained_in_the_catalog_and_no_other() -> None:
    code = set(re.findall(r'^[A-Z_]+ = "([0-9a-f]{32})"', (ROOT / "lib/belabox_metrics/journal.py").read_text(), re.M))
    catalog = set(re.findall(r"^-- ([0-9a-f]{32})$", (ROOT / "units/belabox-metrics.catalog").read_text(), re.M))
    assert code == catalog
    assert code


def test_doors_are_thin_and_executable() -> None:
    for door in (ROOT / "jobs").glob("*.py"):
        assert door.stat().st_mode & 0o111, f"{door.name} can't be executed"
        assert len(door.read_text().splitlines()) <= 15, f"{door.name}: a script is compiled at every start"


def test_schema_version_is_the_one_every_opener_expects() -> None:
    from belabox_metrics.store import database, schema

    assert database.EXPECTED == schema.VERSION
