"""What the specification asks of the six metrics it names."""

from __future__ import annotations

# Seconds between two collections.
INTERVALS = {
    "cpu.temperature": 30,
    "cpu.usage": 10,
    "disk.io": 30,
    "memory.usage": 30,
    "network.traffic": 10,
    "srt.packet_loss": 5,
}
