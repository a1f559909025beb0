"""A network namespace for a machine and the server it sends to: both see no other network, and no other sees them."""

from __future__ import annotations

import subprocess

# From the machine: QEMU's user networking has it so, User Mode Linux is given it.
HOST = "10.0.2.2"
TAP = "tap0"
_SET_UP = (
    f"ip link set lo up && ip tuntap add dev {TAP} mode tap && ip address add {HOST}/24 dev {TAP} && "
    f"ip link set {TAP} up && echo && exec sleep infinity"
)


class Network:
    """There until close(), or until this process dies."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", _SET_UP], stdout=subprocess.PIPE
        )
        assert self._holder.stdout
        if not self._holder.stdout.readline():
            raise RuntimeError("no network namespace, or no /dev/net/tun: this needs root")

    def inside(self) -> list[str]:
        """The words before a command that is to run in it."""
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net"]

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()
        assert self._holder.stdout
        self._holder.stdout.close()
