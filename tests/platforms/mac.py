"""Runs a script as on a system that lacks what only Linux has: mac.py SCRIPT [ARGUMENT...]

The names are those that the documentation of os, time, socket, signal and select marks "Availability: Linux", or "not
macOS", as far as anything in here could come to use them."""

from __future__ import annotations

import posix
import runpy
import select
import signal
import socket
import sys
import time

LACKING = {
    posix: (
        *("posix_fallocate", "posix_fadvise", "pipe2", "fdatasync", "memfd_create", "copy_file_range", "splice"),
        *("eventfd", "getrandom", "getxattr", "setxattr", "listxattr", "sched_getaffinity", "sched_setaffinity"),
        *("pidfd_open", "unshare", "setns", "getresuid", "getresgid", "setresuid", "setresgid"),
        *("O_PATH", "O_TMPFILE", "O_DIRECT", "O_NOATIME", "O_LARGEFILE"),
    ),
    time: ("CLOCK_BOOTTIME", "CLOCK_TAI"),
    select: ("epoll", "EPOLLIN"),
    signal: (
        "SIGSTKFLT",
        "SIGPWR",
        "SIGPOLL",
        "SIGRTMIN",
        "SIGRTMAX",
        "sigtimedwait",
        "sigwaitinfo",
        "pidfd_send_signal",
    ),
    socket: ("AF_NETLINK", "AF_PACKET", "SO_PEERCRED", "SOCK_CLOEXEC", "SOCK_NONBLOCK", "AF_VSOCK", "TCP_USER_TIMEOUT"),
}


def main(script: str, arguments: list[str]) -> None:
    """Also where there is no python3-systemd: importing it fails."""
    os = sys.modules.get("os")
    for module, names in LACKING.items():
        for name in names:
            for one in (module, os):
                if one is not None and hasattr(one, name):
                    delattr(one, name)
    sys.modules["systemd"] = None  # type: ignore[assignment]
    # The jobs find the library beside themselves.
    script = script if script.startswith("/") else f"{posix.getcwd()}/{script}"
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
