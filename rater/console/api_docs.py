"""The REST API's documentation as a page, made from the OpenAPI document; nothing of it comes from elsewhere."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import Response

from rater.console.languages import language_of
from rater.readmodel.texts import text

_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?(T[0-9:+]+)?")


def install(app: FastAPI) -> None:
    """Put the page at its place."""
    pages = Environment(loader=PackageLoader("rater.console"), autoescape=True, undefined=StrictUndefined)

    @app.get("/api/v1/docs", include_in_schema=False)
    def docs(request: Request) -> Response:
        """Every operation with its parameters, its answer and an example."""
        language = language_of(request)
        html = pages.get_template("api_docs.html").render(
            document=app.openapi(),
            operations=_operations(app.openapi()),
            here=str(request.base_url).rstrip("/"),
            language=language,
            say=lambda key: text(language, key),
        )
        return Response(html, media_type="text/html; charset=utf-8")


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "path": path,
            "method": method.upper(),
            "answer": _answer(operation),
            **operation,
            "parameters": [_parameter(one) for one in operation.get("parameters", ())],
        }
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _parameter(one: dict[str, Any]) -> dict[str, Any]:
    kinds = [one["schema"], *one["schema"].get("anyOf", ())]
    choices = [word for kind in kinds for word in kind.get("enum", ())]
    return {**one, "description": _whole_dates(one.get("description", "")), "choices": choices}


def _whole_dates(text: str) -> Markup:
    """The text, in which no line ends within a date."""
    return Markup(_DATE.sub(r'<span class="nw">\g<0></span>', str(escape(text))))  # noqa: S704 - it was escaped


def _answer(operation: dict[str, Any]) -> str:
    """The name of what it answers: `PeriodView`, or `PeriodView[]`."""
    content = operation["responses"]["200"].get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    listed = schema.get("items", {}) if schema.get("type") == "array" else schema
    name: str = listed.get("$ref", "").rpartition("/")[2]
    return f"{name}[]" if schema.get("type") == "array" else name
