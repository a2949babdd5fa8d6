"""A statement as a page of HTML that stands alone and prints well."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from rater.console.statement import by_kind
from rater.console.views import StatementView


def as_html(found: StatementView) -> str:
    """The page; everything in it that came from outside is escaped."""
    environment = Environment(loader=PackageLoader("rater.console"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("statement.html").render(found=found, parts=by_kind(found.period))
