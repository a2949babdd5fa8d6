"""A month over all accounts: its rows and sums are the charges', in every order, page size and format."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from pyarrow import BufferReader, parquet
from sqlalchemy import event

from rater.console.app import create_app
from rater.console.tokens import console_token
from rater.kafka.settings import Settings
from rater.readmodel import months, queries
from rater.readmodel.store import Store
from tests.console.readmodel import busy_log, opened
from tests.console.test_api import Idle, every, get
from tests.support.logs import call, subscribed
from tests.support.mutate import plant

TOKEN = "a-token-of-the-tests"  # noqa: S105 - of no system
ACCOUNTS = 12


def log() -> Any:
    """The busy log, more accounts with other billing days, labels, and a call that comes late."""
    made = busy_log()
    for number in range(ACCOUNTS):
        account = f"N{number:02}"
        words: dict[str, Any] = {"billing_day": 15} if number % 3 == 0 else {}
        made.add(subscribed(account, "per-minute", "2026-10-01T00:00:00+08:00", **words))
        for call_id in range(number + 1):
            made.add(call(account, f"{account}-{call_id}", 60 * (call_id + 1), labels={"campaign": f"c{call_id % 2}"}))
    return made


LOG = log()
CHARGES = [charge for charge in LOG.charges if charge["type"] == "charge/1"]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with opened(LOG) as made:
        yield made


@pytest.fixture(scope="module")
def client(store: Store) -> Iterator[TestClient]:
    app = create_app(store, console_token(TOKEN), Idle(Settings(), store))
    with TestClient(app, follow_redirects=False, headers={"Authorization": f"Bearer {TOKEN}"}) as made:
        yield made


def by_period(month: str) -> dict[tuple[str, str], Decimal]:
    """(account, period) -> the sum of its charges, of the periods that begin in a month."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for charge in CHARGES:
        if charge["period"][:7] == month:
            sums[charge["account"], charge["period"]] += Decimal(charge["amount"])
    return dict(sums)


@pytest.mark.parametrize("month", ["2026-10", "2026-11"])
def test_every_period_of_a_month_is_there_with_its_parts(client: TestClient, month: str) -> None:
    rows = every(client, "/periods", period=month, limit=3)
    assert {(row["account"], row["period"]): Decimal(row["total"]) for row in rows} == by_period(month)
    for row in rows:
        assert Decimal(row["usage"]) + Decimal(row["fees"]) + Decimal(row["adjustments"]) == Decimal(row["total"])
        before = [b for (a, p), b in by_period("2026-10").items() if (a, p[7:]) == (row["account"], row["period"][7:])]
        if month == "2026-11":
            assert Decimal(row["previous"] or 0) == sum(before)
            assert (row["previous"] is None) == (not before)
        assert Decimal(row["change"]) == Decimal(row["total"]) - Decimal(row["previous"] or 0)
    totals = get(client, "/periods", period=month)["totals"]
    assert Decimal(totals["total"]) == sum(by_period(month).values())
    assert totals["accounts"] == len(rows)
    assert totals["closed"] == sum(row["state"] == "closed" for row in rows)


@pytest.mark.parametrize("sort", months.SORTS)
@pytest.mark.parametrize("order", ["up", "down"])
@pytest.mark.parametrize("limit", [1, 4, 500])
def test_every_order_is_one_and_pages_join(client: TestClient, sort: str, order: str, limit: int) -> None:
    rows = every(client, "/periods", period="2026-11", sort=sort, order=order, limit=limit)
    keys = [row["account"] if sort == "account" else Decimal(row[sort]) for row in rows]
    assert keys == sorted(keys, reverse=order == "down")
    assert len({(row["account"], row["period"]) for row in rows}) == len(rows) == len(by_period("2026-11"))


def test_a_list_without_its_second_key_would_be_caught(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake: of accounts with equal fees all but one page are lost."""
    plant(monkeypatch, months._behind, "and_(column == last, by_account)", "and_(False)")
    with pytest.raises(AssertionError):
        test_every_order_is_one_and_pages_join(client, "fees", "up", 1)


def test_filters_narrow_rows_and_sums(client: TestClient) -> None:
    for said, fits in (
        ({"search": "n0"}, lambda row: "N0" in row["account"]),
        ({"plan": "per-minute"}, lambda row: row["plan"] == "per-minute@1"),
        ({"account": "B"}, lambda row: row["account"] == "B"),
        ({"state": "closed"}, lambda row: row["state"] == "closed"),
    ):
        rows = every(client, "/periods", period="2026-10", **said)
        assert rows == [row for row in every(client, "/periods", period="2026-10") if fits(row)]
        totals = get(client, "/periods", period="2026-10", **said)["totals"]
        assert Decimal(totals["total"]) == sum(Decimal(row["total"]) for row in rows)
    assert every(client, "/periods", period="2026-10", search="%") == []


def test_months_are_told_together(client: TestClient) -> None:
    told = get(client, "/months")
    assert [one["month"] for one in told] == ["2026-11", "2026-10"]
    assert [Decimal(one["total"]) for one in told] == [sum(by_period(one["month"]).values()) for one in told]


def of_month(month: str, **fits: Any) -> list[dict[str, Any]]:
    found = [one for one in CHARGES if one["period"][:7] == month and all(test(one) for test in fits.values())]
    return sorted(found, key=lambda one: (one["account"], one["period"], one["seq"]))


CHOSEN: list[tuple[dict[str, Any], Any]] = [
    ({}, lambda _: True),
    ({"kind": "fee"}, lambda one: one["kind"] == "fee"),
    ({"account": "N03"}, lambda one: one["account"] == "N03"),
    ({"connected": "false"}, lambda one: one.get("call", {}).get("connected") is False),
    ({"late": "true"}, lambda one: one["late"]),
    ({"label": "campaign=c1"}, lambda one: one.get("call", {}).get("labels", {}).get("campaign") == "c1"),
    ({"label": "campaign=c"}, lambda _: False),
    ({"from": "2026-11-02T00:00:00+08:00"}, lambda one: "call" in one and one["call"]["started_at"] >= "2026-11-01T16"),
    ({"to": "2026-11-01T16:00:00Z"}, lambda one: "call" in one and one["call"]["started_at"] < "2026-11-01T16"),
]


@pytest.mark.parametrize(("said", "fits"), CHOSEN, ids=[str(said) for said, _ in CHOSEN])
@pytest.mark.parametrize("limit", [2, 500])
def test_charges_of_a_month_are_the_messages(client: TestClient, said: dict[str, Any], fits: Any, limit: int) -> None:
    assert every(client, "/charges", period="2026-11", limit=limit, **said) == of_month("2026-11", fits=fits)


def test_exports_say_the_same_in_every_format(client: TestClient) -> None:
    """CSV, JSON lines and Parquet have the rows that pages have, and their sums."""
    expected = of_month("2026-11")
    total = sum(Decimal(one["amount"]) for one in expected)
    lines = client.get("/api/v1/charges?period=2026-11&format=jsonl").content.splitlines()
    assert [orjson.loads(line) for line in lines] == expected
    text = client.get("/api/v1/charges?period=2026-11", headers={"Accept": "text/csv"})
    assert text.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(text.text)))
    assert [row["charge_id"] for row in table] == [one["charge_id"] for one in expected]
    assert sum(Decimal(row["amount"]) for row in table) == total
    assert {row["rates"] for row in table if row["account"] == "N03"} == {"0.18"} or any(row["rates"] for row in table)
    frame = parquet.read_table(BufferReader(client.get("/api/v1/charges?period=2026-11&format=parquet").content))
    assert frame.column("charge_id").to_pylist() == [one["charge_id"] for one in expected]
    assert sum(frame.column("amount").to_pylist()) == total
    periods = client.get("/api/v1/periods?period=2026-11&format=csv&bom=true").content
    assert periods.startswith(b"\xef\xbb\xbf")
    rows = csv.DictReader(io.StringIO(periods.decode("utf-8-sig")))
    assert sum(Decimal(row["total"]) for row in rows) == total


def test_no_cell_is_a_formula() -> None:
    """An id that a spreadsheet would run is shown as what it is."""
    made = busy_log()
    made.add(call("B", 500, 60, call_id="=HYPERLINK(1)"))
    with opened(made) as store:
        app = create_app(store, console_token(TOKEN), Idle(Settings(), store))
        with TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"}) as other:
            assert "'=HYPERLINK(1)" in other.get("/api/v1/charges?period=2026-11&format=csv").text


def test_the_month_reads_no_charge(client: TestClient, store: Store) -> None:
    """Whatever is asked of periods, no row of charges is looked at."""
    seen: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *words: seen.append(words[2]))
    get(client, "/periods", period="2026-11", sort="change", order="down")
    client.get("/api/v1/periods?period=2026-11&format=csv")
    get(client, "/months")
    assert seen
    assert not [one for one in seen if "FROM charges" in one]


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/periods", 422, "wrong-parameter"),
        ("/periods?period=2026-13", 422, "wrong-parameter"),
        ("/periods?period=2026-11&sort=name", 422, "wrong-parameter"),
        ("/periods?period=2026-11&kind=fee", 422, "unknown-parameter"),
        ("/charges?period=2026-11&knd=fee", 422, "unknown-parameter"),
        ("/charges?period=2026-11&kind=fee&kind=usage", 422, "wrong-parameter"),
        ("/charges?period=2026-11&from=2026-11-01T00:00:00", 422, "wrong-parameter"),
        ("/charges?period=2026-11&label=campaign", 422, "wrong-parameter"),
        ("/charges?period=2026-11&format=xlsx", 422, "wrong-parameter"),
        ("/periods?period=2026-11&sort=total&cursor=WyJ4IiwiQSIsIjIwMjYtMTEiXQ", 400, "wrong-cursor"),
        ("/overview?x=1", 422, "unknown-parameter"),
    ],
)
def test_what_is_asked_wrong_is_refused(client: TestClient, path: str, status: int, word: str) -> None:
    answer = client.get(f"/api/v1{path}")
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:rater:{word}"), answer.text


def test_a_period_that_is_not_there_is_empty(client: TestClient) -> None:
    assert every(client, "/periods", period="1999-01") == []
    assert client.get("/api/v1/charges?period=1999-01&format=csv").text.splitlines()[1:] == []


@pytest.mark.parametrize("only", [None, "usage", "fee", "adjustment", "late", "charged"])
def test_charges_of_an_account_can_be_looked_at_by_kind(store: Store, only: str | None) -> None:
    """The newest first, a page at a time, and none that is not asked for."""
    ours = [one for one in CHARGES if (one["account"], one["period"]) == ("A", "2026-10")]
    of_kind = [one for one in ours if only in {None, one["kind"]}]
    special = {"late": [one for one in ours if one["late"]], "charged": [one for one in ours if Decimal(one["amount"])]}
    wanted = special.get(only or "", of_kind)
    found: list[Any] = []
    with store.read() as connection:
        while page := queries.charges_of(
            connection, "A", "2026-10", found[-1]["seq"] if found else 0, 3, newest=True, only=only
        ):
            found += page
    assert found == wanted[::-1]
