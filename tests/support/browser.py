"""Headless Chromium, as people look at the console."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

QUIETLY = [
    "--no-sandbox",
    *("--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
"""A browser that asks nobody but us."""
SHOTS = os.environ.get("RATER_SCREENSHOTS")
"""A folder for pictures of every page in every look, for whoever looks at them; without it none is taken."""
NAMES = ("chromium", "chromium-browser", "google-chrome")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The machine's Chromium. Raises `AssertionError` with what to install where there is none."""
    path = next((found for found in map(shutil.which, NAMES) if found), None)
    assert path is not None, "the console is looked at in Chromium: apt-get install chromium fonts-noto-cjk"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=QUIETLY)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Look:
    """A page that is looked at, and what went wrong on it."""

    page: Page
    address: str
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda asked: self._local(asked.url))

    def _local(self, url: str) -> None:
        own = self.address.removeprefix("http")
        if not url.removeprefix("http").removeprefix("ws").startswith(own) and not url.startswith(("data:", "blob:")):
            self.wrong.append(f"asked elsewhere: {url}")

    async def log_in(self, token: str) -> None:
        """By the form, as people do."""
        await self.page.goto(f"{self.address}/")
        await self.page.fill("#token", token)
        await self.page.click("button")
        await self.page.wait_for_selector(".r-main")

    async def prefer(self, **wishes: str) -> None:
        """Choose a language (lang) or light or dark (theme)."""
        for name, value in wishes.items():
            await self.page.goto(f"{self.address}/prefer?{name}={value}")

    async def open(self, path: str) -> str:
        """Go to a page and wait until it is filled and hears of what is new; gives its text."""
        await self.page.goto(f"{self.address}{path}")
        await self.page.wait_for_function("window.socket?.connected")
        await self.page.wait_for_selector(".r-main table")
        if path == "/" or path.startswith("/account/"):
            await self.page.wait_for_selector(".r-tile .v")
            await self.page.wait_for_selector("canvas")
        return await self.page.inner_text(".r-main")

    async def picture(self, *name: object) -> None:
        """Take a picture of the whole page, where somebody wants them."""
        if SHOTS:
            file = "-".join(re.sub(r"\W+", "-", str(part)).strip("-") or "overview" for part in name)
            await self.page.screenshot(path=Path(SHOTS) / f"{file}.png", full_page=True)

    async def overflows(self) -> bool:
        """Is the page wider than its window?"""
        return bool(await self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"))
