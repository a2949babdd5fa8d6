"""A statement that one can send: who to whom, sums apart from lines, an annex, called numbers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from fastapi.testclient import TestClient

from rater.console.app import create_app
from rater.console.statement_page import StatementLook, as_html
from rater.console.tokens import console_token
from rater.kafka.failstop import Refused
from rater.kafka.settings import Settings
from rater.readmodel.directory import Directory
from rater.readmodel.figures import masked_number
from rater.readmodel.numbers import keep_numbers
from rater.readmodel.statement import statement
from rater.readmodel.store import Store, TopicMessage, count
from rater.readmodel.tables import numbers
from tests.console.readmodel import busy_log, opened, take
from tests.console.test_api import Idle
from tests.support.logs import call, subscribed

TOKEN = "a-token-of-the-tests"  # noqa: S105 - of no system
ISSUER = """
name: Voice Ltd
address: [1 Main Street, Town]
tax_id: "91110000"
note: Pay within 30 days.
"""
CUSTOMERS = "account,name,number,language,address,email\nA,Acme <b>& Co,C-7,zh,Road 5|City,a@b\nB,Beta,,,,\n"


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    log = busy_log()
    log.add(subscribed("V", "per-call", "2026-11-01T00:00:00+08:00"), *(call("V", n, 60) for n in range(60)))
    with opened(log) as made:
        yield made


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    (tmp_path / "issuer.yaml").write_text(ISSUER)
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    return Directory(tmp_path / "issuer.yaml", tmp_path / "customers.csv")


@pytest.fixture
def client(store: Store, directory: Directory) -> Iterator[TestClient]:
    app = create_app(store, console_token(TOKEN), Idle(Settings(), store), directory)
    with TestClient(app, follow_redirects=False) as made:
        made.post("/login", data={"token": TOKEN})
        yield made


def amounts(page: str, table: int) -> list[Decimal]:
    """The last cells of a table's rows."""
    body = re.findall(r"<table.*?</table>", page, re.DOTALL)[table]
    rows = re.findall(r'<td class="n">(-?[\d,.]+)</td></tr>', body)
    return [Decimal(one.replace(",", "")) for one in rows]


@pytest.mark.parametrize(("account", "period"), [("A", "2026-10"), ("B", "2026-10"), ("V", "2026-11")])
def test_the_lines_add_up_to_the_total_below_them(client: TestClient, account: str, period: str) -> None:
    """Nothing else stands in their column; the parts are a table of their own, with the same sum."""
    page = client.get(f"/statement/{account}/{period}?language=en").text
    *lines, total = amounts(page, 0)
    assert sum(lines) == total == sum(amounts(page, 1))
    annex = client.get(f"/statement/{account}/{period}/annex?language=en").text
    charges = [
        Decimal(one.replace(",", "")) for one in re.findall(r'<td class="n">(-?[\d,.]+)</td><td class="n">', annex)
    ]
    assert sum(charges) == total


def test_re_pricing_says_why(client: TestClient) -> None:
    """The charge by which earlier calls became cheaper explains its negative line."""
    annex = client.get("/statement/V/2026-11/annex?language=en").text
    assert "49 earlier calls re-priced from 2.00 to 1.80 = -" in annex


def test_it_says_who_to_whom_and_in_whose_language(client: TestClient) -> None:
    """Of the customer's file and the issuer's; escaped, and in the customer's language unless another is asked for."""
    page = client.get("/statement/A/2026-10").text
    for said in (
        "Voice Ltd",
        "1 Main Street",
        "91110000",
        "Acme &lt;b&gt;&amp; Co",
        "C-7",
        "Road 5<br>",
        "Pay within",
        "账单",
    ):
        assert said in page, said
    assert "<b>&" not in page
    assert 'lang="en"' in client.get("/statement/A/2026-10?language=en").text
    assert 'lang="en"' in client.get("/statement/B/2026-10").text
    assert "A-2026-10" in page
    assert "2026-11-01 00:00:00</span>" in page
    assert "Asia/Shanghai</span>" in page


def test_who_is_taken_out_of_the_file_is_gone(client: TestClient, directory: Directory, tmp_path: Path) -> None:
    """Without a restart; a file that is broken meanwhile leaves what was."""
    file = tmp_path / "customers.csv"
    file.write_text("account,name\nB,Beta\nB,twice\n")
    os.utime(file, (1, 1))
    assert directory.customer("A") is not None
    file.write_text("account,name\nB,Beta\n")
    os.utime(file, (2, 2))
    assert directory.customer("A") is None
    assert "Acme" not in client.get("/statement/A/2026-10").text


@pytest.mark.parametrize(
    ("issuer", "customers", "says"),
    [
        ("nme: x", CUSTOMERS, "issuer.yaml:1"),
        (ISSUER, "account;name\nA;x\n", "must name the columns"),
        (ISSUER, "account,name\n,x\n", "line 2: no account"),
        (ISSUER, "account,name,language\nA,x,fr\n", "line 2: language fr"),
    ],
)
def test_a_wrong_file_is_refused_at_the_start(tmp_path: Path, issuer: str, customers: str, says: str) -> None:
    (tmp_path / "issuer.yaml").write_text(issuer)
    (tmp_path / "customers.csv").write_text(customers)
    with pytest.raises(Refused, match=says):
        Directory(tmp_path / "issuer.yaml", tmp_path / "customers.csv")


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+8613812345604", "+86138****04"),
        ("13812345604", "138123****04"),
        ("4001234", "400****34"),
        ("10086", "1****86"),
    ],
)
def test_a_number_without_its_middle(number: str, shown: str) -> None:
    assert masked_number(number) == shown


@pytest.mark.parametrize(("policy", "shown"), [("all", None), ("middle", "+86138****04"), ("none", "+8613812345604")])
def test_called_numbers_are_kept_as_the_policy_says(policy: str, shown: str | None) -> None:
    """None by default. Where the policy changes, what was kept is forgotten."""
    log = busy_log()
    said = call("A", 900, 60, callee="+8613812345604")
    log.add(said)
    with opened(log) as store:
        keep_numbers(store, policy)
        if policy != "all":
            message = TopicMessage(0, 0, b"A", orjson.dumps(said), {})
            broken = [
                TopicMessage(n, 0, b"A", value, {}) for n, value in enumerate([None, b"{", b"[]", b'{"type":"x"}'], 1)
            ]
            take(store, "calls", [message, *broken])
        with store.read() as connection:
            found = statement(connection, "A", "2026-11")
            assert found is not None
            page = b"".join(as_html(found, StatementLook(numbers=policy != "all", annex=True))).decode()
        assert ("+86138" in page) == (shown is not None)
        assert shown is None or f">{shown}<" in page
        keep_numbers(store, "all")
        with store.read() as connection:
            assert count(connection, numbers) == 0


def test_a_name_cannot_end_the_style_sheet(store: Store) -> None:
    """The running head of a printed page has names in it."""
    with store.read() as connection:
        found = statement(connection, "A", "2026-10")
        assert found is not None
        view = found.period.model_copy(update={"account": '"; } body { display: none } </style><script>'})
        from dataclasses import replace  # noqa: PLC0415

        page = b"".join(as_html(replace(found, period=view))).decode()
    assert "<script>" not in page
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert style.count("display: none") == 2  # of the buttons in print, of columns on a phone
