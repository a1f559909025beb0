"""Keys that other documents about this product have, and what does their work here."""

from __future__ import annotations

from ..remote.credentials import TOKEN_FILE
from .keys import KEYS, SECTIONS

_NETWORK = "use config: {{{}: ...}} of the metric network.traffic"
_TOKEN = f"remove it, the token has its fixed place, {TOKEN_FILE}; set remote.auth.type"
_SECRET = f"remove it, a secret does not belong in this file but into {TOKEN_FILE}"

_INSTEAD = {
    # The flat form.
    "device_id": "use device.id",
    "collection_interval": "every entry of metrics has its own interval",
    "upload_interval": "use remote.upload_interval",
    "health.listen_addr": "use health.listen",
    "network.max_interfaces": _NETWORK.format("max_interfaces"),
    "network.include_ifaces": _NETWORK.format("include_ifaces"),
    "network.exclude_ifaces": _NETWORK.format("exclude_ifaces"),
    "network": "use config of the metric network.traffic",
    "disk.allowed_devices": "use config: {allowed_devices: ...} of the metric disk.io",
    "disk": "use config of the metric disk.io",
    "remote.auth_token_file": _TOKEN,
    # The form of the requirements.
    "collection": "use metrics",
    "collection.enabled": "use enabled of each entry of metrics",
    "collection.collectors": "use metrics",
    "storage.type": "remove it, it is always SQLite",
    "storage.compression": "remove it, what is stored is packed already",
    "buffer": "use storage.path, the database is the buffer",
    "buffer.path": "use storage.path, the database is the buffer",
    "buffer.max_size": "use storage.max_size",
    "buffer.prune_strategy": "remove it, the least important goes first, the oldest of it",
    "storage.rotation": "use storage.max_size, there is one file",
    "storage.rotation.max_size": "use storage.max_size, there is one file",
    "storage.rotation.interval": "remove it, there is one file",
    "remote.auth.token_file": _TOKEN,
    "remote.auth.token": _SECRET,
    "remote.auth.password": _SECRET,
    "remote.upload": "use remote",
    "remote.upload.mode": "use remote.mode",
    "remote.upload.batch_size": "use remote.batch_size",
    "remote.upload.interval": "use remote.upload_interval",
    "remote.upload.timeout": "use remote.timeout",
    "remote.upload.compression": "use remote.compression",
    "remote.priority.critical": "remove it, critical samples are always sent at once",
    "remote.priority.normal": "use remote.upload_interval",
    "logging.rotation": "set SystemMaxUse= in journald.conf(5), the journal is the log",
}


def is_known(path: str) -> bool:
    """Whether another document has the key `path` (dotted)."""
    return path in _INSTEAD


def instead(path: str) -> str:
    """What to use for the unknown key `path` (dotted), "" when nothing is known about it."""
    if path in _INSTEAD:
        return _INSTEAD[path]
    name = path.rpartition(".")[2]
    places = [key.path for key in KEYS if key.name == name] + [
        known for known in SECTIONS if known.endswith("." + name)
    ]
    return f"did you mean {places[0]}?" if len(places) == 1 else ""
