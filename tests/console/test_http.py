"""What clients and proxies count on: HEAD, 405, compression, sessions that end, named tokens, slow guesses."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rater.console import attempts
from rater.console.app import create_app
from rater.console.auth import COOKIE
from rater.console.tokens import Tokens, new_token
from rater.kafka.failstop import Refused
from rater.kafka.settings import Settings
from rater.readmodel.store import Store
from tests.console.readmodel import busy_log, opened
from tests.console.test_api import Idle

TODAY = datetime.now(UTC).date()
LOOKS, WRITES = new_token("finance", ["console:read"]), new_token("switch", ["calls:write"])
OLD = new_token("left-us", ["console:read"], TODAY - timedelta(days=1))
LAST_DAY = new_token("until-today", ["console:read"], TODAY)
TOKENS = Tokens.read("\n".join(entry for _, entry in (LOOKS, WRITES, OLD, LAST_DAY)))
LOG = busy_log()


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with opened(LOG) as made:
        yield made


@pytest.fixture
def stranger(store: Store) -> Iterator[TestClient]:
    with TestClient(create_app(store, TOKENS, Idle(Settings(), store)), follow_redirects=False) as made:
        yield made


@pytest.fixture
def client(stranger: TestClient) -> TestClient:
    stranger.headers["Authorization"] = f"Bearer {LOOKS[0]}"
    return stranger


def test_head_is_get_without_a_body(client: TestClient) -> None:
    for path in ("/api/v1/overview", "/live", "/login", "/api/v1/charges?period=2026-11&format=csv"):
        head, whole = client.head(path), client.get(path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert head.headers["content-type"] == whole.headers["content-type"]
        assert head.headers.get("etag") == whole.headers.get("etag")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_405_and_what_is_not_there_404(client: TestClient, method: str) -> None:
    refused = client.request(method, "/api/v1/accounts/A/periods")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    assert refused.headers["content-type"] == "application/problem+json"
    unknown = client.request(method, "/api/v1/accounts/A")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")
    assert client.get("/api/v2/overview").json()["status"] == 404


def test_answers_are_compressed_for_who_takes_it(client: TestClient) -> None:
    path = "/api/v1/accounts/B/periods/2026-10/statement"
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == client.get(path, headers={"Accept-Encoding": "identity"}).json()


@pytest.mark.parametrize(
    ("token", "status", "says"),
    [
        (LOOKS[0], 200, ""),
        (LAST_DAY[0], 200, ""),
        (WRITES[0], 403, "switch lacks the scope console:read"),
        (OLD[0], 401, "left-us expired"),
        ("rt_wrong", 401, "not known"),
        (None, 401, "no token was sent"),
    ],
    ids=["good", "last-day", "without-the-scope", "expired", "wrong", "none"],
)
def test_a_token_opens_what_it_is_for(stranger: TestClient, token: str | None, status: int, says: str) -> None:
    """Whose it is, what it lacks, and since when it is over is told; the token itself never."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = stranger.get("/api/v1/overview", headers=headers)
    assert answer.status_code == status
    assert says in answer.text
    assert token is None or token not in answer.text
    login = stranger.post("/login", data={"token": token or ""})
    assert login.status_code == (303 if status == 200 else 401)


@pytest.mark.parametrize("day", ["2026-13-01", "2026-02-30"])
def test_a_token_until_no_day_is_refused(day: str) -> None:
    with pytest.raises(Refused, match="is no day"):
        Tokens.read(f"{LOOKS[1]}:{day}")


def with_cookie(client: TestClient, path: str, cookie: str) -> Any:
    client.cookies.clear()
    return client.get(path, headers={"Cookie": f"{COOKIE}={cookie}"})


def test_logging_out_ends_the_session(stranger: TestClient) -> None:
    """A cookie that somebody kept opens nothing any more; other sessions go on."""
    stranger.post("/login", data={"token": LOOKS[0]})
    kept = stranger.cookies[COOKIE]
    stranger.cookies.clear()
    stranger.post("/login", data={"token": LOOKS[0]})
    other = stranger.cookies[COOKIE]
    assert with_cookie(stranger, "/api/v1/overview", kept).status_code == 200
    with_cookie(stranger, "/logout", kept)
    assert with_cookie(stranger, "/api/v1/overview", kept).status_code == 401
    assert with_cookie(stranger, "/api/v1/overview", other).status_code == 200


def test_a_session_outlives_the_process_but_not_its_token(store: Store, stranger: TestClient) -> None:
    stranger.post("/login", data={"token": LOOKS[0]})
    cookie = {COOKIE: stranger.cookies[COOKIE]}
    again = create_app(store, TOKENS, Idle(Settings(), store))
    assert TestClient(again, cookies=cookie).get("/api/v1/overview").status_code == 200
    without = create_app(store, Tokens.read(OLD[1]), Idle(Settings(), store))
    assert TestClient(without, cookies=cookie).get("/api/v1/overview").status_code == 401


@pytest.mark.parametrize(
    ("wanted", "leads"),
    [
        ("/account/A?period=2026-10", "/account/A?period=2026-10"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/logout", "/"),
        ("/a\nb", "/"),
    ],
)
def test_a_link_survives_the_login(stranger: TestClient, wanted: str, leads: str) -> None:
    """Whoever comes by a link from a mail lands on its page; a link that somebody made up leads to the first one."""
    if wanted == leads:
        asked = stranger.get(wanted)
        assert asked.status_code == 303
        form = stranger.get(asked.headers["location"]).text
        assert "next=%2Faccount%2FA%3Fperiod%3D2026-10" in form
    answer = stranger.post("/login", params={"next": wanted}, data={"token": LOOKS[0]})
    assert (answer.status_code, answer.headers["location"]) == (303, leads)


def test_guesses_lock_out_only_their_address(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the login and by bearer tokens alike; who comes from elsewhere notices nothing."""
    monkeypatch.setattr(attempts, "TRIES", 3)
    monkeypatch.setattr(attempts, "PAUSE", 0)
    app = create_app(store, TOKENS, Idle(Settings(), store))
    guessing = TestClient(app, client=("10.0.0.1", 1), follow_redirects=False)
    honest = TestClient(app, client=("10.0.0.2", 1), follow_redirects=False)
    bearer = {"Authorization": "Bearer rt_wrong"}
    assert guessing.post("/login", data={"token": "x"}).status_code == 401
    assert [guessing.get("/api/v1/overview", headers=bearer).status_code for _ in range(3)] == [401, 401, 429]
    refused = guessing.post("/login", data={"token": LOOKS[0]})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= attempts.PER_SECONDS
    assert honest.post("/login", data={"token": LOOKS[0]}).status_code == 303
    good = {"Authorization": f"Bearer {LOOKS[0]}"}
    assert honest.get("/api/v1/overview", headers=good).status_code == 200


async def test_a_minute_later_they_may_try_again() -> None:
    """To the second that Retry-After said; and the memory of addresses is bounded."""
    now = [1000.0]
    ours = attempts.WrongTokens(lambda: now[0])
    for _ in range(attempts.TRIES):
        assert ours.wait("a") == 0
        await ours.refused("a")
    wait = ours.wait("a")
    assert wait == attempts.PER_SECONDS
    now[0] += wait
    assert ours.wait("a") in {0, 1}
    now[0] += 1
    assert ours.wait("a") == 0


def test_who_came_is_in_the_log(stranger: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """Logins, refusals, log-outs and exports, by the token's name and the address; no secret."""
    with caplog.at_level(logging.INFO):
        stranger.post("/login", data={"token": "wrong"})
        stranger.post("/login", data={"token": LOOKS[0]})
        stranger.get("/api/v1/periods?period=2026-11&format=csv")
        stranger.get("/logout")
    said = [record.getMessage() for record in caplog.records if record.name.startswith("rater.console")]
    assert [one.partition(":")[0] for one in said] == ["login refused", "login", "export", "logout"]
    assert "finance" in said[1]
    assert said[2] == "export: periods-2026-11 as csv for finance"
    assert not any(secret in line for line in said for secret in (LOOKS[0], stranger.cookies.get(COOKIE) or "-no-"))


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "登录"),
        ("fr, zh;q=0.5, en;q=0.4", "登录"),
        ("en-GB,en;q=0.9,zh;q=0.1", "Log in"),
        ("zh;q=0, *;q=0.1", "Log in"),
        ("nonsense;q=x", "Log in"),
    ],
)
def test_the_browser_says_the_language(stranger: TestClient, said: str, title: str) -> None:
    assert f"<title>{title}" in stranger.get("/login", headers={"Accept-Language": said}).text


@pytest.mark.parametrize("path", ["/statement/NOPE/2026-10", "/statement/A/x"])
def test_people_see_a_page_where_nothing_is(client: TestClient, path: str) -> None:
    """In their language, with a way on; programs see a problem."""
    client.post("/login", data={"token": LOOKS[0]})
    answer = client.get(path, headers={"Accept-Language": "zh"})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (404, "text/html")
    assert "页面不存在" in answer.text


def test_the_documentation_lists_every_operation(client: TestClient) -> None:
    page = client.get("/api/v1/docs").text
    document = client.get("/api/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
            assert {"401", "404", "422", "429"} <= set(operation["responses"]), path
            assert operation["security"] == [{"token": []}]
    assert "http" not in page.replace("http://testserver", "")
