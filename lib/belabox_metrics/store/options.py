"""What commands are asked about the database, in the same words by all of them."""

from __future__ import annotations

from .database import database_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_database(parser: ArgumentParser, what: str = "") -> None:
    """`--database FILE`, where the database is unless told; `what` it is to the command."""
    told = f"{what}, default: %(default)s" if what else "default: %(default)s"
    parser.add_argument("--database", default=database_path(), metavar="FILE", help=told)
