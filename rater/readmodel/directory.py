"""Who issues statements, and who the customers are: two small files, beside the log and no part of its money.

Whoever is taken out of the file is on no statement any more: keeping and deleting are its owner's.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from rater.kafka.failstop import Refused
from rater.wire.fields import StrictModel
from rater.wire.tariff_file import load_words

LARGEST = 64 * 1024 * 1024
"""Bytes of the file of customers."""
COLUMNS = ("account", "name", "number", "language", "address")

logger = logging.getLogger(__name__)
IssuerLine = Annotated[str, Field(min_length=1, max_length=200)]


class IssuerWords(StrictModel):
    """The file of the issuer."""

    name: IssuerLine
    address: Annotated[tuple[IssuerLine, ...], Field(max_length=8)] = ()
    tax_id: IssuerLine | None = None
    contact: IssuerLine | None = None
    note: Annotated[str, Field(max_length=1000)] | None = None
    """What stands below every statement: how to pay, whom to ask."""


class Customer(NamedTuple):
    """A customer as statements say it."""

    name: str
    number: str = ""
    language: Literal["en", "zh"] | None = None
    address: tuple[str, ...] = ()
    more: Mapping[str, str] = {}
    """Whatever other columns the file has."""


class Directory:
    """The two files, read again when they change. What is wrong in one is logged, and the last good one holds."""

    def __init__(self, issuer: Path | None = None, customers: Path | None = None) -> None:
        """Raises `Refused` where a file is wrong at the start."""
        self._issuer_file, self._customers_file = issuer, customers
        self._seen: tuple[float, float] | None = None
        self._issuer: IssuerWords | None = None
        self._customers: dict[str, Customer] = {}
        self._read()

    @property
    def issuer(self) -> IssuerWords | None:
        """Who issues statements."""
        self._look()
        return self._issuer

    def customer(self, account: str) -> Customer | None:
        """Who has the account; None where nobody is known."""
        self._look()
        return self._customers.get(account)

    def _look(self) -> None:
        try:
            self._read()
        except (Refused, OSError) as error:
            logger.error("%s; what was read before holds", error)  # noqa: TRY400 - a file of somebody's

    def _read(self) -> None:
        seen = (_changed(self._issuer_file), _changed(self._customers_file))
        if seen == self._seen:
            return
        self._seen = seen
        issuer = None if self._issuer_file is None else _issuer(self._issuer_file)
        customers = {} if self._customers_file is None else _customers(self._customers_file)
        self._issuer, self._customers = issuer, customers


def _changed(file: Path | None) -> float:
    return 0.0 if file is None else file.stat().st_mtime


def _issuer(file: Path) -> IssuerWords:
    found = load_words(IssuerWords, file.read_bytes())
    if isinstance(found, IssuerWords):
        return found
    raise Refused(f"{file}:{found[0]}")


def _customers(file: Path) -> dict[str, Customer]:
    if file.stat().st_size > LARGEST:
        raise Refused(f"{file}: larger than {LARGEST} bytes")
    try:
        rows = csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline=""), strict=True)
        if rows.fieldnames is None or not {"account", "name"} <= set(rows.fieldnames):
            raise Refused(f"{file}: the first line must name the columns {', '.join(COLUMNS)}")
        found: dict[str, Customer] = {}
        for row in rows:
            account = (row["account"] or "").strip()
            if not account or account in found:
                wrong = f"{account} stands there twice" if account else "no account"
                raise Refused(f"{file}, line {rows.line_num}: {wrong}")
            found[account] = _customer(file, rows.line_num, row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(f"{file}: {error}") from error
    return found


def _customer(file: Path, line: int, row: Mapping[str | None, str | None]) -> Customer:
    said = {
        name: (value or "").strip()[:1000] for name, value in row.items() if name is not None and isinstance(value, str)
    }
    language = said.get("language", "")
    if language not in {"", "en", "zh"}:
        raise Refused(f"{file}, line {line}: language {language[:20]}: write en or zh")
    address = tuple(part.strip() for part in said.get("address", "").replace("|", "\n").splitlines() if part.strip())
    more = {name: value for name, value in said.items() if name not in COLUMNS and value}
    chosen: Literal["en", "zh"] | None = "en" if language == "en" else "zh" if language == "zh" else None
    return Customer(said["name"], said.get("number", ""), chosen, address[:8], more)
