"""The REST API and the login: what they tell, to whom, and that nobody can write."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pyarrow import BufferReader, parquet
from starlette.websockets import WebSocketDisconnect

from rater.console import attempts
from rater.console.app import create_app
from rater.console.auth import COOKIE
from rater.console.tokens import console_token
from rater.kafka.settings import Settings
from rater.readmodel import rejected
from rater.readmodel.follower import Follower
from rater.readmodel.store import Store
from rater.wire.results import RESULTS
from tests.console.readmodel import busy_log, opened

TOKEN = "a-token-of-the-tests"  # noqa: S105 - of no system
TOKENS = console_token(TOKEN)
LOG = busy_log()


class Idle(Follower):
    """A follower that has nothing to follow."""

    async def run(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture(scope="module")
def app() -> Iterator[FastAPI]:
    with opened(LOG) as store:
        yield create_app(store, TOKENS, Idle(Settings(), store))


@pytest.fixture
def stranger(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, follow_redirects=False) as client:
        yield client


@pytest.fixture
def client(stranger: TestClient) -> TestClient:
    stranger.headers["Authorization"] = f"Bearer {TOKEN}"
    return stranger


def get(client: TestClient, path: str, **query: object) -> Any:
    answer = client.get(f"/api/v1{path}", params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


def every(client: TestClient, path: str, **query: object) -> list[Any]:
    """All items of a list, page by page."""
    found, cursor = [], None
    while True:
        page = get(client, path, **query, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


def test_charges_are_the_messages_page_by_page(client: TestClient) -> None:
    """Each as its contract says, in the order of its numbers, whatever the size of the pages."""
    ours = [charge for charge in LOG.charges if (charge["account"], charge["period"]) == ("B", "2026-11")]
    for limit in (1, 2, 500):
        assert every(client, "/accounts/B/periods/2026-11/charges", limit=limit) == ours
    assert get(client, f"/charges/{ours[1]['charge_id']}") == ours[1]
    for charge in ours:
        RESULTS["charge/1"].model_validate_json(orjson.dumps(charge))


def test_a_charge_is_explained_in_both_languages(client: TestClient) -> None:
    """Its lines as sentences, which sum to its amount."""
    (ours, *_) = [charge for charge in LOG.charges if charge["account"] == "A" and charge["kind"] == "usage"]
    told = get(client, f"/charges/{ours['charge_id']}/explanation")
    assert [line["words"] for line in told["lines"]] == ["2 min covered by the allowance", "1 call at 2.50"]
    assert sum(Decimal(line["amount"]) for line in told["lines"]) == Decimal(told["amount"])
    chinese = get(client, f"/charges/{ours['charge_id']}/explanation", language="zh")
    assert [line["words"] for line in chinese["lines"]] == ["额度内 2 分钟", "1 次 × 2.50"]
    assert client.get(f"/api/v1/charges/{ours['charge_id']}/explanation?language=fr").status_code == 422


def test_periods_statements_days_and_rates_agree(client: TestClient) -> None:
    """With the charges, and with each other."""
    total = sum(
        Decimal(charge["amount"])
        for charge in LOG.charges
        if charge["account"] == "A" and charge["period"] == "2026-10"
    )
    period = get(client, "/accounts/A/periods/2026-10")
    assert Decimal(period["total"]) == total
    assert (period["spend_cap"], period["time_zone"], period["fees"]) == ("230", "Asia/Shanghai", "200.00")
    statement = get(client, "/accounts/A/periods/2026-10/statement")
    assert sum(Decimal(line["amount"]) for line in statement["lines"]) == total
    days = get(client, "/accounts/A/periods/2026-10/days")
    assert sum(Decimal(day["amount"]) for day in days) == total
    assert [day["day"] for day in days] == [f"2026-10-{day:02}" for day in range(1, 32)]
    assert [one["period"] for one in get(client, "/accounts/A/periods")] == ["2026-11", "2026-10"]
    rates = get(client, "/accounts/B/connect-rate")["periods"]
    assert (rates["2026-10"]["attempts"], rates["2026-10"]["connected"]) == (60, 30)


def test_a_statement_is_a_page_of_its_own(client: TestClient) -> None:
    """For who is logged in, in the language that was chosen, with the total on it."""
    client.post("/login", data={"token": TOKEN})
    page = client.get("/statement/A/2026-10")
    assert page.headers["content-type"].startswith("text/html")
    assert get(client, "/accounts/A/periods/2026-10")["total"] in page.text
    assert "Included" in page.text
    client.get("/prefer", params={"lang": "zh"})
    assert "额度内" in client.get("/statement/A/2026-10").text
    assert client.get("/statement/A/1999-10").status_code == 404


def test_accounts_alerts_rejected_and_tariffs(client: TestClient) -> None:
    """Lists by page; the advice; the book."""
    assert [one["account"] for one in every(client, "/accounts", limit=1)] == ["A", "B", "C"]
    assert [one["account"] for one in every(client, "/accounts", search="B")] == ["B"]
    assert every(client, "/accounts", search="%") == []
    kinds = [one["kind"] for one in every(client, "/alerts", limit=1)]
    assert sorted(kinds) == sorted(one["kind"] for one in every(client, "/alerts"))
    assert "spend-cap-reached" in kinds
    assert every(client, "/alerts", account="C") == []
    assert len(every(client, "/rejected", limit=1)) == 2
    assert [one["reason"] for one in every(client, "/rejected", reason="wrong-shape")] == ["wrong-shape"]
    assert get(client, "/accounts/B/advice")["best"] == "per-call"
    assert get(client, "/tariffs")["plans"]["package-basic"]["fee"] == "300.00"
    assert get(client, "/overview")["residue"] == "0.00"


def test_rejected_records_as_files(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each format has the rows that the pages have, however many pieces they are read in; filters hold."""
    monkeypatch.setattr(rejected, "AT_ONCE", 1)
    expected = every(client, "/rejected")
    lines = client.get("/api/v1/rejected?format=jsonl").content.splitlines()
    assert [orjson.loads(line) for line in lines] == expected
    table = list(csv.DictReader(io.StringIO(client.get("/api/v1/rejected?format=csv").text)))
    assert [(row["place"], row["detail"]) for row in table] == [(one["place"], one["detail"]) for one in expected]
    frame = parquet.read_table(BufferReader(client.get("/api/v1/rejected?format=parquet").content))
    assert frame.column("at").to_pylist() == [datetime.fromisoformat(one["at"]) for one in expected]
    few = client.get("/api/v1/rejected?format=jsonl&reason=wrong-shape").content.splitlines()
    assert [orjson.loads(line)["reason"] for line in few] == ["wrong-shape"]
    assert client.get("/api/v1/rejected?format=xls").status_code == 422


def test_what_did_not_change_is_not_sent_again(client: TestClient) -> None:
    """By its ETag."""
    first = client.get("/api/v1/accounts/A/periods")
    again = client.get("/api/v1/accounts/A/periods", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert client.get("/api/v1/accounts/B/periods", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/accounts/nobody/periods", 404, "unknown"),
        ("/accounts/A/periods/2020-01", 404, "unknown"),
        ("/accounts/A/periods/2020-01/charges", 404, "unknown"),
        ("/accounts/A/periods/yesterday", 422, "wrong-parameter"),
        ("/accounts/" + "x" * 65 + "/periods", 422, "wrong-parameter"),
        ("/charges/nonsense", 404, "unknown"),
        ("/charges/A:2026-10:99999999999999999999", 404, "unknown"),
        ("/accounts?limit=0", 422, "wrong-parameter"),
        ("/accounts?limit=501", 422, "wrong-parameter"),
        ("/accounts?cursor=!", 400, "wrong-cursor"),
        ("/accounts?cursor=WzFd", 400, "wrong-cursor"),
        ("/alerts?cursor=WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMCwiYSJd", 400, "wrong-cursor"),
        ("/nothing", 404, "unknown"),
    ],
)
def test_errors_are_problems(client: TestClient, path: str, status: int, word: str) -> None:
    """As RFC 9457 has them, with a word for programs and a sentence for people."""
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["type"]) == (status, f"urn:rater:{word}")
    assert body["detail"]


def test_the_api_describes_itself(client: TestClient) -> None:
    """OpenAPI, with every path of the API and its answer's shape; nothing but GET."""
    told = client.get("/api/v1/openapi.json").json()
    assert {method for path in told["paths"].values() for method in path} == {"get"}
    assert "/api/v1/accounts/{account}/advice" in told["paths"]
    assert "AdviceView" in told["components"]["schemas"]


def paths(app: FastAPI) -> list[str]:
    """Every path of the application, filled in."""
    return [re.sub(r"\{[^}]+\}", "A", route.path) for route in app.routes if hasattr(route, "path")]


def test_without_a_token_nothing_is_told(stranger: TestClient, app: FastAPI) -> None:
    """Programs are told 401, people are led to the login; only the login and the supervisors' questions are open."""
    told = set()
    for path in [*paths(app), "/", "/accounts", "/_nicegui/x", "/metrics", "/anything"]:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": f"{COOKIE}=in.x.y"}):
            answer = stranger.get(path, headers=headers)
            if path in {"/login", "/live", "/ready"}:
                assert answer.status_code in {200, 503}
                told.add(path)
            elif path.startswith(("/api/", "/metrics")):
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
            else:
                assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/login"), path
    assert told == {"/login", "/live", "/ready"}


def test_a_web_socket_needs_it_too(stranger: TestClient) -> None:
    """The pages live by one."""
    with pytest.raises(WebSocketDisconnect), stranger.websocket_connect("/_nicegui_ws/socket.io/"):
        pass


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nobody_can_write(client: TestClient, app: FastAPI, method: str) -> None:
    """Whoever has the token neither: no path of ours takes anything but the login its form."""
    for path in paths(app):
        if (path, method) != ("/login", "POST"):
            answer = client.request(method, path, json={})
            assert answer.status_code in {303, 405, 404 if path == "/api/A" else 405}, path
            assert answer.status_code != 303 or answer.headers["location"].startswith("/login")


def test_the_login_gives_a_cookie_to_who_has_the_token(stranger: TestClient) -> None:
    """A cookie that scripts cannot read and other sites cannot send; it opens the API as well, and ends at logout."""
    assert stranger.post("/login", data={"token": "wrong"}).status_code == 401
    assert COOKIE not in stranger.cookies
    answer = stranger.post("/login", data={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    said = answer.headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=lax" in said
    assert TOKEN not in said
    assert get(stranger, "/overview")["accounts"] == 3
    stranger.get("/logout")
    assert stranger.get("/api/v1/overview").status_code == 401


def test_a_form_too_long_is_no_token(stranger: TestClient) -> None:
    """It is not read to its end."""
    assert stranger.post("/login", data={"token": TOKEN + "x" * 5000}).status_code == 401


def test_guessing_is_slowed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some wrong tokens none is looked at for a while, the right one neither."""
    monkeypatch.setattr(attempts, "TRIES", 3)
    with closing(Store()) as store:
        store.open("")
        guess(store)


def guess(store: Store) -> None:
    """Log in with wrong tokens, until the right one is not looked at either."""
    with TestClient(create_app(store, TOKENS, Idle(Settings(), store)), follow_redirects=False) as client:
        statuses = [client.post("/login", data={"token": f"wrong-{n}"}).status_code for n in range(4)]
        assert statuses == [401, 401, 401, 429]
        assert client.post("/login", data={"token": TOKEN}).status_code == 429


def test_preferences_lead_nowhere_else(stranger: TestClient) -> None:
    """A link that somebody made up leads to the first page, not to another site."""
    stranger.post("/login", data={"token": TOKEN})
    for back, goes in (("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil", "/"), ("/plans", "/plans")):
        answer = stranger.get("/prefer", params={"lang": "zh", "back": back})
        assert answer.headers["location"] == goes
    assert stranger.get("/login").text.count("登录") > 0


def test_every_answer_is_sealed(client: TestClient) -> None:
    """No frames, no sniffing, no scripts from elsewhere."""
    for path in ("/login", "/api/v1/overview", "/live"):
        headers = client.get(path).headers
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_metrics_are_for_who_has_the_token(client: TestClient) -> None:
    """Charges, rejections by reason, and a residue of nothing."""
    text = client.get("/metrics").text
    assert 'rater_residue{currency="CNY"} 0.0' in text
    assert 'rater_rejected_total{reason="wrong-shape"} 1.0' in text
    charges = sum(charge["type"] == "charge/1" for charge in LOG.charges)
    assert f"rater_charges_total {charges}.0" in text


def test_it_is_ready_when_it_was_up_to_date_once(stranger: TestClient, app: FastAPI) -> None:
    """Alive at once, so that a long first reading is not taken for a hang; ready when figures are not old."""
    live = app.state.live
    assert stranger.get("/live").json() == {"live": True}
    assert stranger.get("/ready").status_code == 503
    live.looked = time.monotonic()
    assert stranger.get("/ready").status_code == 503
    live.caught_up = True
    assert stranger.get("/ready").json() == {"ready": True, "behind": 0}
    live.looked -= 3600
    assert stranger.get("/ready").status_code == 503
