"""The pages of the console, on NiceGUI: a file a page. All of it is served from this machine."""

from __future__ import annotations

import logging
from functools import partial

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui
from starlette.requests import Request
from starlette.responses import Response

from rater.console.error_pages import error_page
from rater.console.pages import account, accounts, alerts, charge, find, overview, plans, rejected, rejected_record
from rater.readmodel.follower import Live
from rater.readmodel.store import Store

logger = logging.getLogger(__name__)


def install(app: FastAPI, store: Store, live: Live, door: str | None = None) -> None:
    """Put the pages behind the application's own routes; `door` is the address of the door, if there is one."""
    for page in (overview, accounts, account, alerts, charge, find, plans, rejected):
        page.install(store, live)
    rejected_record.install(store, live, door)
    for status in (404, 500):
        nicegui_app.add_exception_handler(status, partial(_error_page, status=status))
    ui.run_with(app, title="rater", show_welcome_message=False, tailwind=False, reconnect_timeout=20.0)


async def _error_page(request: Request, error: Exception, *, status: int) -> Response:
    if status == 500:
        logger.error("a page broke: %s", request.url.path, exc_info=error)
    return error_page(request, status)
