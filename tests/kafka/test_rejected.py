"""Rejected records on a real Kafka: listed, sent again once, dropped; and a retry under another profile."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2 as httpx
from aiokafka import AIOKafkaProducer

from rater.console.tokens import new_token
from tests.kafka.test_intake import EXAMPLES, until_taken_in
from tests.support.own_calls import call
from tests.support.rated import Raw, charged_calls, charges_of, until_all_rated, write
from tests.support.workers import Rater

UNKNOWN = 1_000
BOOK = EXAMPLES.parents[1] / "rater" / "wire" / "shipped.yaml"


def listed(rater: Rater, *words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(rater.run("rejected", "list", "--json", *words, status=None))
    return found


def states(rater: Rater) -> tuple[int, int, int, int]:
    found = listed(rater, "--state", "all")
    return found["rejected"], found["left"], found["redriven"], found["dropped"]


async def test_an_account_that_was_not_known(rater: Rater) -> None:
    """Its calls are rejected; once it is subscribed they are sent again, and charged once, however often one tries."""
    book = rater.folder / "book.yaml"
    book.write_text("".join(line for line in BOOK.read_text().splitlines(keepends=True) if "default_plan" not in line))
    rater.run_here("topics", "create")
    rater.run("tariffs", "publish", book)
    rater.worker()
    await write(rater, [Raw(n % 4, b"new", call(n)) for n in range(UNKNOWN)])  # forwarded too
    await until_all_rated(rater)
    assert states(rater) == (UNKNOWN, UNKNOWN, 0, 0)
    assert {one["account"] for one in listed(rater, "--limit", 2000)["items"]} == {"new"}

    rater.run("rejected", "redrive", "--reason", "unknown-account")  # too early: they are rejected again
    await until_all_rated(rater)
    found = listed(rater, "--limit", 2000)
    assert (found["rejected"], found["left"]) == (UNKNOWN, UNKNOWN)
    assert {one["times"] for one in found["items"]} == {2}

    token, entry = new_token("sales", ["accounts:write"])
    _, door = await asyncio.to_thread(rater.door, door_tokens=entry)
    headers = {"Authorization": f"Bearer {token}", "Prefer": "wait=20"}
    async with httpx.AsyncClient(headers=headers, timeout=30) as client:
        words = {"plan": "per-minute", "from": "2026-11-01T00:00:00Z"}
        answer = await client.put(f"{door}/api/v1/accounts/new/subscriptions/s-1", json=words)
        assert answer.json()["outcome"] == "applied", answer.text
    tries = (asyncio.to_thread(rater.run, "rejected", "redrive", "--all", "--json", status=None) for _ in range(2))
    said = await asyncio.gather(*tries, return_exceptions=True)  # of two at once one may be fenced
    assert any(isinstance(one, str) and '"redriven": 1000' in one for one in said) or states(rater)[1] == 0
    rater.run("rejected", "redrive", "--all")
    await until_all_rated(rater)
    assert set(charged_calls(await charges_of(rater)).values()) == {1}
    assert charged_calls(await charges_of(rater)).total() == UNKNOWN
    assert states(rater) == (UNKNOWN, 0, UNKNOWN, 0)
    assert json.loads(rater.run("rejected", "redrive", "--all", "--json", status=None))["redriven"] == 0
    first = found["items"][0]["first"]
    shown = json.loads(rater.run("rejected", "show", first, "--json", status=None))
    assert (shown["state"], shown["times"]) == ("redriven", 2)
    assert shown["sent_to"].startswith(rater.settings["topic_prefix"])


async def test_what_cannot_be_sent_again_is_told_or_dropped(ready: Rater) -> None:
    """A broken record and a wrong key are sent repaired, or dropped with a reason; a book and a tick never are sent."""
    ready.worker()
    tick = b'{"type": "clock-ticked/1", "at": "2099-01-01T00:00:00Z"}'
    places = await write(
        ready, [Raw(0, b"acme", b"{"), Raw(0, b"wrong", call(1, "acme")), Raw(1, None, tick), Raw(2, b"x", None)]
    )
    await until_all_rated(ready)
    said = ready.run("rejected", "redrive", "--all", status=1)
    assert "not-json" in said
    assert "its key is not its account" in said
    assert "a tick" in said
    assert "it has no value" in said
    assert states(ready) == (4, 4, 0, 0)

    (ready.folder / "repaired.json").write_bytes(call(1, "acme"))
    ready.run("rejected", "redrive", places[1], "--with", "repaired.json")
    ready.run("rejected", "drop", places[0], places[2], "--why", "rubbish of a test")
    assert states(ready) == (4, 1, 1, 2)
    await until_all_rated(ready)
    assert charged_calls(await charges_of(ready)).total() == 1
    dropped = listed(ready, "--state", "dropped")["items"]
    assert {one["resolved_why"] for one in dropped} == {"rubbish of a test"}
    ready.run("rejected", "show", "calls/9/9", status=1)


async def test_a_retry_under_another_profile_is_charged_once(ready: Rater) -> None:
    """Mapped to A; the profile changes to B; the switch sends it again, and what it could not read is sent again."""
    ready.run_here("topics", "create", "--switch", "any-2")
    words = (EXAMPLES / "json" / "profile.yaml").read_text()
    by = {}
    for account in ("A", "B"):
        by[account] = ready.folder / f"{account}.yaml"
        rule = f"account: [{{field: customer, pattern: '^{'acme' if account == 'A' else '.*'}$', map: to.csv}}]"
        by[account].write_text(words.replace("account: [{field: customer}]", rule.replace("to.csv", f"{account}.csv")))
        (ready.folder / f"{account}.csv").write_text(f"acme,{account}\nbeta,{account}\n")
    raw = [record(1, "acme"), record(2, "beta")]
    ready.worker()
    intake = ready.intake(by["A"])
    await _post(ready, raw)
    assert await until_taken_in(ready, "any-2", 2) == {"call": 1, "rejected:no-account": 1} | _forwarded(
        await until_taken_in(ready, "any-2", 2)
    )
    intake.stop()
    ready.intake(by["B"])
    await _post(ready, raw[:1])
    ready.run("rejected", "redrive", "--source", "any-2")
    found = await until_taken_in(ready, "any-2", 4)
    assert (found["call"], found["skipped:duplicate"]) == (2, 1)
    await until_all_rated(ready)
    assert charged_calls(await charges_of(ready)) == {("A", "any-2", "c-1"): 1, ("B", "any-2", "c-2"): 1}
    assert states(ready) == (1, 0, 1, 0)


def _forwarded(found: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in found.items() if name == "forwarded"}


def record(number: int, customer: str) -> bytes:
    words = {"call": {"id": f"c-{number}", "from": "100", "to": "200"}, "customer": customer}
    return json.dumps({**words, "begin": 1793577600000, "pickup": 1793577605000, "finish": 1793577660000}).encode()


async def _post(rater: Rater, values: list[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=rater.settings["bootstrap_servers"]) as producer:
        for value in values:
            await producer.send_and_wait(f"{rater.settings['topic_prefix']}switch-any-2", value, b"some key")
