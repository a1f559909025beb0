"""The settings as a whole: rows of (section, key, position, value), written at once.

With them stand a copy of all of them and its checksum, in a section that no job reads. What two of the three say is
what was compiled, whatever a card makes of the third.
"""

from __future__ import annotations

from ..errors import Damaged
from ..json_text import parse, quote
from .database import DatabaseError, Store, problem, quoted
from .sqlite import UNREADABLE, Torn, connect_warily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from .settings import Value

    Row = tuple[str, str, int, Value]

_OWN = ""
_COPY = (_OWN, "copy", 0)
# Another way to reckon it is another key: of one that this program does not know it can tell nothing.
_SUM = (_OWN, "crc32", 0)
_KEYS = (_COPY[1], _SUM[1])
# What `apply` leaves for its next run then.
REFUSED = "refused"


_ALL = "SELECT section, key, position, value FROM settings"


class Unsound(Damaged):
    """The settings are not what was compiled. SQLite has said nothing: it is not the file that is to be looked at."""

    def __init__(self) -> None:
        super().__init__("the settings are not what was compiled", hint="sudo belabox-metrics apply")


class _Stored:
    """What is there: `rows` that may be settings, `odd` ones that can't, the copy and the sum, None where they aren't
    what they should be; `is_known`: this program has written it."""

    def __init__(self, connection: Connection, query: str = _ALL) -> None:
        found = connection.execute(query).fetchall()
        # By their keys too: a section may be what was turned.
        self.rows = [
            row for row in found if row[0] != _OWN and type(row[0]) is type(row[1]) is str and row[1] not in _KEYS
        ]
        self.text = _text(self.rows)
        own = {row[:3]: row[3] for row in found if row[0] == _OWN}
        self.odd = len(found) - len(self.rows) - len(own)
        self.is_known = _COPY in own or _SUM in own
        self.copy = own.get(_COPY) if type(own.get(_COPY)) is str else None
        self.sum = own.get(_SUM)

    @property
    def is_whole(self) -> bool:
        if not self.is_known:
            return not self.odd
        return not self.odd and self.text == self.copy and _sum(self.text) == self.sum

    @property
    def right(self) -> list[Row]:
        if self.text == self.copy or _sum(self.text) == self.sum:
            return self.rows
        if self.copy is not None and _sum(self.copy) == self.sum:
            return [(section, key, position, value) for section, key, position, value in parse(self.copy)]  # type: ignore[attr-defined]
        raise Unsound


def replace_settings(path: str, rows: list[Row]) -> None:
    """Make `rows` all that the table says, in one transaction. Nothing is written when it says so already."""
    store = Store(path)
    try:
        stored = _Stored(store.connection())
        if stored.is_known and stored.is_whole and stored.text == _text(rows):
            return
    except DatabaseError as error:
        raise problem(error, path) from error
    with store.writing() as connection:
        _write(connection, rows)


def are(connection: Connection, rows: list[Row]) -> bool:
    """Whether the settings are these, and whole."""
    stored = _Stored(connection)
    return stored.is_whole and stored.text == _text(rows)


def are_whole(connection: Connection) -> bool:
    """Whether all settings are what was compiled. Nobody can tell where another version of this program has."""
    return _Stored(connection).is_whole


def must_be_whole(connection: Connection) -> None:
    """For who sends or deletes by them: nobody misses a key that is gone, and an address that became another is one.
    Raises Unsound."""
    if not are_whole(connection):
        raise Unsound


def has_been_refused(connection: Connection) -> bool:
    """Whether the last `apply` has refused what the configuration says."""
    found = connection.execute("SELECT state FROM jobs WHERE job = 'apply'").fetchone()
    return found is not None and found[0] == REFUSED


def mend(store: Store) -> None:
    """Make them whole again. Raises Unsound where no two of the three say the same."""
    with store.writing() as connection:
        _write(connection, _Stored(connection).right)


def carry(connection: Connection, paths: list[str]) -> None:
    """Take over what was compiled into a database that was moved aside, the first of `paths` that can still tell it.
    Inside the transaction that makes the new one."""
    told = next(filter(None, map(_told, paths)), None)
    if told:
        _write(connection, told)


def _told(path: str) -> list[Row] | None:
    """With its log, and without, as that may be what is damaged; where a page is, by the copy and the sum alone."""
    from contextlib import closing

    for how in ("mode=ro", "immutable=1"):
        for query in (_ALL, f"{_ALL} WHERE section = '{_OWN}'"):
            try:
                with closing(connect_warily(f"file:{quoted(path)}?{how}", uri=True, timeout=1)) as aside:
                    return _Stored(aside, query).right
            except UNREADABLE:
                continue
            except Unsound:
                continue
    return None


def _write(connection: Connection, rows: list[Row]) -> None:
    text = _text(rows)
    connection.execute("DELETE FROM settings")
    connection.executemany("INSERT INTO settings VALUES (?, ?, ?, ?)", [*rows, (*_COPY, text), (*_SUM, _sum(text))])


def _text(rows: list[Row]) -> str:
    """All of them as one JSON document, in their order."""
    cells = sorted([[_cell(value) for value in row] for row in rows])
    lines = [f"[{','.join(row)}]" for row in cells]
    return f"[{','.join(lines)}]"


def _cell(value: object) -> str:
    """1 and 1.0 are equal and not the same. A bool is stored as a number."""
    if isinstance(value, str):
        return f"torn {value!a}" if isinstance(value, Torn) else quote(value)
    return ascii(value + 0 if isinstance(value, bool) else value)


def _sum(text: str) -> int:
    from zlib import crc32

    return crc32(text.encode())
