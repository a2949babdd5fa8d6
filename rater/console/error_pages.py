"""What people see where a page is not there or broke: what it means, and where to go on."""

from __future__ import annotations

from functools import partial

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from rater.console.languages import language_of
from rater.readmodel.texts import text

_PAGES = Environment(loader=PackageLoader("rater.console"), autoescape=True, undefined=StrictUndefined)
_UNKNOWN, _BROKEN = ("page-unknown", "page-unknown-help"), ("page-broken", "page-broken-help")


def error_page(request: Request, status: int) -> Response:
    """The page for a status; what cannot be, as a period named `x`, is not there either."""
    language = language_of(request)
    html = _PAGES.get_template("error.html").render(
        language=language,
        theme=request.cookies.get("rater_theme", "system"),
        words=_BROKEN if status >= 500 else _UNKNOWN,
        status=404 if status == 422 else status,
        say=partial(text, language),
    )
    return Response(html, 404 if status == 422 else status, media_type="text/html; charset=utf-8")
