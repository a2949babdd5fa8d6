"""The pages of the console, on NiceGUI: a file a page. All of it is served from this machine."""

from __future__ import annotations

from fastapi import FastAPI
from nicegui import ui

from rater.console.pages import account, accounts, overview, plans, rejected
from rater.readmodel.follower import Live
from rater.readmodel.store import Store


def install(app: FastAPI, store: Store, live: Live) -> None:
    """Put the pages behind the application's own routes."""
    for page in (overview, accounts, account, plans, rejected):
        page.install(store, live)
    ui.run_with(app, title="rater", show_welcome_message=False, tailwind=False, reconnect_timeout=20.0)
