"""Boxes as folders."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Callable, Union

import pytest

from belabox_metrics.world import World, defaults

Put = Callable[[str, Union[str, bytes]], str]


@pytest.fixture(scope="session")
def fixtures() -> Path:
    return Path(__file__).parents[2] / "fixtures"


@pytest.fixture(scope="session")
def box(fixtures: Path) -> str:
    """The root of a whole Orange Pi 5+."""
    return str(fixtures / "orangepi5plus")


@pytest.fixture(scope="session")
def later(fixtures: Path) -> str:
    """The same box 10 seconds later."""
    return str(fixtures / "orangepi5plus.later")


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """put("/proc/stat", text) -> the root of a box that has this file."""

    def put(path: str, content: str | bytes) -> str:
        file = Path(f"{tmp_path}{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.fsencode(content))
        return str(tmp_path)

    return put


Values = Callable[..., dict[str, object]]


@pytest.fixture
def values(tmp_path: Path) -> Values:
    """values(collector, files or root) -> what it collects on a box of these files (path -> text), or on the box at
    this root: name, with tags behind it as `{core=cpu0}` -> value."""

    def values(collector: ModuleType, box: dict[str, str] | str) -> dict[str, object]:
        root = str(tmp_path)
        if isinstance(box, str):
            root = box
        else:
            for path, text in box.items():
                file = Path(f"{tmp_path}{path}")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(os.fsencode(text))
        reading = collector.collect(World(root, defaults(collector.SETTINGS)))
        found = {}
        for sample in reading.samples:
            tags = ",".join([f"{key}={value}" for key, value in sorted(sample.tags.items())])
            found[sample.name + (f"{{{tags}}}" if tags else "")] = sample.value
        assert len(found) == len(reading.samples), "a series twice"
        return found

    return values


Answer = Callable[[socket.socket], None]
Serve = Callable[[Union[bytes, Answer]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """serve(bytes or a function of the connection) -> the URL of a server that answers so, each time it is
    asked."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(answer: bytes | Answer) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def loop() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    try:
                        if callable(answer):
                            answer(connection)
                        else:
                            connection.recv(65536)
                            connection.sendall(answer)
                    except OSError:
                        pass

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        threads.append(thread)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield serve
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
