"""Lists as files: whole as CSV, JSON lines or Parquet, streamed, by the parameter `format` or the header Accept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from starlette.responses import StreamingResponse

from rater.console.problems import Problem
from rater.kafka.failstop import Refused
from rater.readmodel.exports import BOM, MEDIA_TYPES, ExportFormat

logger = logging.getLogger(__name__)

FormatParameter = Annotated[
    Literal["json", "csv", "jsonl", "parquet"] | None,
    Query(alias="format", description="All of it as csv, jsonl or parquet; pages of json if left out."),
]
Bom = Annotated[bool, Query(description="With csv: begin with a byte order mark, for Excel.")]
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media.partition(";")[0]: {} for media in MEDIA_TYPES.values()}}
}
"""For OpenAPI: what an answer may be besides JSON."""


def asked_format(request: Request, said: str | None) -> Literal["json"] | ExportFormat:
    """What is asked for by `format`, else by the header Accept; JSON where neither says otherwise."""
    if said in {"csv", "jsonl", "parquet"}:
        return said  # type: ignore[return-value]
    accepted = [one.partition(";")[0].strip().lower() for one in request.headers.get("accept", "").split(",")]
    found = (form for form, media in MEDIA_TYPES.items() if media.partition(";")[0] in accepted)
    return "json" if said == "json" else next(found, "json")


def exported(
    request: Request, encoded: Callable[[], Iterator[bytes]], form: ExportFormat, name: str, *, bom: bool
) -> StreamingResponse:
    """A file of that name, logged with who takes it. Raises `Problem` where the format is not installed."""
    try:
        pieces = encoded()
    except Refused as error:
        raise Problem(501, "not-installed", str(error)) from error
    logger.info("export: %s as %s for %s", name, form, getattr(request.state, "who", "-"))
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Cache-Control": "no-store"}
    if bom and form == "csv":
        pieces = chain([BOM], pieces)
    return StreamingResponse(pieces, headers=headers, media_type=MEDIA_TYPES[form])
