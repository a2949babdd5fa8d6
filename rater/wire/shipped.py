"""The tariff book that comes with the rater (rating.md, "Plans")."""

from __future__ import annotations

from importlib.resources import files

from rater.wire.tariff_book import TariffBook
from rater.wire.tariff_file import load_book


def shipped_yaml() -> bytes:
    """The book's file, with its comments: a start for one's own."""
    return (files("rater.wire") / "shipped.yaml").read_bytes()


def shipped_book() -> TariffBook:
    """The book itself. Raises RuntimeError where the installation is damaged."""
    book = load_book(shipped_yaml())
    if isinstance(book, tuple):
        raise RuntimeError(f"the shipped tariff book is damaged: {book[0]}")  # noqa: TRY004 - not a type that the caller gave
    return book
