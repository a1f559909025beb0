"""Jobs that root starts by hand leave nothing behind that shuts out those of the directory's owner."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from belabox_metrics.store.ownership import made

ROOT = Path(__file__).parents[3]
SOMEBODY = 65534
JOBS = (("collect.py", "memory.usage"), ("maintain.py",), ("upload.py",), ("failed.py", "a.service"), ("recover.py",))

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="is about root")


def run(folder: Path, words: tuple[str, ...], *before: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "BELABOX_METRICS_CONFIG": str(ROOT / "configs/config.yaml"),
        "BELABOX_METRICS_DATABASE": str(folder / "metrics.db"),
        "BELABOX_METRICS_RUN": str(folder),
        "BELABOX_METRICS_RECOVER": str(folder / "wanted"),
        "PATH": os.environ["PATH"],
    }
    command = [*before, "/usr/bin/python3", "-I", "-S", str(ROOT / "jobs" / words[0]), *words[1:]]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_what_root_makes_belongs_to_the_owner_of_the_directory(tmp_path: Path) -> None:
    os.chown(tmp_path, SOMEBODY, SOMEBODY)
    for words in JOBS:
        done = run(tmp_path, words)
        assert done.returncode == 0, done.stderr
    found = {path.name: path.stat() for path in tmp_path.glob("metrics.db*")}
    assert {"metrics.db", "metrics.db-wal", "metrics.db.lock", "metrics.db.maintain", "metrics.db.upload"} <= set(found)
    assert {name: (about.st_uid, about.st_gid) for name, about in found.items()} == dict.fromkeys(
        found, (SOMEBODY, SOMEBODY)
    )


def test_a_unit_that_keeps_all_to_itself_makes_what_the_group_may_read(tmp_path: Path) -> None:
    """As when a damaged database is moved aside: a person of the group goes on looking."""
    database = tmp_path / "metrics.db"
    for damaged in (False, True):
        if damaged:
            database.write_bytes(bytes(4096))
        for words in JOBS:
            done = run(tmp_path, words, "sh", "-c", 'umask 0077; exec "$@"', "-")
            assert done.returncode == 0, done.stderr
        (*notes,) = tmp_path.glob("metrics.db.damaged-*.note")
        assert len(notes) == damaged
        shared = [*notes, *(Path(f"{database}{end}") for end in ("", "-wal", "-shm", ".lock"))]
        assert {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in shared if path.exists()} == {
            path.name: oct(0o640) for path in shared
        }


def test_root_gives_away_nothing_that_was_there(tmp_path: Path) -> None:
    os.chown(tmp_path, SOMEBODY, SOMEBODY)
    secret = tmp_path.parent / "secret"
    secret.touch()
    for name, target in (("to-a-file", secret), ("to-nothing", tmp_path.parent / "nothing")):
        (tmp_path / name).symlink_to(target)
        with pytest.raises(FileExistsError):
            made(str(tmp_path / name))
    assert secret.stat().st_uid == 0
    assert not (tmp_path.parent / "nothing").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"dear diary" * 500, "Damaged: this file is not a database"), (None, "StoreProblem: the database is of another")],
)
def test_root_is_told_what_is_wrong_where_the_keeper_can_not_get_to_the_program(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    """As in a checkout in root's own home."""
    home = tmp_path / "home"
    shutil.copytree(ROOT / "lib", home / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    home.chmod(0o700)
    # Where somebody else can get to, other than a folder of pytest.
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "metrics.db"
        if content is None:
            with closing(sqlite3.connect(database)) as connection:
                connection.execute("CREATE TABLE songs (a)")
        else:
            database.write_bytes(content)
        for path in (folder, database):
            os.chown(path, SOMEBODY, SOMEBODY)
        assert told(home, database).startswith(said)


def told(home: Path, database: Path) -> str:
    """What root is told by the program in `home` who reads the database."""
    script = "import sys; sys.path.insert(0, sys.argv[1]); from belabox_metrics.store.database import Store\n"
    script += (
        "try: Store(sys.argv[2]).reading()\nexcept Exception as error: print(f'{type(error).__name__}: {error.what}')"
    )
    command = ["/usr/bin/python3", "-c", script, str(home / "lib"), str(database)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
