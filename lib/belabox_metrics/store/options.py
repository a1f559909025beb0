"""What commands are asked about the database, in the same words by all of them."""

from __future__ import annotations

from .database import database_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser


def named(word: str) -> str:
    """A word of the command line as a name to ask the database for: one that is not UTF-8 is no text that it takes."""
    return word.encode("utf-8", "backslashreplace").decode()


def add_database(parser: ArgumentParser, what: str = "") -> None:
    """`--database FILE`, where the database is unless told; `what` it is to the command."""
    told = f"{what}, default: %(default)s" if what else "default: %(default)s"
    parser.add_argument("--database", default=database_path(), metavar="FILE", help=told)
