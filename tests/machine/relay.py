"""A stand-in for a relay: the statistics page of an irl-srt-server that receives one stream, loss included.

relay.py [PORT [FILE]]     http://127.0.0.1:PORT/stats?publisher=publish/live/feed1

FILE, where there is one, is JSON: numbers that stand for those made up here, or null while no stream arrives.
"""

from __future__ import annotations

import json
import math
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PUBLISHER = "publish/live/feed1"
BITRATE = 7760  # kbit/s
PAYLOAD = 1316  # bytes in a packet of MPEG-TS over SRT
HEADERS = 44  # IPv4, UDP and SRT; the relay counts them among the bytes lost
LOST = 0.005  # of all packets, at first arrival
GIVEN_UP = 0.02  # of the lost ones: came again too late

STARTED = time.monotonic()


def publisher(seconds: float) -> dict[str, float]:
    """The numbers of a stream that has run for so long: all counters grow, the others sway."""
    bitrate = BITRATE + 200 * math.sin(seconds / 7)
    lost = int(seconds * BITRATE * 1000 / 8 / PAYLOAD * LOST)
    dropped = int(lost * GIVEN_UP)
    return {
        "bitrate": round(bitrate),
        "bytesRcvDrop": dropped * (PAYLOAD + HEADERS),
        "bytesRcvLoss": lost * (PAYLOAD + HEADERS),
        "ingestDiscontinuities": 0,
        "latency": 2000,
        "maxReaderBacklogBytes": 2444,
        "maxReaderBacklogMs": 2,
        "mbpsBandwidth": 266.016,
        "mbpsRecvRate": BITRATE / 1000,
        "msRcvBuf": 1998,
        "pktRcvDrop": dropped,
        "pktRcvLoss": lost,
        "pktRcvRetrans": lost - dropped,
        "pktRecvNAKTotal": 0,
        "pktRetransTotal": 0,
        "pktSentNAKTotal": lost,
        "ringOverruns": 0,
        "rtt": round(45 + 10 * math.sin(seconds / 5), 3),
        "sendBackpressure": 0,
        "uptime": int(seconds),
        "viewerPktSndDrop": 0,
    }


def answer(target: str) -> tuple[int, dict[str, object]]:
    """HTTP status and document for a request target."""
    parts = urlsplit(target)
    if parts.path != "/stats":
        return 404, {"message": "Not found", "status": "error"}
    publishers = {}
    told = said()
    if parse_qs(parts.query).get("publisher", [PUBLISHER]) == [PUBLISHER] and told is not None:
        publishers[PUBLISHER] = {**publisher(time.monotonic() - STARTED), **told}
    return 200, {"publishers": publishers, "status": "ok"}


def said() -> dict[str, float] | None:
    """What FILE says, nothing without one."""
    if len(sys.argv) < 3:
        return {}
    try:
        with open(sys.argv[2], encoding="utf-8") as file:
            found: dict[str, float] | None = json.load(file)
    except FileNotFoundError:
        return {}
    return found


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, document = answer(self.path)
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a line every few seconds would drown what is being looked at."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8181
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
