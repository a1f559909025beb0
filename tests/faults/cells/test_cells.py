"""The short form of `tests/faults/run cells`, and that its books would see what they are there to see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..injection import Range
from .trials import Books, Odd, trials


def test_whatever_a_cell_holds_all_others_arrive() -> None:
    rows = list(trials(long=False))
    assert [(row.fault, row.lost, row.wrong) for row in rows if not row.is_as_promised] == []


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    with Range() as here:
        yield Books(here)


def test_what_was_rolled_up_of_a_job_without_a_name_is_kept(books: Books) -> None:
    reckoned = books.trial(Odd("jobs", "metric", 0, 7))
    assert reckoned is not None
    assert (reckoned.lost, reckoned.wrong) == (0, [])


@pytest.mark.parametrize("odd", [Odd("boots", "id", 1, -1), Odd("boots", "boot_id", 1, "another")], ids=str)
def test_a_row_that_its_index_does_not_know_is_repaired(books: Books, odd: Odd) -> None:
    reckoned = books.trial(odd)
    assert reckoned is not None
    assert (reckoned.lost, reckoned.wrong) == (0, [])


def test_the_books_see_what_is_not_sent(books: Books) -> None:
    """A position that became another that can be: nobody can know, and so it is no part of what is promised."""
    newest = books.template.number("SELECT max(id) FROM runs")
    reckoned = books.trial(Odd("positions", "run", 3, newest))
    assert reckoned is not None
    assert reckoned.lost == 12


def test_the_books_see_what_was_never_stored(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "stored", books.sent.keys() - {next(iter(books.sent))})
    reckoned = books.trial(Odd("jobs", "last_error", 0, "x"))
    assert reckoned is not None
    assert "never stored" in reckoned.wrong[0]


def test_the_books_see_what_is_not_kept(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(books.kept, "another", 1)
    reckoned = books.trial(Odd("jobs", "last_error", 0, "x"))
    assert reckoned is not None
    assert (reckoned.lost, reckoned.wrong) == (1, [])
