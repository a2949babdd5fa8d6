"""A finance person's path through the console in a real browser, and how every page looks while they walk it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.async_api import BrowserContext, Page
from pypdf import PdfReader

from tests.support.browser import SHOTS, Look, chromium
from tests.support.looks import against_axe, broken_words, foreign_words, written
from tests.support.rated import Raw, until_all_rated, write
from tests.support.workers import Rater

TOKEN = "0123456789abcdef-of-the-tests"  # noqa: S105 - of no system
CALLS, ACCOUNTS = 2500, 60
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
MONTHS = [(TODAY.replace(day=1) - timedelta(days=back)).replace(day=1) for back in (70, 40)]
"""Two months that are over, and closed by the ticks of the test."""
THEMES = ("light", "dark")
ISSUER = frozenset({"Voice", "Ltd", "Main", "Street"})
LOOKS = [(1280, "en", "light"), (1280, "zh", "dark"), (820, "en", "dark"), (390, "zh", "light")]
"""(width, language, theme): each of them, and axe looks at both themes."""
ALL_LOOKS = [(width, language, theme) for width in (1280, 820, 390) for language in ("en", "zh") for theme in THEMES]
"""Where somebody wants to see them all: `RATER_SCREENSHOTS=FOLDER`."""


@pytest.fixture
async def books(ready: Rater) -> Rater:
    """Two closed months and the days of this one, with alerts, a credit and rejected records."""
    folder = ready.folder
    (folder / "issuer.yaml").write_text('name: Voice Ltd\naddress: ["1 Main Street"]\ntax_id: "9111"\n')
    (folder / "customers.csv").write_text("account,name,number\nA000000,First Customer,C-1\n")
    ready.settings |= {
        "database_url": f"sqlite:///{folder / 'rater.db'}",
        "console_token": TOKEN,
        "mask_numbers": "middle",
        "issuer_file": str(folder / "issuer.yaml"),
        "customers_file": str(folder / "customers.csv"),
    }
    ready.worker()
    words = ("--accounts", ACCOUNTS, "--start", MONTHS[0].isoformat(), "--months", 2)
    await asyncio.to_thread(ready.run, "simulate", "--calls", CALLS, *words)
    await asyncio.to_thread(ready.run, "tick", "--at", TODAY.isoformat())
    await asyncio.to_thread(ready.run, "adjust", "A000001", "--reason", "outage", "--", "-5.00")
    await write(ready, [Raw(n % 4, b"A000001", b"no event, of +8613912345678") for n in range(12)])
    await until_all_rated(ready)
    return ready


@pytest.fixture
async def context() -> AsyncIterator[BrowserContext]:
    async with chromium() as browser:
        yield await browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)


async def downloaded(page: Page, link: str) -> str:
    """A file that a link of the page gives."""
    async with page.expect_download() as waiting:
        await page.locator(link).first.click()
    file = await (await waiting.value).path()
    return await asyncio.to_thread(file.read_text, encoding="utf-8-sig")


def column(text: str, name: str) -> Decimal:
    """The sum of a column of CSV."""
    return sum((Decimal(row[name]) for row in csv.DictReader(io.StringIO(text))), Decimal(0))


def pdf_text(data: bytes) -> str:
    """The text of a PDF, page by page."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


async def test_from_the_month_to_the_call(books: Rater, context: BrowserContext) -> None:
    """Log in by a link, the month over all accounts, by change, exported; the largest's statement; a line; its call."""
    _, address = await asyncio.to_thread(books.console)
    audit = json.loads(await asyncio.to_thread(books.run, "audit", "--json"))
    month = f"{MONTHS[1]:%Y-%m}"
    page = await context.new_page()
    await page.goto(f"{address}/accounts?month={month}")
    await page.fill("#token", TOKEN)
    await page.click("button")
    await page.wait_for_url(f"**/accounts?month={month}")
    await page.get_by_role("link", name="Change").click()
    await page.locator('th[aria-sort="descending"]', has_text="Change").wait_for()
    changes = [float(one.replace(",", "")) for one in await page.locator("td.num:last-child").all_inner_texts()]
    assert changes == sorted(changes, reverse=True)
    periods = await downloaded(page, 'a[href*="periods"][href*="csv"]')
    assert f"{column(periods, 'total'):,}" in await page.inner_text(".r-tiles")
    charged = Decimal(0)
    for name in await page.locator(".r-tabs a").all_inner_texts():
        await page.goto(f"{address}/accounts?month={name}")
        charged += column(await downloaded(page, 'a[href*="charges"][href*="csv"]'), "amount")
    assert charged == Decimal(audit["charged"]["CNY"])
    await page.goto(f"{address}/accounts?month={month}&sort=total&order=down")
    largest = await page.locator("td.id a").first.inner_text()
    await page.locator("td.id a").first.click()
    async with context.expect_page() as opened:
        await page.get_by_role("link", name="Statement").click()
    statement = await opened.value
    await statement.wait_for_selector("tr.total")
    await the_pdf_adds_up(context, f"{address}/statement/{largest}/{month}", largest)
    await statement.goto(f"{address}/statement/{largest}/{month}/annex?language=en")
    line = statement.locator("tr", has_text="usage").first
    assert re.search(r"\+86\d{3}\*{4}\d\d", await line.inner_text()), "the called number, without its middle"
    await line.locator("a").click()
    await statement.wait_for_selector(".r-main table")
    call_id = await statement.locator("tr", has_text="Call id").locator("td").inner_text()
    charge = statement.url
    await statement.goto(f"{address}/plans")
    await statement.fill('.r-find input[name="q"]', call_id)
    await statement.press('.r-find input[name="q"]', "Enter")
    await statement.wait_for_url("**/charge/**")
    assert unquote(statement.url) == unquote(charge)
    assert call_id in await statement.inner_text(".r-main")


async def the_pdf_adds_up(context: BrowserContext, statement: str, account: str) -> None:
    """Its lines come to its total, and so do the annex's charges; the running head names the account on each page."""
    text = pdf_text(await (await context.request.get(f"{statement}/pdf?language=en")).body())
    assert "Voice Ltd" in text
    body = text.partition("Amount\n")[2]
    lines, _, rest = body.partition("\nTotal ")
    amounts = [Decimal(line.split()[-1].replace(",", "")) for line in lines.splitlines()]
    total = Decimal(rest.splitlines()[0].replace(",", ""))
    assert amounts
    assert sum(amounts) == total
    annex = PdfReader(io.BytesIO(await (await context.request.get(f"{statement}/annex/pdf?language=en")).body()))
    assert all(account in page.extract_text() for page in annex.pages)
    whole = "\n".join(page.extract_text() for page in annex.pages)
    assert f"{total:,}" in whole


async def paths_of(address: str, context: BrowserContext) -> list[str]:
    """Every page, with what is there."""
    bearer = {"Authorization": f"Bearer {TOKEN}"}

    async def ask(path: str) -> Any:
        return await (await context.request.get(f"{address}/api/v1{path}", headers=bearer)).json()

    month = f"{MONTHS[1]:%Y-%m}"
    row = (await ask(f"/periods?period={month}&sort=total&order=down&limit=1"))["items"][0]
    account = row["account"]
    charge = (await ask(f"/accounts/{account}/periods/{month}/charges?limit=500"))["items"][-1]["charge_id"]
    record = (await ask("/rejected?limit=1"))["items"][0]["place"]
    return [
        *("/", "/accounts", f"/accounts?month={month}&sort=change", "/alerts", "/plans", "/rejected"),
        *(f"/account/{account}", f"/account/{account}?period={month}", f"/account/{account}?period=1999-01"),
        *("/find?q=A00000", f"/charge/{charge}", f"/rejected/record?place={record}", "/nope", "/login", "/api/v1/docs"),
        *(f"/statement/{account}/{month}", f"/statement/{account}/{month}/annex"),
    ]


async def test_how_every_page_looks(books: Rater) -> None:
    """Nothing broken over lines or cut, no serious fault by axe, no foreign words on Chinese pages."""
    _, address = await asyncio.to_thread(books.console)
    wrong: list[str] = []
    async with chromium() as browser:
        paths: list[str] = []
        for width, language, theme in ALL_LOOKS if SHOTS else LOOKS:
            there = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
            paths = paths or await paths_of(address, there)
            look = Look(await there.new_page(), address)
            await look.log_in(TOKEN)
            await look.prefer(lang=language)
            for path in paths:
                asked = f"{path}?language={language}" if path.startswith("/statement") else path
                await look.page.goto(f"{address}{asked}")
                await look.page.wait_for_timeout(400)
                found = await broken_words(look.page)
                found += ["wider than the window"] if await look.overflows() else []
                if width == 1280:
                    found += await against_axe(look.page)
                if language == "zh" and not path.startswith("/api"):
                    found += foreign_words(await written(look.page), ISSUER)
                wrong += [f"{path} at {width}, {language}, {theme}: {one}" for one in found]
                await look.picture(path, width, language, theme)
            await there.close()
    assert not wrong, "\n".join(wrong)
