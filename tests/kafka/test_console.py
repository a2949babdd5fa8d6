"""The console over a real Kafka, in a real browser: every page, its figures beside the audit's, kills and rebuilds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from rater.seam.partitions import partition_of
from tests.support.broker import cluster
from tests.support.browser import Look, chromium
from tests.support.rated import Raw, until_rated, write
from tests.support.workers import Rater, until

TOKEN = "0123456789abcdef-of-the-tests"  # noqa: S105 - of no system
CALLS, ACCOUNTS = 3000, 12
GARBAGE = 60
RECORDS = CALLS + ACCOUNTS + GARBAGE + 4
"""Calls, subscriptions, records that are no events, and the book in each of 4 partitions."""

LOOKS = (("en", "light", 1280), ("zh", "dark", 390))
"""(language, theme, width of the window); `test_finance` looks at more."""

PAGES = {"overview": "/", "accounts": "/accounts", "alerts": "/alerts", "plans": "/plans", "rejected": "/rejected"}


@pytest.fixture
async def rated(ready: Rater) -> Rater:
    """Some months of calls, all rated."""
    ready.settings |= {"database_url": f"sqlite:///{ready.folder / 'rater.db'}", "console_token": TOKEN}
    await asyncio.to_thread(ready.run, "simulate", "--calls", CALLS, "--accounts", ACCOUNTS, "--months", 4)
    await write(ready, [Raw(n % 4, b"A000001", b"no event, of +8613912345678") for n in range(GARBAGE)])
    await asyncio.to_thread(ready.worker)
    await until_rated(ready, RECORDS)
    return ready


def ask(address: str, path: str) -> Any:
    """The API's answer."""
    request = Request(f"{address}/api/v1{path}", headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310 - ours
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def all_of_it(address: str) -> dict[str, Any]:
    """Everything that must be the same after a kill or a rebuild."""
    accounts = [one["account"] for one in ask(address, "/accounts?limit=500")["items"]]
    told = {account: ask(address, f"/accounts/{account}/periods") for account in accounts}
    overview = ask(address, "/overview")
    totals = {name: overview[name] for name in ("periods", "accounts", "charges", "alerts", "rejected", "residue")}
    return {"accounts": told, "totals": totals, "rejected": ask(address, "/rejected?limit=500")}


@asynccontextmanager
async def looking(address: str, language: str, theme: str, width: int) -> AsyncIterator[Look]:
    async with chromium() as browser:
        context = await browser.new_context(viewport={"width": width, "height": 900})
        look = Look(await context.new_page(), address)
        await look.log_in(TOKEN)
        await look.prefer(lang=language, theme=theme)
        yield look
        assert look.wrong == []


async def test_every_page_says_what_the_audit_says(rated: Rater) -> None:
    """At two widths, in both languages, light and dark; nothing is fetched from elsewhere, and nothing is cut off."""
    _, address = await asyncio.to_thread(rated.console)
    audit = json.loads(await asyncio.to_thread(rated.run, "audit", "--json"))
    biggest = ask(address, "/accounts?limit=500")["items"]
    account = max(biggest, key=lambda one: Decimal(one["total"]))["account"]
    period = ask(address, f"/accounts/{account}/periods")[0]
    for language, theme, width in LOOKS:
        async with looking(address, language, theme, width) as look:
            for name, path in {**PAGES, "account": f"/account/{account}"}.items():
                text = await look.open(path)
                assert not await look.overflows(), f"{name} at {width}"
                await look.picture(name, width, language, theme)
                if name == "overview":
                    assert f"{audit['charges']:,}" in text
                    assert audit["residue"] == {"CNY": "0.00"}
                    assert f"\n{audit['residue']['CNY']}\n" in text
                    assert f"{GARBAGE:,}" in text
                elif name == "account":
                    assert f"{account}" in text
                    assert f"{Decimal(period['total']):,}" in text
                    assert str(period["charges"]) in text
                elif name == "plans":
                    assert "package-premium" in text
                elif name == "rejected":
                    assert "JSON" in text
                    assert "13912345678" not in text
            await look.page.goto(f"{address}/statement/{account}/{period['period']}")
            assert f"{Decimal(period['total']):,}" in await look.page.inner_text("body")
            assert not await look.overflows(), f"statement at {width}"
            await look.picture("statement", width, language, theme)
            await look.page.go_back()
            chinese = "总览" in await look.page.inner_text("header")
            assert chinese == (language == "zh")


async def test_charges_appear_while_somebody_looks(rated: Rater) -> None:
    """Without a reload: a credit that is posted now is on the account's page, line by line, and in its total."""
    _, address = await asyncio.to_thread(rated.console)
    account = ask(address, "/accounts?limit=1")["items"][0]["account"]
    oldest = ask(address, f"/accounts/{account}/periods")[-1]
    credit = {"type": "account-adjusted/1", "account": account, "adjustment_id": "a-1", "amount": "-1.23"}
    async with looking(address, "en", "light", 1280) as look:
        text = await look.open(f"/account/{account}?period={oldest['period']}")
        assert "seen now" not in text
        value = json.dumps({**credit, "reason": "seen now"}).encode()
        await write(rated, [Raw(partition_of(account.encode(), 4), account.encode(), value)])
        await look.page.get_by_text("seen now").first.wait_for()
        total = Decimal(oldest["total"]) - Decimal("1.23")
        assert f"{total:,}" in await look.page.inner_text(".r-tiles")


async def test_a_list_is_paged_in_place(rated: Rater) -> None:
    """The page is not loaded again; its address tells what is shown, and Back leads back to it."""
    _, address = await asyncio.to_thread(rated.console)
    account = ask(address, "/accounts?limit=1")["items"][0]["account"]
    async with looking(address, "en", "light", 1280) as look:
        await look.open(f"/account/{account}")
        await look.page.evaluate("window.loaded = 1")
        first = look.page.locator("#charges tbody a").first
        newest = await first.inner_text()
        await look.page.click("#charges >> text=More")
        await look.page.wait_for_url("**before=*")
        await look.page.get_by_role("link", name="Newest").wait_for()
        older = await first.inner_text()
        assert number(older) == number(newest) - 25
        await look.page.get_by_role("link", name="fee", exact=True).click()
        await look.page.wait_for_url("**only=fee")
        await look.page.locator("#charges .r-tabs a.on", has_text="fee").wait_for()
        assert await look.page.evaluate("window.loaded") == 1
        await look.page.go_back()
        await look.page.get_by_role("link", name="Newest").wait_for()
        assert await first.inner_text() == older
        await look.page.get_by_role("link", name="中文").click()
        await look.page.wait_for_selector("#charges >> text=最新")
        assert await first.inner_text() == older, "the language is another, what is shown is the same"
        await look.open("/accounts")
        await look.page.evaluate("window.loaded = 1")
        await look.page.fill("input[name=search]", account)
        await look.page.press("input[name=search]", "Enter")
        await look.page.wait_for_url(f"**search={account}*")
        await look.page.locator("td.id").nth(1).wait_for(state="detached")
        assert await look.page.locator("td.id").all_inner_texts() == [account]
        assert await look.page.evaluate("window.loaded") == 1


async def test_what_is_read_stays_open(rated: Rater) -> None:
    """Rejected records that come meanwhile stand above it; filters and further records are drawn in place."""
    _, address = await asyncio.to_thread(rated.console)
    async with looking(address, "en", "light", 1280) as look:
        await look.open("/rejected")
        await look.page.evaluate("window.loaded = 1")
        await look.page.locator("details").nth(1).locator("summary").click()
        place = await look.page.locator("details[open]").get_attribute("id")
        await write(rated, [Raw(0, b"A000002", b'{"type": "call-ended/1", "account": "A000002"}')])
        await look.page.locator("details >> nth=0 >> summary >> text=A000002").wait_for()
        assert await look.page.locator("details[open]").get_attribute("id") == place
        await look.page.click("text=More")
        await look.page.wait_for_url("**cursor=*")
        await look.page.locator("details").nth(11).wait_for(state="detached")
        assert await look.page.locator("details").count() == GARBAGE + 1 - 50
        await look.page.click("text=sent again")
        await look.page.get_by_text("sent again ×").wait_for()
        assert await look.page.locator("details").count() == 0
        assert await look.page.evaluate("window.loaded") == 1


async def test_a_page_that_is_open_asks_for_the_login_when_its_session_ends(rated: Rater) -> None:
    """Logged out in one window, another shows nothing more."""
    _, address = await asyncio.to_thread(rated.console)
    async with chromium() as browser:
        context = await browser.new_context()
        look = Look(await context.new_page(), address)
        await look.log_in(TOKEN)
        await look.open("/rejected")
        await (await context.new_page()).goto(f"{address}/logout")
        await asyncio.sleep(2.5)  # a session that was good counts as good for 2 s
        await look.page.click("text=More")
        await look.page.wait_for_url("**/login?next=**")


def number(text: str) -> int:
    """A charge's number as the page says it."""
    return int(text.replace(",", ""))


def test_a_broker_that_is_away_is_told_and_waited_for(tmp_path: Path) -> None:
    """Meanwhile the pages say that figures are old; when it is back, what was charged then is there."""
    own = {"topic_prefix": "", "replication": "1", "dev": "1", "tick_interval": "0", "session_timeout": "6"}
    with cluster(1) as made:
        read_model = {"database_url": f"sqlite:///{tmp_path / 'rater.db'}", "console_token": TOKEN}
        rater = Rater({**own, **read_model, "bootstrap_servers": made.address}, tmp_path)
        try:
            for words in (("topics", "create"), ("tariffs", "publish"), ("simulate", "--calls", 200, "--accounts", 5)):
                rater.run(*words)
            rater.worker()
            console, address = rater.console()
            until(lambda: ask(address, "/overview")["charges"] >= 200, "all is there")
            made.kill(1)
            until(lambda: not is_ready(address), "it says that figures are old")
            assert ask(address, "/overview")["charges"] >= 200, "and shows what it has"
            made.start(1)
            made.until_up()
            until(lambda: is_ready(address), "it is up to date again")
            rater.workers[0].kill()
            rater.worker()
            rater.run("simulate", "--calls", 250, "--accounts", 5, "--no-subscribe")
            until(lambda: ask(address, "/overview")["charges"] >= 250, "the rest is there")
            assert console.alive()
        finally:
            rater.clean_up()


def is_ready(address: str) -> bool:
    """What supervisors are told."""
    try:
        with urlopen(f"{address}/ready", timeout=10) as answer:  # noqa: S310
            return bool(json.load(answer)["ready"])
    except HTTPError:
        return False


async def test_killed_and_rebuilt_it_shows_the_same(rated: Rater) -> None:
    """Killed with -9 while it takes in, started again, and built anew from the topics: the same totals."""
    doomed, _ = await asyncio.to_thread(rated.console)
    writing = asyncio.create_task(
        asyncio.to_thread(
            rated.run, "simulate", "--calls", 4000, "--accounts", 12, "--seed", 2, "--rate", 1500, "--no-subscribe"
        )
    )
    await until_rated(rated, RECORDS + 1500)
    doomed.kill()
    await writing
    await until_rated(rated, RECORDS + 4000)
    again, address = await asyncio.to_thread(rated.console)
    audit = json.loads(await asyncio.to_thread(rated.run, "audit", "--json"))
    until(lambda: ask(address, "/overview")["charges"] == audit["charges"], "all is in the read model")
    before = all_of_it(address)
    assert before["totals"]["residue"] == "0.00"
    assert again.stop() == 0
    said = await asyncio.to_thread(rated.run, "project", "--once", "--rebuild")
    assert f"{audit['charges']:,} charges" in said
    _, address = await asyncio.to_thread(rated.console)
    assert all_of_it(address) == before

    account, periods = max(before["accounts"].items(), key=lambda item: Decimal(item[1][0]["total"]))
    del rated.settings["database_url"]  # then the account's partition is read
    for verb, path in (("statement", f"/periods/{periods[0]['period']}/statement"), ("advise", "/advice")):
        words = (verb, account, *([periods[0]["period"]] if verb == "statement" else []), "--json")
        said = json.loads(await asyncio.to_thread(rated.run, *words, status=None))
        assert said == ask(address, f"/accounts/{account}{path}")
