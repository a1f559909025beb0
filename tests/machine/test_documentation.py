"""Every command of the documentation, as it is printed, on a machine that is as the page says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from tests import markdown
from tests.markdown import ROOT, Fence

from .machine import Machine, booted
from .test_stream import collect, say, streaming

pytestmark = pytest.mark.machine

CONFIG = "/etc/belabox-metrics/config.yaml"
DATA = "/var/lib/belabox-metrics"
IMPORT = "http://127.0.0.1:8428/api/v1/import"
# For a machine that has only root, and no name server.
PREPARE = """
cat > /usr/local/bin/sudo <<'EOF'
#!/bin/sh
[ "$1" = -u ] || exec "$@"
user=$2
shift 2
exec setpriv --reuid="$user" --regid="$user" --clear-groups "$@"
EOF
chmod +x /usr/local/bin/sudo
echo '127.0.0.1 metrics.example.com box' >> /etc/hosts
mkdir /mnt/stick
cp -r /src /root/belabox-metrics
echo secret > /root/token
"""
# Answers as a server whose clock is an hour ahead.
LATE_SERVER = """
import http.server, sys
class Late(http.server.BaseHTTPRequestHandler):
    def date_time_string(self, timestamp=None):
        import email.utils, time
        return email.utils.formatdate(time.time() + 3600, usegmt=True)
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 9091), Late).serve_forever()
"""
AT_A_TERMINAL = ("belabox-metrics report",)
TROUBLE = "docs/troubleshooting.md"
# All unmarked commands of these are run in their order, on a machine that nothing is installed on.
WALKS = ("README.md", "docs/deployment.md")
# And of these on one that has everything.
LOOKS = (
    *("docs/configuration.md", "docs/export.md", "docs/health-monitoring.md", "docs/own-metrics.md"),
    *("docs/page.md", "docs/retention.md"),
)

ONLY_LOOKS = re.compile(
    r"belabox-metrics (query|status|doctor|sessions|report|verify|collect) \S|journalctl \S|curl http://127|sqlite3 \S"
    r"|systemctl (list-timers|status|show|list-units) \S|findmnt|df -"
)
TO_FILL_IN = re.compile(r"\b(FILE|SERVER|SESSION|DIR|METRIC|COMMAND|URL|GROUP|NAME|DISK)\b|…|\.\.\.")

Trouble = Callable[[Machine], AbstractContextManager[None]]
TROUBLES: dict[str, Trouble] = {}


def fences(page: str) -> list[Fence]:
    found = markdown.fences((ROOT / page).read_text())
    return [
        fence
        for fence in found
        if fence.language in markdown.SHELL and not fence.mark and not markdown.is_of_the_tests(fence)
    ]


def run(machine: Machine, fence: Fence) -> None:
    for step in markdown.steps(fence):
        # What gives words to a person and a page to a pipe needs a terminal.
        terminal = ["script", "-qec", step.command, "/dev/null"] if step.command in AT_A_TERMINAL else []
        # Each line of a script has to succeed. A console shows what is wrong, often by what says so with its exit code.
        bash = ["bash", "-c" if fence.language == "console" else "-ec"]
        script = f"exec 2>&1; cd /root/belabox-metrics; export USER=root; {step.command}"
        done = machine.run(*(terminal or [*bash, script]), check=False, timeout=300)
        assert markdown.missing(done.stdout, step.prints) == [], f"$ {step.command}\n{done.stdout}"
        assert done.returncode == 0 or fence.language == "console", f"{step.command}\n{done.stdout}"
        assert "command not found" not in done.stdout, done.stdout


@pytest.fixture(scope="module")
def box(machine_name: str) -> Iterator[Machine]:
    """Installed, and sending to the server beside it."""
    with booted(f"{machine_name}-documentation") as machine:
        machine.run("bash", "-ec", PREPARE)
        machine.run("/root/belabox-metrics/install.sh", "--remote", IMPORT, timeout=300)
        yield machine


@pytest.mark.parametrize("page", WALKS)
def test_commands_in_their_order_on_a_new_machine(machine_name: str, page: str) -> None:
    with booted(f"{machine_name}-walk") as machine:
        machine.run("bash", "-ec", PREPARE)
        for fence in fences(page):
            run(machine, fence)
            # A person does not type as fast as what was saved is applied.
            machine.systemctl("start", "belabox-metrics-apply.service", check=False)


@pytest.mark.parametrize("page", LOOKS)
def test_commands_on_a_box_at_work(box: Machine, page: str) -> None:
    for fence in fences(page):
        run(box, fence)


def shown_in_sentences() -> list[str]:
    """Whole commands that only look, out of sentences and tables: none with a word to fill in, and none that asks for
    the metric of an example."""
    pages = [path.read_text() for path in markdown.PAGES if path.name != "own-metrics.md"]
    found = [said.partition("sudo ")[2] or said for page in pages for said in markdown.code(page)]
    whole = [said for said in dict.fromkeys(found) if ONLY_LOOKS.match(said) and not TO_FILL_IN.search(said)]
    return [said for said in whole if "-f " not in said]


def test_commands_in_sentences_are_understood(box: Machine) -> None:
    wrong = []
    for command in shown_in_sentences():
        done = box.run("bash", "-c", f"exec 2>&1 </dev/null; export SYSTEMD_PAGER=; {command}", check=False)
        # 1 may be the answer of a box on which there is nothing to tell; 2 and 127 are not understood, by whom ever.
        if done.returncode in (2, 64, 127) or "unrecognized" in done.stdout or "Failed to parse" in done.stdout:
            wrong.append(f"{command}\n{done.stdout}")
    assert wrong == []


@pytest.mark.parametrize("heading", list(dict.fromkeys(fence.heading for fence in fences(TROUBLE))))
def test_what_to_do_when(box: Machine, heading: str) -> None:
    """With this trouble the commands print what the page says; without it they would not."""
    with TROUBLES[heading](box):
        for fence in fences(TROUBLE):
            if fence.heading == heading:
                run(box, fence)


def test_every_trouble_has_its_section() -> None:
    assert set(TROUBLES) == {fence.heading for fence in fences(TROUBLE)}


# ---- troubles ----


def trouble(heading: str) -> Callable[[Callable[[Machine], Iterator[None]]], None]:
    def noted(arrange: Callable[[Machine], Iterator[None]]) -> None:
        @contextmanager
        def lasting(machine: Machine) -> Iterator[None]:
            arranged = arrange(machine)
            next(arranged)
            try:
                yield
            finally:
                next(arranged, None)

        TROUBLES[heading] = lasting

    return noted


@contextmanager
def changed(machine: Machine, old: str, new: str) -> Iterator[None]:
    """The configuration with one place changed, applied; and as it was."""
    before = machine.run("cat", CONFIG).stdout
    after = re.sub(old, new, before, count=1, flags=re.DOTALL)
    assert after != before, old
    machine.run("tee", CONFIG, input=after)
    machine.run("belabox-metrics", "apply", check=False)
    try:
        yield
    finally:
        machine.run("tee", CONFIG, input=before)
        machine.run("belabox-metrics", "apply")


@contextmanager
def running(machine: Machine, *command: str, port: int) -> Iterator[None]:
    """A server of its own."""
    machine.run("systemd-run", "--unit=beside", "--collect", *command)
    try:
        listens = ("ss", "-Hltn", f"sport = :{port}")
        machine.wait_until(lambda: machine.run(*listens).stdout, f"nobody listens at {port}")
        yield
    finally:
        machine.run("systemctl", "stop", "beside", check=False)


@trouble("What to do when")
def nothing(machine: Machine) -> Iterator[None]:
    # What other tests have made it miss comes with the next runs.
    doctor = ("belabox-metrics", "doctor")
    machine.wait_until(lambda: machine.run(*doctor, check=False).returncode == 0, "the doctor has problems")
    yield


@trouble("Nothing is collected")
def stopped(machine: Machine) -> Iterator[None]:
    machine.run("systemctl", "stop", "belabox-metrics.target")
    yield
    assert machine.systemctl("is-active", "belabox-metrics.target") == "active"


@trouble("One metric has no samples")
def relay_away(machine: Machine) -> Iterator[None]:
    with changed(machine, r'(name: srt.relay .*?url: )""', r"\1http://127.0.0.1:9/"):
        machine.run("systemctl", "start", "belabox-metrics@srt.relay.service", check=False)
        yield


@trouble("The modem is not seen")
def no_modem(machine: Machine) -> Iterator[None]:
    yield


@trouble("There is no HDMI signal")
def no_hdmi(machine: Machine) -> Iterator[None]:
    yield


@trouble("A stream broke")
def stream_broke(machine: Machine) -> Iterator[None]:
    with streaming(machine):
        collect(machine, "stream.session")
        say(machine, "SRT connected to 127.0.0.1:9000.")
        say(machine, "The SRT connection timed out, exiting")
        collect(machine, "stream.events")
        # A session ends when it was seen last: behind what happened to it.
        collect(machine, "stream.session")
        say(machine, "{ stop: 0 }")
        ended = "SELECT status FROM sessions WHERE end_time IS NOT NULL"
        machine.wait_until(lambda: machine.sql(ended), "the session has not ended")
        yield


@trouble("Uploads stopped")
def no_server(machine: Machine) -> Iterator[None]:
    with changed(machine, r"127.0.0.1:8428/(.*?upload_interval:) 30s", r"127.0.0.1:9/\1 1s"):
        last = ("journalctl", "BELABOX_JOB=upload", "-n1", "-ocat")
        machine.wait_until(lambda: "refused" in machine.run(*last).stdout, "no upload has failed")
        yield


@trouble("The server does not know this box")
def no_token(machine: Machine) -> Iterator[None]:
    command = ("/usr/bin/belabox-metrics", "receiver", "--token", "/root/token")
    with running(machine, *command, port=9090), changed(machine, IMPORT, "http://127.0.0.1:9090/api/v1/import"):
        yield


@trouble("More and more waits to be sent")
def backlog(machine: Machine) -> Iterator[None]:
    with changed(machine, "upload_interval: 30s", "upload_interval: 24h"):
        machine.run("belabox-metrics", "collect", "memory.usage")
        machine.run("belabox-metrics", "collect", "meta")
        yield


@trouble("The disk is full")
def full(machine: Machine) -> Iterator[None]:
    owner = "uid=$(id -u metrics),gid=$(id -g metrics),mode=750"
    machine.run("systemctl", "stop", "belabox-metrics.target")
    machine.run("bash", "-c", f"mount -t tmpfs -o size=3m,{owner} tmpfs {DATA}")
    machine.run("systemctl", "start", "belabox-metrics-apply.service", "belabox-metrics.target")
    # Where that was under way since before, it has made no database here.
    machine.run("belabox-metrics", "collect", "memory.usage")
    machine.run("bash", "-c", f"head -c 4M /dev/zero > {DATA}/other", check=False)
    yield
    machine.run("systemctl", "stop", "belabox-metrics.target")
    machine.run("systemctl", "stop", "belabox-metrics*.service")
    machine.run("umount", DATA)
    machine.run("systemctl", "start", "belabox-metrics.target")


@trouble("The database is damaged")
def damaged(machine: Machine) -> Iterator[None]:
    machine.run("systemctl", "stop", "belabox-metrics.target")
    machine.run("belabox-metrics", "collect", "memory.usage")
    garbage = f"dd if=/dev/urandom of={DATA}/metrics.db bs=1024 seek=1 count=20 conv=notrunc status=none"
    machine.run("bash", "-c", garbage)
    machine.run("systemctl", "start", "belabox-metrics.target")
    salvaged = lambda: machine.journal("BELABOX_JOB=recover", "--grep=salvaged")  # noqa: E731
    # One that fails is begun again after a minute.
    machine.wait_until(salvaged, "nothing was brought over", timeout=150)
    yield
    machine.run("bash", "-c", f"rm {DATA}/metrics.db.damaged*")


@trouble("The clock is wrong")
def clock_wrong(machine: Machine) -> Iterator[None]:
    machine.run("tee", "/root/late.py", input=LATE_SERVER)
    late = running(machine, "/usr/bin/python3", "/root/late.py", port=9091)
    told = changed(machine, r"# clock_skew_url: \S+", "clock_skew_url: http://127.0.0.1:9091/health")
    with late, told:
        machine.run("systemctl", "start", "belabox-metrics-clock.service")
        yield


@trouble("The configuration is refused")
def refused(machine: Machine) -> Iterator[None]:
    with changed(machine, r"(name: cpu.usage .*?interval: )10s", r"\g<1>10"):
        machine.run("systemctl", "start", "belabox-metrics-apply.service", check=False)
        yield


@trouble("The page and /health do not answer")
def port_taken(machine: Machine) -> Iterator[None]:
    socket, path = "belabox-metrics-health.socket", "belabox-metrics-apply.path"
    # What was saved last may just be applied, and that would start the socket again.
    machine.run("systemctl", "stop", path, "belabox-metrics-apply.service", socket, "belabox-metrics-health.service")
    with running(machine, "/usr/bin/python3", "-m", "http.server", "9100", port=9100):
        machine.run("systemctl", "start", path)
        machine.run("systemctl", "start", socket, check=False)
        yield
    machine.run("systemctl", "start", socket)
    assert machine.http_get("/health/live").status == 200


@trouble("After a power cut")
def power_cut(machine: Machine) -> Iterator[None]:
    machine.run("belabox-metrics", "collect", "system.uptime")
    yield


@trouble("It takes too much of the processor")
def no_byte_code(machine: Machine) -> Iterator[None]:
    machine.run("rm", "-r", "/usr/lib/belabox-metrics/lib/belabox_metrics/__pycache__")
    yield
