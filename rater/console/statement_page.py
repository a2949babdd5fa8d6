"""A statement as a page of HTML that stands alone and prints well."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from rater.readmodel.figures import local, money, talk
from rater.readmodel.line_texts import statement_words
from rater.readmodel.statement import Statement, by_kind
from rater.readmodel.texts import Language, text

PIECES = 500
"""Pieces of the template that are sent together."""


def as_html(found: Statement, language: Language = "en") -> Iterator[bytes]:
    """The page in pieces; everything in it that came from outside is escaped."""
    environment = Environment(loader=PackageLoader("rater.console"), autoescape=True, undefined=StrictUndefined)
    zone = ZoneInfo(found.period.time_zone or "UTC")
    environment.filters |= {"money": money, "talk": talk, "local": lambda at: local(at, zone)}
    stream = environment.get_template("statement.html").stream(
        found=found,
        parts=by_kind(found.period),
        language=language,
        say=partial(text, language),
        statement_words=lambda line: statement_words(line, language),
    )
    stream.enable_buffering(PIECES)
    return (piece.encode() for piece in stream)
