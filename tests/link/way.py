"""The link between the box and the server: a pair of virtual Ethernet devices that loses, crawls or carries nothing.

Loss is nftables' `numgen` on arrival, at both ends, which every kernel with nftables has; netem, which would do the
same, many kernels of virtual machines lack. The rate is tc's token bucket, `tbf`, also at both ends.
"""

from __future__ import annotations

import subprocess

BOX, SERVER = "10.78.0.2", "10.78.0.1"
# The box's end of it.
DEVICE = "wan0"
# Offloads would make one packet, to lose or to keep, of forty.
_ALONE = ("gso_max_segs", "1")
# A full packet of Ethernet must fit into the bucket, else none passes. Half a minute is what modems keep.
_BUCKET = ("burst", "1600", "latency", "30s")


class Way:
    """`box` and `server` are processes, known by their ids, in the two network namespaces."""

    def __init__(self, box: int, server: int) -> None:
        self._ends = ((box, DEVICE, BOX), (server, "wan1", SERVER))
        _in(server, "ip", "link", "add", "wan1", "type", "veth", "peer", "name", DEVICE, "netns", str(box))
        for pid, device, address in self._ends:
            _in(pid, "ip", "address", "add", f"{address}/24", "dev", device)
            _in(pid, "ip", "link", "set", device, *_ALONE, "up")

    def good(self) -> None:
        """All that was done to it is undone."""
        for pid, device, _ in self._ends:
            _in(pid, "nft", "flush", "ruleset")
            # Fails when there is none.
            _in(pid, "tc", "qdisc", "delete", "dev", device, "root", check=False)

    def lose(self, percent: int) -> None:
        """So many of the packets of each direction don't arrive."""
        # numgen has no comparison that is always true.
        which = "" if percent == 100 else f" numgen random mod 100 < {percent}"
        for pid, device, _ in self._ends:
            rules = (
                "table inet way { chain arrival { type filter hook input priority filter;"
                f' iifname "{device}"{which} drop; }}; }}'
            )
            _in(pid, "nft", rules)

    def crawl(self, rate: str) -> None:
        """Not more than `rate`, as tc(8) spells it, in each direction."""
        for pid, device, _ in self._ends:
            _in(pid, "tc", "qdisc", "replace", "dev", device, "root", "tbf", "rate", rate, *_BUCKET)


def _in(pid: int, *argv: str, check: bool = True) -> None:
    command = ["nsenter", f"--net=/proc/{pid}/ns/net", *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
