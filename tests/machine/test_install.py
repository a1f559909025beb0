"""install.sh: what it puts where, and that it may be run again, over an older one, and undone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from .machine import Machine, booted

pytestmark = pytest.mark.machine

CONFIG = "/etc/belabox-metrics/config.yaml"
TOKEN = "/etc/belabox-metrics/api-token"
PLACES = "/usr/lib/belabox-metrics /usr/bin /usr/lib/systemd /etc"


@pytest.fixture(scope="module")
def own(machine_name: str) -> Iterator[Machine]:
    """Not the shared machine: one with a copy of the checkout to change, at /root/new."""
    with booted(f"{machine_name}-install") as machine:
        machine.run("cp", "-r", "/src", "/root/new")
        machine.run("/root/new/install.sh", "--device-id", "box-1", timeout=300)
        # An installation ends with the next sample, and here are many installations.
        machine.run("sed", "-i", "/name: memory.usage/,/interval:/s/interval: .*/interval: 1s/", CONFIG)
        yield machine


def files(machine: Machine) -> set[str]:
    """All that an installation could have touched, with owner, mode and the time of the last change."""
    return set(machine.run("sh", "-c", f"find {PLACES} -printf '%p %u:%g %m %s %T@ %i\\n'").stdout.splitlines())


def mode(machine: Machine, path: str) -> str:
    return machine.run("stat", "-c", "%a %U:%G", path).stdout.strip()


def timers(machine: Machine) -> str:
    properties = "--property=Id,ActiveEnterTimestampMonotonic"
    return machine.systemctl("show", properties, "belabox-metrics*.timer", "belabox-metrics.target")


def test_everything_is_where_the_documentation_says(machine: Machine) -> None:
    assert mode(machine, "/usr/lib/belabox-metrics/lib") == "755 root:root"
    assert mode(machine, "/usr/lib/belabox-metrics/jobs") == "755 root:root"
    assert mode(machine, "/etc/belabox-metrics") == "750 root:metrics"
    assert mode(machine, CONFIG) == "640 root:metrics"
    assert mode(machine, TOKEN) == "600 root:root"
    assert mode(machine, "/var/lib/belabox-metrics") == "750 metrics:metrics"
    assert machine.run("stat", "-c", "%U:%G", "/var/lib/belabox-metrics/metrics.db").stdout == "metrics:metrics\n"
    assert machine.run("getent", "passwd", "metrics").stdout.endswith(":/nonexistent:/usr/sbin/nologin\n")
    assert machine.run("belabox-metrics", "--help").stdout


def test_everything_runs(machine: Machine) -> None:
    assert machine.systemctl("is-system-running") == "running"
    assert machine.systemctl("is-enabled", "belabox-metrics.target") == "enabled"
    assert machine.systemctl("is-active", "belabox-metrics.target") == "active"


def test_a_box_gets_a_name_of_its_own(machine: Machine) -> None:
    wanted = machine.run("sh", "-c", "sha256sum < /etc/machine-id").stdout[:8]
    assert f'  id: "belabox-{wanted}"' in machine.run("cat", CONFIG).stdout


def test_a_second_run_changes_nothing(own: Machine) -> None:
    own.run("/root/new/install.sh", timeout=120)
    before = files(own) | {timers(own)}
    own.run("/root/new/install.sh", timeout=120)
    assert files(own) | {timers(own)} == before


def test_byte_code_is_complete_and_knows_its_installed_path(own: Machine) -> None:
    lib = "/usr/lib/belabox-metrics/lib"
    sources = own.run("sh", "-c", f"find {lib} -name '*.py' | wc -l").stdout
    assert own.run("sh", "-c", f"find {lib} -name '*.pyc' | wc -l").stdout == sources
    assert own.run("grep", "-rl", "belabox-metrics.new", lib, check=False).stdout == ""


def test_an_upgrade_replaces_the_whole_tree(own: Machine) -> None:
    package = "/root/new/lib/belabox_metrics"
    units = "/root/new/units"
    own.run(
        "sh",
        "-c",
        f"echo 'ANSWER = 1' > {package}/old.py; echo '[Unit]' > {units}/belabox-metrics-old.target",
    )
    own.run("/root/new/install.sh", timeout=120)
    applied = ("stat", "-c", "%.9Z", "/etc/systemd/system/belabox-metrics.applied")
    before = own.run(*applied).stdout
    own.run("sh", "-c", f"mv {package}/old.py {package}/new.py; rm {units}/belabox-metrics-old.target")
    own.run("/root/new/install.sh", timeout=120)
    assert own.run(*applied).stdout != before, "the next start would not see to an upgrade that is cut off here"
    installed = own.run("find", "/usr/lib/belabox-metrics", "/usr/lib/systemd/system").stdout
    assert "/belabox_metrics/new.py" in installed
    assert "/belabox_metrics/old.py" not in installed
    assert "/__pycache__/old." not in installed
    assert "belabox-metrics-old.target" not in installed
    assert "belabox-metrics.new" not in own.run("ls", "/usr/lib").stdout


def test_jobs_that_start_during_an_upgrade_find_a_whole_tree(own: Machine) -> None:
    """Half of them would not, if the old tree went before the new one came."""
    script = """
        touch /run/upgrading
        while [ -e /run/upgrading ]; do belabox-metrics --help >/dev/null || echo failed; echo; done &
        for i in 1 2 3 4 5 6; do
            echo "ANSWER = $i" > /root/new/lib/belabox_metrics/answer.py
            /root/new/install.sh >/dev/null || echo install failed
        done
        rm /run/upgrading
        wait
    """
    said = own.run("bash", "-c", script, timeout=300).stdout
    assert len(said) > 20
    assert said.strip() == ""


def test_the_configuration_is_kept_and_a_new_default_put_beside_it(own: Machine) -> None:
    own.run("sh", "-c", f"echo '# mine' >> {CONFIG}")
    own.run("sh", "-c", "echo '# theirs' >> /root/new/configs/config.yaml")
    mine = own.run("cat", CONFIG).stdout
    own.run("/root/new/install.sh", timeout=120)
    assert own.run("cat", CONFIG).stdout == mine
    assert own.run("cat", CONFIG + ".dist").stdout.endswith("# theirs\n")
    assert mode(own, CONFIG + ".dist") == "640 root:metrics"


def test_a_configuration_with_a_mistake_is_told_before_anything_is_replaced(own: Machine) -> None:
    own.run("cp", "-p", CONFIG, "/root/right.yaml")
    own.run("sh", "-c", "echo 'ANSWER = 1' > /root/new/lib/belabox_metrics/later.py")
    before = own.run("find", "/usr/lib/belabox-metrics", "-name", "*.py").stdout
    own.run("sh", "-c", f"echo 'no_such_key: 1' >> {CONFIG}")
    try:
        refused = own.run("/root/new/install.sh", check=False, timeout=120)
        assert refused.returncode == 1
        assert f"{CONFIG}:" in refused.stderr
        assert "no_such_key: is not a known key" in refused.stderr
        assert "nothing was installed" in refused.stderr
        assert own.run("find", "/usr/lib/belabox-metrics", "-name", "*.py").stdout == before
    finally:
        own.run("mv", "/root/right.yaml", CONFIG)
        own.run("rm", "/root/new/lib/belabox_metrics/later.py")


def install_beside(machine: Machine, program: str, script: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """An installation that finds `script` in the place of `program`."""
    folder = f"/root/beside-{program}"
    machine.run("mkdir", folder)
    machine.run("tee", f"{folder}/{program}", input=f"#!/bin/sh\n{script}\n")
    machine.run("chmod", "+x", f"{folder}/{program}")
    return machine.run("sh", "-c", f"PATH={folder}:$PATH /root/new/install.sh", check=check, timeout=120)


def test_what_was_installed_is_on_the_disk_when_it_says_so(own: Machine) -> None:
    install_beside(own, "sync", 'echo "$@" >> /root/synced\nexec /usr/bin/sync "$@"')
    synced = own.run("tail", "-n", "1", "/root/synced").stdout.split()
    for path in ("/usr/lib/systemd/system", "/etc/systemd/system", "/etc/belabox-metrics", "/usr/lib/belabox-metrics"):
        assert path in synced


def test_settings_are_changed_in_place(own: Machine) -> None:
    before = own.run("cat", CONFIG).stdout.splitlines()
    own.run("/root/new/install.sh", "--remote", "http://127.0.0.1:8428/api/v1/import", "--device-id", "box-2")
    after = own.run("cat", CONFIG).stdout.splitlines()
    assert len(after) == len(before)
    changed = [line.split("#")[0].strip() for line, old in zip(after, before) if line != old]
    assert changed == ['id: "box-2"', 'url: "http://127.0.0.1:8428/api/v1/import"', "enabled: true"]


@pytest.mark.parametrize("argument", [("--device-id", "two words"), ("--remote", "nowhere"), ("--remote", "ftp://a/b")])
def test_a_wrong_value_changes_nothing(own: Machine, argument: tuple[str, str]) -> None:
    before = own.run("cat", CONFIG).stdout
    refused = own.run("/root/new/install.sh", *argument, check=False)
    assert refused.returncode == 1
    assert "left as it was" in refused.stderr
    assert refused.stderr.startswith(f"{CONFIG}:")
    assert own.run("cat", CONFIG).stdout == before
    assert own.run("ls", "-A", "/etc/belabox-metrics").stdout.split() == [
        "api-token",
        "collectors.d",
        "config.yaml",
        "config.yaml.dist",
    ]


@pytest.mark.parametrize(
    "arguments",
    [["--what"], ["--remote"], ["--token-file"], ["--purge"], ["--once"], ["--try", "--remote", "http://a"]],
)
def test_wrong_usage_is_told_before_anything_is_done(machine: Machine, arguments: list[str]) -> None:
    refused = machine.run("/src/install.sh", *arguments, check=False)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)


def test_it_says_that_it_needs_root(machine: Machine) -> None:
    refused = machine.run("runuser", "-u", "nobody", "--", "/src/install.sh", check=False)
    assert refused.returncode == 1
    assert "needs root" in refused.stderr


def test_without_systemd_it_points_to_the_throw_away_machine(machine: Machine) -> None:
    without = "mount -t tmpfs tmpfs /run/systemd && exec /src/install.sh"
    refused = machine.run("unshare", "--mount", "sh", "-c", without, check=False)
    assert refused.returncode == 1
    assert "--try" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_missing_packages_are_installed_in_spite_of_a_hiccup(own: Machine) -> None:
    # The machine has no network: this apt-get fails once, and then puts back what was taken away.
    script = r"""
        modules=/usr/lib/python3/dist-packages
        mv $modules/requests /root/
        mkdir /root/bin
        cat > /root/bin/apt-get <<EOF
#!/bin/sh
echo "\$@" >> /root/asked
if [ ! -e /root/failed ]; then touch /root/failed; exit 100; fi
case "\$*" in *install*) mv /root/requests $modules/ ;; esac
EOF
        chmod +x /root/bin/apt-get
        PATH=/root/bin:$PATH /root/new/install.sh
    """
    own.run("bash", "-c", script, timeout=120)
    asked = own.run("cat", "/root/asked").stdout
    assert asked.count("update") == 2
    assert asked.rstrip().endswith(
        "install --no-install-recommends python3 python3-yaml python3-requests python3-systemd"
    )


def test_too_old_a_systemd_is_told(own: Machine) -> None:
    refused = install_beside(own, "systemctl", 'echo "systemd 245 (245.4-4ubuntu3)"', check=False)
    assert refused.returncode == 1
    assert "needs systemd 247 or newer, this is 245" in refused.stderr


def test_a_token_goes_from_its_file_to_the_server_and_nowhere_else(own: Machine) -> None:
    receiver = ["belabox-metrics", "receiver", "--port", "9191", "--token", "/root/secret"]
    own.run("sh", "-c", "echo canary-77aa > /root/secret")
    own.run("systemd-run", "--unit=receiver", "--collect", *receiver)
    try:
        url = "http://127.0.0.1:9191/api/v1/import"
        own.run("/root/new/install.sh", "--remote", url, "--token-file", "/root/secret", timeout=120)
        assert mode(own, TOKEN) == "600 root:root"
        own.run("sed", "-i", "s/^remote:/remote:\\n  auth: {type: bearer_token}/", CONFIG)
        own.run("belabox-metrics", "apply")
        # By its timer: one that was refused a moment ago, for want of the token, is still under way.
        sent = ("BELABOX_JOB=upload", f"BELABOX_ENDPOINT={url}")
        own.wait_until(lambda: any(one.get("BELABOX_HTTP_STATUS", "").startswith("2") for one in own.journal(*sent)))
        own.run("belabox-metrics", "collect", "memory.usage")
        said = own.run("belabox-metrics", "upload").stderr
        assert "samples sent" in said, said
        assert own.run("journalctl", "--grep", "canary-77aa", check=False).stdout in ("", "-- No entries --\n")
        assert own.run("grep", "-l", "canary-77aa", "-r", "/var/lib/belabox-metrics", "/run", check=False).stdout == ""
    finally:
        own.systemctl("stop", "receiver.service")


def test_a_token_that_is_missing_is_told_beforehand_and_another_run_writes_none(own: Machine) -> None:
    before = own.run("cat", TOKEN).stdout
    own.run("/root/new/install.sh", timeout=120)
    assert own.run("cat", TOKEN).stdout == before
    own.run("mv", TOKEN, "/root/away")
    try:
        refused = own.run("belabox-metrics", "check", check=False)
        assert refused.returncode == 78
        assert f"{TOKEN}: can't be read: No such file or directory (put the token there" in refused.stderr
        # Perhaps one more had begun with the token; and it is another unit that notes what became of one without.
        own.systemctl("start", "belabox-metrics-upload.service", check=False)
        own.systemctl("start", "belabox-metrics-upload.service", check=False)
        status = ("belabox-metrics", "status", "--json")
        own.wait_until(lambda: "could not be given its secrets" in own.run(*status).stdout)
    finally:
        own.run("mv", "/root/away", TOKEN)


def test_uninstalling_keeps_what_is_the_persons_and_purging_does_not(own: Machine) -> None:
    everything = "find / /run -xdev -path /proc -prune -o -path /root -prune -o -name 'belabox-metrics*' -print"
    override = "/etc/systemd/system/belabox-metrics@cpu.usage.service.d"
    own.run("sh", "-c", f"mkdir {override} && echo '[Service]' > {override}/mine.conf")
    own.run("/root/new/install.sh", "--uninstall")
    kept = {"/etc/belabox-metrics", override, "/var/lib/belabox-metrics"}
    assert set(own.run("sh", "-c", everything).stdout.split()) == kept
    assert own.systemctl("list-units", "--all", "--plain", "--no-legend", "belabox-metrics*") == ""
    assert own.systemctl("is-system-running") == "running"
    rows = own.sql("SELECT count(*) AS n FROM metrics")[0]["n"]

    own.run("/root/new/install.sh", timeout=120)
    assert own.sql("SELECT count(*) AS n FROM metrics")[0]["n"] > rows > 0

    own.run("/root/new/install.sh", "--uninstall", "--purge")
    assert own.run("sh", "-c", everything).stdout == ""
    assert own.run("getent", "passwd", "metrics", check=False).stdout == ""
    own.run("/root/new/install.sh", "--uninstall", "--purge")
