"""Rejected records in the console: seen, sent again by who has a token of the door, and the same numbers everywhere."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from urllib.request import Request, urlopen

from rater.console.tokens import new_token
from tests.kafka.test_rejected import BOOK, listed
from tests.support.browser import Look, chromium
from tests.support.own_calls import call
from tests.support.rated import Raw, charged_calls, charges_of, until_all_rated, write
from tests.support.workers import Rater, until

TOKEN = "0123456789abcdef-of-a-test"  # noqa: S105 - of no system
MAY, MAY_NOT = new_token("finance", ["rejected:write"]), new_token("reader", ["read"])


def ask(address: str, path: str) -> str:
    """What the console tells a program."""
    request = Request(f"{address}{path}", headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310
    with urlopen(request, timeout=10) as answer:  # noqa: S310
        return str(answer.read().decode())


def numbers(rater: Rater, address: str) -> list[dict[str, int]]:
    """Left, redriven and dropped, as the command, the API and the metrics say."""
    by_command: dict[str, Any] = listed(rater, "--state", "all")
    by_api = json.loads(ask(address, "/api/v1/overview"))["rejected_states"]
    metrics = ask(address, "/metrics")
    found = re.findall(r'rater_rejected_items\{state="(\w+)"\} (\S+)', metrics)
    by_metric = {state: int(float(number)) for state, number in found}
    states = ("left", "redriven", "dropped")
    return [{state: told[state] for state in states} for told in (by_command, by_api, by_metric)]


async def test_they_are_worked_off_on_the_page(rater: Rater) -> None:
    """A token without the scope is refused; with it the record is sent again and charged, and the page says so."""
    book = rater.folder / "book.yaml"
    book.write_text("".join(line for line in BOOK.read_text().splitlines(keepends=True) if "default_plan" not in line))
    rater.run_here("topics", "create")
    rater.run("tariffs", "publish", book)
    rater.worker()
    await write(rater, [Raw(0, b"new", call(n)) for n in range(999)] + [Raw(1, b"x", b"{")])
    await until_all_rated(rater)
    rater.run("subscribe", "new", "per-minute", "--from", "2026-11-01T00:00:00Z")
    _, door = rater.door(door_tokens=f"{MAY[1]} {MAY_NOT[1]}")
    database = f"sqlite:///{rater.folder / 'rater.db'}"
    _, address = await asyncio.to_thread(rater.console, console_token=TOKEN, database_url=database, door_url=door)
    of = {one["reason"]: one["place"] for one in reversed(listed(rater, "--limit", 2000)["items"])}
    broken, unknown = of["not-json"], of["unknown-account"]
    async with chromium() as browser:
        page = await browser.new_page(locale="en", viewport={"width": 1280, "height": 900})
        look = Look(page, address)
        await look.log_in(TOKEN)
        text = await look.open("/rejected")
        assert "Left to do\t1,000" in text
        await page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        await page.get_by_text(unknown, exact=True).click()
        await page.get_by_text(f"rater rejected redrive {unknown}").wait_for()
        token, why = page.get_by_label("Token of the door"), page.get_by_label("Why it is dropped")
        await token.fill(MAY_NOT[0])
        await page.get_by_role("button", name="Send again").click()
        await page.get_by_text("this needs the scope rejected:write").wait_for()
        await token.fill(MAY[0])
        await page.get_by_role("button", name="Send again").click()
        await page.get_by_text("Done: 1").wait_for()
        await page.get_by_text("Sent again").wait_for()
        await look.picture("redriven")
        await look.open(f"/rejected/record?place={broken}")
        await token.fill(MAY[0])
        await page.get_by_role("button", name="Send again").click()
        await page.get_by_text("It cannot be sent again: not-json").wait_for()
        await why.fill("cut off at the switch")
        await page.get_by_role("button", name="Drop").click()
        await page.get_by_text("Done: 1").wait_for()
        await page.get_by_text("cut off at the switch").wait_for()
        await look.prefer(lang="zh")
        assert "已放弃" in await look.open(f"/rejected/record?place={broken}")
        assert not await look.overflows()
        await look.picture("dropped")
        assert [said for said in look.wrong if "favicon" not in said] == []
    await until_all_rated(rater)
    assert charged_calls(await charges_of(rater)).total() == 1
    expected = {"left": 998, "redriven": 1, "dropped": 1}
    until(lambda: numbers(rater, address)[1] == expected, "the console has it")
    assert numbers(rater, address) == [expected] * 3
