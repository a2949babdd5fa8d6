"""The door on a real Kafka: who may write what, what is answered, and that what was acknowledged is charged once."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2 as httpx
import pytest

from rater.console.tokens import SCOPES, new_token
from tests.kafka.test_intake import EXAMPLES, records_file, until_taken_in
from tests.support.own_calls import call
from tests.support.rated import charged_calls, charges_of, until_all_rated, until_rated
from tests.support.reading import read, values
from tests.support.workers import Rater, until

PROFILE = EXAMPLES / "freeswitch-json" / "profile.yaml"


TICK = {"type": "clock-ticked/1", "at": "2026-11-02T08:00:00Z"}


class Tokens:
    """A token of each scope, one of all, and their entries."""

    def __init__(self) -> None:
        made: dict[str, tuple[str, str]] = {scope: new_token(scope.replace(":", "-"), [scope]) for scope in SCOPES}
        made["all"] = new_token("billing", list(SCOPES))
        self.of: dict[str, str] = {name: token for name, (token, _) in made.items()}
        self.entries = " ".join(entry for _, entry in made.values())


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@asynccontextmanager
async def client(address: str, token: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"{address}/api/v1", headers=headers, timeout=30) as made:
        yield made


def body(number: int, account: str = "acme") -> dict[str, Any]:
    made: dict[str, Any] = json.loads(call(number, account))
    return made


async def test_rate_and_reply(ready: Rater, tokens: Tokens) -> None:
    """Charged, duplicate, applied and rejected alike; the same when the record's place is asked for later."""
    ready.worker()
    _, address = ready.door(door_tokens=tokens.entries)
    async with client(address, tokens.of["all"]) as door:
        door.headers["Prefer"] = "respond-async, wait=20"
        subscribed = await door.put(
            "/accounts/acme/subscriptions/s-1", json={"plan": "hybrid-200", "from": "2026-11-01T00:00:00Z"}
        )
        first = await door.post("/calls", json=body(1))
        again = await door.post("/calls", json=body(1))
        other = await door.post("/calls", json={**body(1), "callee": "300"})
        credit = await door.put("/accounts/acme/adjustments/a-1", json={"amount": "-1.00", "reason": "outage"})
        void = await door.put("/accounts/acme/voids/own-1/c-1", json={"reason": "test"})
        answers = [subscribed, first, again, other, credit, void]
        assert [answer.status_code for answer in answers] == [200] * 6, [answer.text for answer in answers]
        found = [answer.json() for answer in answers]
        assert [one["outcome"] for one in found] == [
            "applied", "charged", "duplicate", "rejected", "applied", "applied",
        ]  # fmt: skip
        assert [charge["kind"] for charge in found[1]["charges"]] == ["usage"]
        assert found[3]["reason"] == "conflict"
        assert found[4]["charges"][0]["amount"] == "-1.00"
        assert found[5]["charges"][0]["kind"] == "reversal"
        for one in found:
            partition, offset = one["place"].rsplit("/", 2)[1:]
            later = (await door.get(f"/records/{partition}/{offset}")).json()
            assert (later["outcome"], later["charges"]) == (one["outcome"], one.get("charges", []))
        assert (await door.get("/records/0/999999")).status_code == 404
        assert (await door.get("/records/99/0")).status_code == 404
    log = await read(ready.settings["bootstrap_servers"], f"{ready.settings['topic_prefix']}calls")
    actors = {dict(record.headers).get("ce_actor") for records in log.values() for record in records}
    assert actors == {b"billing", b"rater-cli"}


async def test_who_may_write_what(ready: Rater, tokens: Tokens) -> None:
    """Each scope opens its own and no other, also where wrong tokens come from; what is refused leaves no trace."""
    ready.run_here("topics", "create", "--switch", "fs-1")
    _, address = ready.door(PROFILE, door_tokens=tokens.entries)
    subscription = {"plan": "per-minute", "from": "2026-11-01T00:00:00Z"}
    asked: list[tuple[str, str, str, dict[str, Any]]] = [
        ("calls:write", "POST", "/calls", {"json": body(1)}),
        ("calls:write", "POST", "/cdrs/fs-1", {"content": b"{}"}),
        ("accounts:write", "PUT", "/accounts/acme/subscriptions/s", {"json": subscription}),
        ("accounts:write", "PUT", "/accounts/acme/adjustments/a", {"json": {"amount": "1.00", "reason": "r"}}),
        ("accounts:write", "PUT", "/accounts/acme/voids/s/c", {"json": {"reason": "r"}}),
        ("tariffs:write", "PUT", "/tariffs/2", {"content": b"version: 2"}),
        ("rejected:write", "POST", "/rejected/redrive", {"json": {"reason": "late"}}),
        ("rejected:write", "POST", "/rejected/drop", {"json": {"reason": "late", "why": "old"}}),
        ("read", "GET", "/records/0/0", {}),
    ]
    before = await _ends(ready)
    for needed, method, path, words in asked:
        for name, token in {**tokens.of, "none": "none", "wrong": "rt_wrong"}.items():
            if name in {needed, "all"}:
                continue
            async with client(address, token) as door:
                answer = await door.request(method, path, **words)
            expected = {401, 429} if name in {"none", "wrong"} else {403}
            assert answer.status_code in expected, (path, name, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
    assert await _ends(ready) == before
    async with client(address, tokens.of["all"]) as door:
        for _, method, path, words in asked:
            answer = await door.request(method, path, **words)
            assert answer.status_code in {200, 202, 422}, (path, answer.text)
        assert (await door.get("/nothing")).status_code == 404
        assert (await door.delete("/calls")).status_code in {404, 405}
        basic = httpx.BasicAuth("fs", tokens.of["calls:write"])
        posted = await door.post("/cdrs/fs-1", content=b"{}", auth=basic, headers={"Authorization": ""})
        assert posted.status_code in {202, 401}
    async with httpx.AsyncClient(auth=httpx.BasicAuth("fs", tokens.of["calls:write"])) as switch:
        assert (await switch.post(f"{address}/api/v1/cdrs/fs-1", content=b"{}")).status_code == 202


async def test_what_is_wrong_is_told(ready: Rater, tokens: Tokens) -> None:
    """With its reason and its place; nothing of it is written. Bodies have limits, packed ones too."""
    _, address = ready.door(door_tokens=tokens.entries)
    bomb = gzip.compress(b" " * 100_000_000)
    good = gzip.compress(json.dumps(body(1)).encode())
    packed = {"Content-Encoding": "gzip"}
    async with client(address, tokens.of["all"]) as door:
        before = await _ends(ready)
        for status, word, answer in (
            (422, "not-json", await door.post("/calls", content=b"{")),
            (422, "wrong-shape", await door.post("/calls", json={**body(1), "direction": "up"})),
            (422, "naive-time", await door.post("/calls", json={**body(1), "ended_at": "2026-11-02T08:01:00"})),
            (422, "unknown-type", await door.post("/calls", json=TICK)),
            (422, "record-too-large", await door.post("/calls", json={**body(1), "caller": "1" * 70_000})),
            (422, "wrong-calls", await door.post("/calls", json=[body(1), {}, body(2)])),
            (422, "wrong-shape", await door.post("/calls", json=[])),
            (422, "wrong-shape", await door.post("/calls", json=[body(1)] * 1001)),
            (422, "wrong-shape", await door.put("/accounts/a/adjustments/x", json={"amount": 1, "reason": "r"})),
            (422, "wrong-shape", await door.put("/accounts/a/adjustments/x", json={"account": "b"})),
            (422, "wrong-shape", await door.put("/accounts/a b/adjustments/x", json={"amount": "1", "reason": "r"})),
            (422, "wrong-book", await door.put("/tariffs/2", content=b"version: 2\nplans: {}")),
            (404, "unknown-source", await door.post("/cdrs/nobody", content=b"{}")),
            (413, "too-large", await door.post("/calls", content=b" " * 5_000_000)),
            (413, "too-large", await door.post("/calls", content=bomb, headers=packed)),
            (400, "broken-body", await door.post("/calls", content=good[:-9], headers=packed)),
            (400, "broken-body", await door.post("/calls", content=b"abc", headers=packed)),
            (415, "unknown-encoding", await door.post("/calls", content=b"", headers={"Content-Encoding": "br"})),
        ):
            assert (answer.status_code, answer.json()["type"]) == (status, f"urn:rater:{word}"), answer.text
        assert await _ends(ready) == before
        assert (await door.post("/calls", content=good, headers=packed)).status_code == 202
        errors = (await door.post("/calls", json=[body(1), {}])).json()["errors"]
        assert [one["index"] for one in errors] == [1]


async def test_records_of_a_switch_through_the_door(rater: Rater, tokens: Tokens) -> None:
    """Posted one by one as FreeSWITCH does: the charges of the file, byte for byte; and rejected ones sent again."""
    rater.settings["partitions"] = "1"
    rater.run_here("topics", "create", "--switch", "fs-1")
    rater.run_here("tariffs", "publish")
    _, address = rater.door(PROFILE, door_tokens=tokens.entries)
    events = (EXAMPLES / "events.jsonl").read_bytes().splitlines()
    file = records_file("freeswitch-json")
    async with client(address, tokens.of["all"]) as door:
        for event in map(json.loads, events):
            said = {name: event[name] for name in ("plan", "from")}
            path = f"/accounts/{event['account']}/subscriptions/{event['subscription_id']}"
            assert (await door.put(path, json=said)).status_code == 202
        lines = file.read_bytes().splitlines()
        answers = [(await door.post("/cdrs/fs-1", content=line)).json() for line in lines]
        assert [answer["becomes"] for answer in answers].count("call") == 7
        rater.intake(PROFILE)
        rater.worker()
        assert (await until_taken_in(rater, "fs-1", len(lines)))["call"] == 6
        await until_rated(rater, 9)
        expected = rater.folder / "charges.jsonl"
        rater.run(
            "import", file, "--profile", PROFILE, "--rate", "--events", EXAMPLES / "events.jsonl", "--out", expected
        )
        assert b"\n".join(values(await charges_of(rater))[0]) == expected.read_bytes().strip()
        again = (await door.post("/rejected/redrive", json={"source": "fs-1"})).json()
        assert (again["redriven"], again["not_redrivable"]) == (2, [])
        await until_taken_in(rater, "fs-1", len(lines) + 2)
        dropped = (await door.post("/rejected/drop", json={"source": "fs-1", "why": "known to be rubbish"})).json()
        assert dropped == {"dropped": 2}
        assert (await door.post("/rejected/drop", json={"why": "everything"})).status_code == 422
        assert (await door.post("/rejected/redrive", json={"places": ["calls/9/9"]})).status_code == 404


async def test_what_was_acknowledged_is_charged_once(ready: Rater, tokens: Tokens) -> None:
    """Single posts and batches while the door is killed: every 202 is in the charges, once; clients send again."""
    ready.run("subscribe", "acme", "per-minute", "--from", "2026-11-01T00:00:00Z", "--no-wait")
    ready.worker()
    killed, address = ready.door(door_tokens=tokens.entries)
    port = address.rpartition(":")[2]
    acknowledged: set[str] = set()

    async def post(door: httpx.AsyncClient, number: int) -> None:
        while True:
            try:
                answer = await door.post("/calls", json=body(number))
            except httpx.HTTPError:
                await asyncio.sleep(0.2)
                continue
            if answer.status_code == 202:
                acknowledged.add(f"c-{number}")
                return
            assert answer.status_code == 503

    async with client(address, tokens.of["all"]) as door:
        posts = [asyncio.create_task(post(door, number)) for number in range(300)]
        for _ in range(1000):
            if len(acknowledged) > 30:
                break
            await asyncio.sleep(0.01)
        killed.kill()
        ready.door(door_tokens=tokens.entries, door_port=port)
        await asyncio.gather(*posts)
        batch = await door.post("/calls", json=[body(number) for number in range(300, 1300)])
        assert batch.status_code == 202
        assert len(set(batch.json()["places"])) == 1000
    await until_all_rated(ready)
    calls = charged_calls(await charges_of(ready))
    assert set(calls.values()) == {1}
    assert {call_id for _, _, call_id in calls} == {f"c-{number}" for number in range(1300)}
    assert len(acknowledged) == 300


def test_two_publishers_of_books_at_once(ready: Rater) -> None:
    """One of them wins in every partition."""
    text = (EXAMPLES.parents[1] / "rater" / "wire" / "shipped.yaml").read_text()
    for name, band in (("one", "0.60"), ("two", "0.65")):
        said = text.replace("version: 1\n", "version: 2\n").replace(
            'connect_rate_band: ["0.70"', f'connect_rate_band: ["{band}"'
        )
        assert said != text
        (ready.folder / f"{name}.yaml").write_text(said)
    ready.worker()

    async def both() -> None:
        publish = ("tariffs", "publish", "--yes")
        await asyncio.gather(
            *(asyncio.to_thread(ready.run, *publish, f"{name}.yaml", status=None) for name in ("one", "two")),
            return_exceptions=True,
        )

    asyncio.run(both())
    until(lambda: _books_in_force(ready) is not None, "a book is in force everywhere")
    assert len(_books_in_force(ready) or ()) == 1


def _books_in_force(rater: Rater) -> set[str] | None:
    """The bands of version 2 in the log that came first in each partition; None before there is one in each."""
    log = asyncio.run(read(rater.settings["bootstrap_servers"], f"{rater.settings['topic_prefix']}calls"))
    first = []
    for records in log.values():
        books = [json.loads(record.value)["book"] for record in records if b"tariffs-published" in record.value]
        newer = [json.dumps(book["connect_rate_band"]) for book in books if book["version"] == 2]
        if not newer:
            return None
        first.append(newer[0])
    return set(first)


async def _ends(rater: Rater) -> list[int]:
    """How much stands in the topics that the door may write to."""
    prefix = rater.settings["topic_prefix"]
    found = []
    for topic in ("calls", "resolutions"):
        log = await read(rater.settings["bootstrap_servers"], prefix + topic)
        found.append(sum(map(len, log.values())))
    return found


def test_the_tokens_themselves_are_nowhere(ready: Rater) -> None:
    """Neither in logs nor in what is refused; a broken entry is told by its number."""
    said = ready.run("door", "token", "fs", "--scope", "calls:write")
    entry = next(line.removeprefix("entry: ") for line in said.splitlines() if line.startswith("entry: "))
    (ready.folder / "tokens").write_text(f"# of the switch\n{entry}\n")
    process, _ = ready.door(door_tokens_file=str(ready.folder / "tokens"))
    assert process.stop() == 0
    secret = next(line.removeprefix("token: ") for line in said.splitlines() if line.startswith("token: "))
    assert secret not in process.text()
    ready.settings["door_tokens"] = "fs:calls:nohash"
    refused = ready.run("door", "serve", status=78)
    assert "token 1" in refused
    assert "nohash" not in refused
    ready.settings["door_tokens"] = ""
    ready.run("door", "serve", status=2)
    ready.run("door", "token", "fs", "--scope", "everything", status=2)
