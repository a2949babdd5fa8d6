"""A statement, and its annex with every charge, as pages of HTML that stand alone and print well; and as PDF."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from rater.kafka.failstop import Refused
from rater.readmodel.directory import Customer, Directory, IssuerWords
from rater.readmodel.figures import local, money, talk, units
from rater.readmodel.line_texts import line_words, statement_words
from rater.readmodel.numbers import callee_of, callees
from rater.readmodel.statement import Statement, by_kind
from rater.readmodel.texts import LANGUAGES, Language, text

PIECES = 500
"""Pieces of the template that are sent together."""
CHARGES_AT_ONCE = 500
MOST_IN_PDF = 20_000
"""Charges that an annex as PDF may have: setting more takes minutes and gigabytes."""


@dataclass(frozen=True, slots=True)
class StatementLook:
    """How a statement is shown."""

    language: Language = "en"
    issuer: IssuerWords | None = None
    customer: Customer | None = None
    numbers: bool = False
    """Whether called numbers are shown, as they are kept."""
    annex: bool = False
    links: bool = False
    """Whether it is looked at in the console, and leads on."""

    @classmethod
    def of(
        cls, directory: Directory, found: Statement, language: Language | None, otherwise: Language, **how: bool
    ) -> StatementLook:
        """As the directory has it: in the language that was asked for, else in the customer's, else in another."""
        customer = directory.customer(found.period.account)
        chosen = language or (customer.language if customer is not None else None) or otherwise
        return cls(chosen, directory.issuer, customer, **how)


def statement_number(found: Statement) -> str:
    """A statement's number: one an account and period."""
    return f"{found.period.account}-{found.period.period}"


def as_html(found: Statement, look: StatementLook | None = None) -> Iterator[bytes]:
    """The page in pieces; everything in it that came from outside is escaped."""
    look = look or StatementLook()
    language = look.language
    zone = ZoneInfo(found.period.time_zone or "UTC")
    environment = Environment(loader=PackageLoader("rater.console"), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {
        "money": money,
        "talk": talk,
        "units": units,
        "local": lambda at: local(at, zone),
        "css": _css,
    }
    stream = environment.get_template("statement.html").stream(
        found=found,
        found_issuer=None if look.issuer is None else look.issuer.name,
        issuer=look.issuer,
        customer=look.customer,
        annex=look.annex,
        numbers=look.numbers,
        links=_links(found, look) if look.links else None,
        number=statement_number(found),
        closed_at=_day(found, zone),
        charges=_charges(found, numbers=look.numbers) if look.annex else (),
        parts=by_kind(found.period),
        language=language,
        say=partial(text, language),
        line_words=lambda line: line_words(line, language),
        statement_words=lambda line: statement_words(line, language),
    )
    stream.enable_buffering(PIECES)
    return (piece.encode() for piece in stream)


def as_pdf(found: Statement, look: StatementLook) -> bytes:
    """The same as PDF. Raises `Refused` where WeasyPrint is not installed, or there are too many charges."""
    if look.annex and found.period.charges > MOST_IN_PDF:
        raise Refused(f"an annex of {found.period.charges:,} charges is too long for PDF; take it as CSV")
    try:
        from weasyprint import HTML  # noqa: PLC0415 - of an optional extra
    except (ImportError, OSError) as error:  # OSError: Pango is not there
        raise Refused(
            "PDF needs WeasyPrint and Pango: pip install 'rater[pdf]', apt-get install libpangoft2-1.0-0"
        ) from error
    made: bytes = HTML(string=b"".join(as_html(found, look)).decode()).write_pdf()
    return made


def _charges(found: Statement, *, numbers: bool) -> Iterator[tuple[dict[str, Any], str]]:
    charges = iter(found.charges)
    while some := list(islice(charges, CHARGES_AT_ONCE)):
        known = callees(found.connection, some) if numbers else {}
        for charge in some:
            yield charge, callee_of(known, charge)


def _day(found: Statement, zone: ZoneInfo) -> str | None:
    """The day on which the period was closed."""
    at = found.closed_at
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).date().isoformat()


def _links(found: Statement, look: StatementLook) -> dict[str, str]:
    account, period = found.period.account, found.period.period
    here = f"/statement/{quote(account, safe='')}/{quote(period, safe='')}"
    other = LANGUAGES[1 - LANGUAGES.index(look.language)]
    said = f"?language={look.language}"
    charges = {"period": period, "account": account, "format": "csv", "bom": "true"}
    return {
        "statement": f"{here}{said}",
        "annex": f"{here}/annex{said}",
        "pdf": f"{here}/pdf{said}",
        "annex_pdf": f"{here}/annex/pdf{said}",
        "csv": f"/api/v1/charges?{urlencode(charges)}",
        "other": other,
        "other_language": f"{here}{'/annex' if look.annex else ''}?language={other}",
    }


def _css(said: str) -> str:
    """A text within the quotation marks of a style sheet: nothing in it ends them, or the style sheet."""
    return "".join(one if one.isalnum() or one in " -_.·," else f"\\{ord(one):x} " for one in said)
