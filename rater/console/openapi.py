"""The OpenAPI document of an application: with its security, and its errors as they are answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from rater.console.problems import MEDIA_TYPE, PROBLEM_SCHEMA

NOT_ANSWERED = {"HTTPValidationError", "ValidationError"}
"""Schemas of FastAPI's own errors, which none of our applications answers."""


def describe(app: FastAPI, scope_of: Callable[[str, str], str | None], schemas: Mapping[str, Any]) -> None:
    """Let the application describe itself; `scope_of` tells a method and a path the scope that they need."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, scope_of, schemas)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI, scope_of: Callable[[str, str], str | None], schemas: Mapping[str, Any]) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    components = found.setdefault("components", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    components["schemas"] = {**schemas, **components.get("schemas", {}), "Problem": PROBLEM_SCHEMA}
    for name in NOT_ANSWERED:
        components["schemas"].pop(name, None)
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            for status, told in operation["responses"].items():
                if status >= "400" and "application/json" in told.get("content", {}):
                    told["content"] = {MEDIA_TYPE: told["content"]["application/json"]}
            operation["security"] = [{"token": []}]
            scope = scope_of(method.upper(), path)
            operation["description"] = f"{operation.get('description', '')}\n\nScope: `{scope}`."
    return found
