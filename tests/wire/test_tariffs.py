"""Tariff books: what a file may say, what is told of an error, and what the rules get."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rater.rating.book import Band, Price
from rater.rating.money import CONTEXT
from rater.rating.units import MINUTES, Increment
from rater.wire.events import MAX_BOOK_BYTES, TariffsPublished
from rater.wire.parse import parse
from rater.wire.shipped import shipped_book, shipped_yaml
from rater.wire.tariff_book import PlanWords, TariffBook
from rater.wire.tariff_file import load_book, load_plan

SHIPPED = shipped_yaml().decode()


def book_of(text: str) -> TariffBook:
    book = load_book(text.encode())
    assert isinstance(book, TariffBook), book
    return book


def errors_of(text: str | bytes) -> list[str]:
    book = load_book(text.encode() if isinstance(text, str) else text)
    assert isinstance(book, tuple)
    return [str(error) for error in book]


def test_shipped_book() -> None:
    """The shipped book has the six plans of the rules, in CNY, and calls without a subscription are per minute."""
    book = shipped_book().to_core()
    assert list(book.plans) == [
        "per-minute",
        "package-basic",
        "package-premium",
        "per-call",
        "hybrid-200",
        "hybrid-400",
    ]
    assert (book.currency, book.precision, book.default_plan) == ("CNY", 2, "per-minute")
    assert (book.close_after, book.remember, book.late) == (timedelta(days=10), timedelta(days=60), "current")
    (premium,) = book.plans["package-premium"].meters_of(MINUTES)
    assert (premium.allowance, premium.price) == (None, None)
    (volume,) = book.plans["per-minute"].meters_of(MINUTES)
    assert volume.price == Price(
        "volume", (Band(0, Decimal("0.20")), Band(50, Decimal("0.18")), Band(100, Decimal("0.16")))
    )


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "false"])
def test_true_and_false_are_read_as_yaml_has_them(word: str) -> None:
    """In a file, without quotes."""
    text = SHIPPED + f"classes: [{{name: h, holidays: {word}}}]\n"
    (found,) = book_of(text).classes
    assert found.holidays is (word != "false")


@pytest.mark.parametrize("word", ["yes", "no", "on", '"true"', "tRue"])
def test_other_words_are_no_truth(word: str) -> None:
    """Older YAML had yes and no; here they are words."""
    (error,) = errors_of(SHIPPED + f"classes: [{{name: h, holidays: {word}}}]\n")
    assert error.endswith("must be true or false")


def test_published_book_is_the_same() -> None:
    """A book that was written into the log is read back as the same book."""
    event = TariffsPublished(type="tariffs-published/1", book=shipped_book())
    assert parse(event.to_json()) == event


def test_numbers_stay_as_written() -> None:
    """A rate without quotes keeps its digits: no number of a book is ever a float."""
    plain = book_of(SHIPPED.replace('"0.20"', "0.20").replace('"300.00"', "300"))
    assert str(plain.to_core().plans["per-minute"].meters_of(MINUTES)).count("Decimal('0.20')") == 1
    assert plain.plans["package-basic"].fee == 300


@pytest.mark.parametrize(
    ("said", "precision"), [("currency: JPY", 0), ("currency: KWD", 3), ("currency: CNY\nprecision: 6", 6)]
)
def test_precision(said: str, precision: int) -> None:
    """Amounts have the places of the currency unless the book says."""
    text = SHIPPED.replace("precision: 2", "#").replace("currency: CNY", said)
    assert book_of(text).to_core().precision == precision


def test_increment_and_directions() -> None:
    """A meter's increment, minimum, directions, flats and the plan's date reach the rules."""
    plan = load_plan(
        b"{proration: daily, effective: 2026-12-01T00:00:00+08:00, minutes: {allowance: 5, increment: 30/6,"
        b" minimum: 12, directions: [outbound], graduated: [{from: 0, rate: 0.5, flat: 3}, {from: 9, rate: 0.4}]},"
        b" free: [minutes]}"
    )
    assert isinstance(plan, PlanWords)
    core = plan.to_core("s-1@1")
    assert (core.id, core.proration, core.effective) == ("s-1@1", "daily", datetime(2026, 11, 30, 16, tzinfo=UTC))
    (minutes,) = core.meters
    assert minutes.unit is MINUTES
    assert minutes.increment == Increment(30, 6, 12)
    assert minutes.directions == frozenset(["outbound"])
    assert minutes.price == Price("graduated", (Band(0, Decimal("0.5"), Decimal(3)), Band(9, Decimal("0.4"))))


@pytest.mark.parametrize(
    ("was", "now", "error"),
    [
        (
            'rate: "0.15"',
            'rat: "0.15"',
            "21:31: plans.package-basic.minutes.rat: is not known here; did you mean rate?",
        ),
        ("plans:", "plan:", "11:1: plan: is not known here; did you mean plans?"),
        ('"0.20"', "abc", '16:27: plans.per-minute.minutes.volume.0.rate: abc must be an amount of 0 or more .*"0.20"'),
        ('"0.20"', "-0.20", "16:27: plans.per-minute.minutes.volume.0.rate: -0.20 must be an amount of 0 or more"),
        ('"0.20"', "1234567890123", "16:27: .*at most 12 digits before the point"),
        ("from: 50", "from: 0", "16:9: plans.per-minute.minutes.volume: bands must ascend: band 2 is from 0"),
        ("from: 0", "from: 1", "16:9: plans.per-minute.minutes.volume: the first band must be from: 0"),
        ("  package-basic:", "  per-minute:", "19:3: per-minute stands here twice, first in line 12"),
        ("default_plan: per-minute", "default_plan: hybrid-200", "6:15: default_plan: .* must have no fee"),
        (
            "default_plan: per-minute",
            "default_plan: pm",
            "6:15: default_plan: there is no such plan; the plans are per-",
        ),
        (
            "Asia/Shanghai",
            "Asia/Shangai",
            "5:12: time_zone: there is no such time zone; write a name like Asia/Shanghai",
        ),
        ("CNY", "XYZ", "3:11: currency: this is no currency of ISO 4217"),
        ("version: 1", "version: 1.5", "2:10: version: 1.5 must be a whole number, without quotes; .* version: 1"),
        ("version: 1\n", "\n", "2?[0-9]*:1: version: is missing; write it like version: 1"),
        ("close_after: 10d", "close_after: 10 days", "7:14: close_after: .*; write it like close_after: 10d"),
        (
            "{allowance: unlimited}",
            "{allowance: unlimited, rate: 1}",
            "24:43: .*rate: an unlimited allowance has no price",
        ),
        (
            "{allowance: unlimited}",
            "{allowance: 5}",
            "24:14: .*minutes: a meter has exactly one of rate, graduated, volume",
        ),
        ('{rate: "2.50"}', "{rate: 1, volume: [{from: 0, rate: 1}]}", "35:30: .*volume: .*not rate and volume"),
        (
            "60/60",
            "60",
            "14:18: plans.per-minute.minutes.increment: 60 must be a string; write it like increment: 60/60",
        ),
        ("late: current", "late: maybe", "8:7: late: maybe must be current or reject"),
        ('["0.70", "0.90"]', "[0.9, 0.1]", "10:20: connect_rate_band: the band's lower end comes first"),
        (
            "proration: none",
            "effective: 2026-12-01",
            "33:16: plans.hybrid-200.effective: 2026-12-01 must be an RFC 3339 time",
        ),
        ("  per-minute:\n", "  per minute:\n", "12:3: plans.per minute: has signs that must not stand here"),
        ('"300.00"', '&a "300.00"', r"20:10: anchors \(&\) and aliases \(\*\) are not read"),
        ('"300.00"', '!!float "300.00"', r"20:10: tags \(!\) are not read"),
        ("{allowance: unlimited}", "{allowance: unlimited", "25:11: this is not YAML"),
        ("{allowance: unlimited}", "", "23:5: plans.package-premium: a plan needs a meter, minutes or calls"),
        (
            '{rate: "2.50"}',
            "{rate: 1, increment: 1/1}",
            "35:[0-9]+: plans.hybrid-200.calls.increment: is not known here",
        ),
    ],
)
def test_error(was: str, now: str, error: str) -> None:
    """An error names line and column, place, what is wrong, and what to write instead."""
    assert was in SHIPPED
    found = errors_of(SHIPPED.replace(was, now, 1))
    assert [line for line in found if re.match(error, line)], found


def test_all_errors_at_once() -> None:
    """All that is wrong is told, in the order of the lines."""
    found = load_book(SHIPPED.replace('"0.20"', "x").replace("CNY", "XYZ").replace("10d", "ten").encode())
    assert isinstance(found, tuple)
    assert [error.line for error in found] == [3, 7, 16]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"\xff", "the file must be text in UTF-8"),
        (b"[1]", "must be an object"),
        (b"[" * 100_000, "nested more than 12 levels deep"),
        (b"a: " * 100_000, "mapping values are not allowed|at most 262144"),
        (b"a: \x01", "a control character stands here"),
        (b"a: 1\n---\nb: 1", "another document"),
        (b"? [a]\n: 1", "a name must be a word"),
        (b"a: &x [*x]", "anchors"),
        (b"a: &x [1,1]\nb: &y [*x,*x]\nc: [*y,*y]", "anchors"),
        (b"#" * 1_048_577, "the file has 1048577 bytes; at most 1048576 are read"),
        (b"version: " + b"9" * 5_000, "must be a whole number"),
    ],
)
def test_not_a_book(data: bytes, message: str) -> None:
    """What is no YAML, or tries to be too much of it, is refused."""
    assert [line for line in errors_of(data) if re.search(message, line)]


def test_too_large_to_publish() -> None:
    """A book that would not fit into a record of the log is refused when it is checked, not when it is published."""
    prefixes = ", ".join(f"'+{number}'" for number in range(10**13, 10**13 + 30_000))
    plans = "{a: {minutes: {rate: 1}}}"
    text = f"version: 1\ncurrency: CNY\ntime_zone: UTC\nprefixes: {{x: [{prefixes}]}}\nplans: {plans}\n"
    assert "published, the book would have" in errors_of(text)[0]
    assert f"at most {MAX_BOOK_BYTES}" in errors_of(text)[0]


def test_widest_sums_are_exact() -> None:
    """The widest rate times the most units that a period can hold is exact in the rules' arithmetic."""
    rate = Decimal("999999999999.999999999")
    assert load_plan(f"{{fee: {rate}, calls: {{rate: {rate}}}}}".encode()) == PlanWords.model_validate(
        {"fee": rate, "calls": {"rate": rate}}
    )
    units = Decimal(10) ** 18 - 1
    exact = int(units) * 999999999999999999999
    assert int(CONTEXT.multiply(rate, units).scaleb(9, CONTEXT)) == exact


@settings(max_examples=60)
@given(st.data())
def test_no_bytes_raise(data: st.DataObject) -> None:
    """A book damaged anywhere is a book or a list of errors with places in the file."""
    at = data.draw(st.integers(0, len(SHIPPED)))
    cut = data.draw(st.integers(0, 12))
    damage = data.draw(
        st.binary(max_size=4) | st.sampled_from([b"\n", b": ", b"[", b"{", b"- ", b"'", b"? ", b"&a ", b"|"])
    )
    raw = SHIPPED.encode()
    found = load_book(raw[:at] + damage + raw[at + cut :])
    assert isinstance(found, TariffBook | tuple)
    if isinstance(found, tuple):
        assert found
        assert all(error.line >= 1 and error.message for error in found)
