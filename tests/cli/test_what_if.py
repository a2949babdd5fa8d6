"""`rater advise` for figures and drafts, in both languages; a plan alone is checked; items are subscribed to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rater.cli.languages import language_of
from rater.cli.subscribe import _item
from tests.cli.test_accounts import answer, rated
from tests.support.command import Rater

QUOTE = """
fee: "260.00"
items: {seat: {price: "20.00", quantity: 2}}
setup: "99.00"
minutes: {allowance: 600, rate: "0.14"}
calls: {rate: "0.30"}
"""


@pytest.fixture
def quote(rater: Rater) -> Path:  # noqa: ARG001 - in its folder
    """A draft of a plan."""
    file = Path("quote.yaml")
    file.write_text(QUOTE)
    return file


def test_figures_are_priced_under_every_plan(rater: Rater, quote: Path) -> None:
    """800 minutes and 300 calls: 128.00 by the minute (0.16), 450.00 by the call; the draft 300 + 28 + 90."""
    said = ("advise", "--minutes", "800..1200", "--calls", "300", "--plan-file", str(quote), "--json")
    found = json.loads(rater(*said).stdout)
    costs = {offer["plan"]: offer["costs"] for offer in found["offers"]}
    assert costs["per-minute"] == ["128.00", "160.00", "192.00"]
    assert costs["package-basic"] == ["405.00", "435.00", "465.00"]
    assert costs["package-premium"] == ["500.00"] * 3
    assert costs["per-call"] == ["450.00"] * 3
    assert costs["hybrid-200"] == ["1085.00", "1121.00", "1157.00"]  # 200 + 750 * 0.18 + 300 * 2.50
    assert costs["quote (draft)"] == ["418.00", "446.00", "474.00"]
    assert [month["minutes"] for month in found["months"]] == [800, 1000, 1200]
    assert next(iter(costs)) == "per-minute"


def test_a_draft_stands_beside_the_plans_of_the_book(rater: Rater, quote: Path) -> None:
    """Over the account's real months, and in the table."""
    rated(rater, "heavy", "per-minute")
    without = answer(rater, "advise", "heavy")
    said = ("advise", "heavy", "--charges", "charges.jsonl", "--plan-file", str(quote))
    found = json.loads(rater(*said, "--json").stdout)
    drafts = [offer for offer in found["offers"] if offer["plan"] == "quote (draft)"]
    assert [offer for offer in found["offers"] if offer not in drafts] == without["offers"]
    assert len(drafts[0]["costs"]) == len(without["months"])
    assert "quote (draft)" in rater(*said).stdout


@pytest.mark.parametrize(("language", "words"), [("en", "dearest month"), ("zh", "最高月")])
def test_the_tables_fit_80_columns_in_both_languages(rater: Rater, language: str, words: str) -> None:
    """Six months and six plans."""
    rated(rater, "swings", "hybrid-200")
    said = rater("advise", "swings", "--charges", "charges.jsonl", "--language", language).stdout
    assert words in said
    wide = [line for line in said.splitlines() if sum(1 + (ord(sign) > 0x2E80) for sign in line) > 80]
    assert wide == []


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ((), "there is nothing to go by"),
        (("--minutes", "many"), "is no number and no range"),
        (("--minutes", "9..1"), "ends before it begins"),
        (("--calls", "9", "--attempts", "8"), "need as many attempts"),
        (("A", "--minutes", "9"), "without a history"),
        (("--minutes", "9", "--charges", "x"), "goes with an account"),
        (("--minutes", "9", "--language", "fr"), "there is no 'fr'"),
    ],
)
def test_what_makes_no_sense_is_refused(rater: Rater, said: tuple[str, ...], says: str) -> None:
    """With what to write instead."""
    result = rater("advise", *said)
    assert result.exit_code != 0
    assert says in result.output + str(result.exception)


def test_the_locale_says_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """LC_ALL before LANG; what nobody knows is English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert language_of(None) == "en"
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert language_of(None) == "zh"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert language_of(None) == "en"
    assert language_of("zh") == "zh"


def test_a_plan_alone_is_checked(rater: Rater, quote: Path) -> None:
    """Its words are told; errors have their lines."""
    said = rater("tariffs", "check", str(quote)).stdout
    assert "a plan alone, no errors: monthly fee: 260.00; seat: 2 × 20.00; set-up fee: 99.00" in said
    quote.write_text(QUOTE.replace("quantity: 2", "quantity: -2"))
    result = rater("tariffs", "check", str(quote))
    assert result.exit_code == 1
    assert "quote.yaml:3:42: items.seat.quantity" in result.output


@pytest.mark.parametrize(
    ("words", "item"),
    [
        ("seat=25", ("seat", 25)),
        ("vpn=2x30.00", ("vpn", {"price": "30.00", "quantity": 2})),
        ("vpn=none", ("vpn", None)),
    ],
)
def test_items_as_people_type_them(words: str, item: tuple[str, object]) -> None:
    """Another quantity, one of the account's own, the end of one."""
    assert _item(words) == item


def test_a_statement_talks_chinese_too(rater: Rater) -> None:
    """The table and the page."""
    rated(rater, "light", "package-basic")
    said = ("statement", "light", "2026-06", "--charges", "charges.jsonl", "--language", "zh")
    assert all(word in rater(*said).stdout for word in ("套餐", "固定费用", "分钟", "合计"))
    rater(*said, "--html", "june.html")
    assert all(word in Path("june.html").read_text() for word in ("月费", "固定费用", "合计"))
