"""Classes of calls through the rules: they decide which meter counts a call, are remembered with it, and told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
import pytest

from rater.processor.rows import CALLS, TABLES, TARIFFS, TARIFFS_KEY, decode_call
from rater.rating.limits import BOOK_BYTES, RECORD_BYTES
from rater.seam.model import LogRecord
from rater.wire.results import Charge
from tests.support.logs import STAMP, Event, Log, amounts, book, call, published, record, subscribed, tick, total

CLASSES: Event = {
    "prefixes": {"mobile": ["+8613", "+8615"], "uk": ["+44"], "london": ["+4420"]},
    "holidays": ["2026-11-11"],
    "classes": [
        {"name": "mobile-night", "numbers": ["mobile"], "hours": ["Mon-Sun 22:00-06:00"], "within": "mobile"},
        {"name": "mobile", "numbers": ["mobile"]},
        {"name": "uk", "numbers": ["uk"]},
        {"name": "london", "numbers": ["london"], "within": "uk"},
    ],
}
PLANS: Event = {
    "by-class": {
        "meters": [
            {"name": "mobile", "unit": "minutes", "classes": ["mobile"], "allowance": 2, "rate": "0.25"},
            {"name": "abroad", "unit": "minutes", "classes": ["uk"], "rate": "1.20"},
        ],
        "minutes": {"rate": "0.10"},
    },
    "nights": {
        "meters": [{"name": "night", "unit": "minutes", "classes": ["mobile-night", "other"], "rate": "0.05"}],
        "minutes": {"rate": "0.30"},
    },
    "plain": {"minutes": {"rate": "0.20"}},
}
MOBILE, LONDON, LEEDS, LANDLINE = "+8613800138000", "+442071234567", "+441130000000", "+861087654321"
NIGHT = datetime.fromisoformat("2026-11-03T23:30:00+08:00")
VOID: Event = {"type": "call-voided/1", "account": "A", "source": "pbx-1", "reason": "test"}


def words(version: int = 1, **changes: Any) -> Event:
    return book(PLANS, **CLASSES) | {"version": version} | changes


def log_of(plan: str | None = "by-class") -> Log:
    log = Log(words=words())
    if plan:
        log.add(subscribed("A", plan))
    return log


def to(number: int, callee: str, minutes: int = 1, **fields: Any) -> Event:
    return call("A", number, minutes * 60, callee=callee, **fields)


def test_a_class_decides_which_meter_counts() -> None:
    """Mobile with an allowance of its own, abroad by its parent's price, the rest by the general meter."""
    log = log_of()
    charges = log.add(to(1, MOBILE, 3), to(2, LONDON, 2), to(3, LEEDS), to(4, LANDLINE, 5), to(5, "12345"))
    assert amounts(charges) == ["0.25", "2.40", "1.20", "0.50", "0.10"]
    assert [charge["call"].get("class") for charge in charges] == ["mobile", "london", "uk", None, None]
    assert [charge["lines"][0]["meter"] for charge in charges] == ["mobile", "abroad", "abroad", "minutes", "minutes"]
    for charge in charges:
        Charge.model_validate_json(orjson.dumps(charge))


def test_a_plan_that_does_not_name_a_class_takes_its_calls_as_those_of_the_outer_one() -> None:
    """By night as by day, where the plan names only mobile; where it names only the night, days are as the rest."""
    assert amounts(log_of().add(to(1, MOBILE, 3, start=NIGHT))) == ["0.25"]
    charges = log_of("nights").add(to(1, MOBILE, start=NIGHT), to(2, MOBILE), to(3, LANDLINE), to(4, LONDON))
    assert amounts(charges) == ["0.05", "0.30", "0.05", "0.30"]


def test_the_class_is_remembered() -> None:
    """A later book that classes otherwise moves nothing that was rated: not in a void, and not in a late plan."""
    log = log_of("plain")
    log.add(to(1, MOBILE, 3), to(2, LANDLINE))
    later = words(2, prefixes=CLASSES["prefixes"] | {"mobile": ["+8610"]})
    log.add(published(later))
    again = log.add(subscribed("A", "by-class", "2026-11-01T00:00:00+08:00", subscription_id="s-2"))
    assert str(total(log.charges)) == "0.35"  # 1 x 0.25 beyond the allowance of mobile, 1 x 0.10
    assert again[-1]["amount"] == "-0.45"
    (back,) = log.add(VOID | {"call_id": "c-1"})
    assert (back["amount"], back["call"]["class"]) == ("-0.25", "mobile")
    new = log.add(to(3, MOBILE), to(4, LANDLINE))
    assert [charge["call"].get("class") for charge in new] == [None, "mobile"]


def test_a_repetition_is_one_whatever_its_class_would_be_now() -> None:
    log = log_of()
    log.add(to(1, MOBILE), published(words(2, prefixes=CLASSES["prefixes"] | {"mobile": ["+99"]})), to(1, MOBILE))
    assert log.outcomes == {"applied": 3, "charged": 1, "duplicate": 1}


def test_late_calls_go_by_their_true_start() -> None:
    """A call of a closed month counts in the open one, and by the hour at which it really was."""
    log = log_of("nights")
    log.add(tick("2026-12-15T00:00:00+08:00", operator=True))
    (charge,) = log.add(to(1, MOBILE, start=NIGHT))
    assert (charge["late"], charge["period"], charge["amount"]) == (True, "2026-12", "0.05")


def test_hours_follow_the_accounts_zone() -> None:
    """Half past eleven at night in Shanghai is half past three in the afternoon in London."""
    log = log_of(None)
    log.add(subscribed("A", "nights", time_zone="Europe/London"), to(1, MOBILE, start=NIGHT))
    assert amounts(log.charges) == ["0.30"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"classes": CLASSES["classes"][:3]}, "class-changed"),
        ({"classes": [*CLASSES["classes"][:3], CLASSES["classes"][3] | {"within": "mobile"}]}, "class-changed"),
        ({"classes": [*CLASSES["classes"], {"name": "more", "holidays": True}]}, None),
        ({"classes": CLASSES["classes"][::-1]}, None),
        ({"holidays": []}, None),
    ],
)
def test_a_published_class_stays_where_it_lies(changes: Event, reason: str | None) -> None:
    """What calls it has may change; whether it is there, and within what, may not."""
    log = log_of()
    log.add(published(words(2, **changes)))
    assert log.rejected == ([] if reason is None else [reason])


def test_a_negotiated_plan_names_classes_of_the_book() -> None:
    log = log_of(None)
    inline = {"meters": [{"name": "m", "unit": "minutes", "classes": ["mars"], "rate": "9"}], "minutes": {"rate": "1"}}
    log.add(subscribed("A", inline))
    assert log.rejected == ["unknown-class"]
    inline["meters"][0]["classes"] = ["uk"]  # type: ignore[index]
    log.add(subscribed("A", inline), to(1, LONDON))
    assert amounts(log.charges) == ["9.00"]


def test_rows_come_back_as_they_were() -> None:
    """A call's row has its class only where it has one; the tariffs' row has the classes."""
    log = log_of()
    log.add(to(1, MOBILE), to(2, LANDLINE))
    rows = list(log.replay.rows[0].table(CALLS).values())
    assert [decode_call(row).call_class for row in rows] == ["mobile", "other"]
    assert [len(orjson.loads(row)) for row in rows] == [10, 9]
    encode, decode = next((table.encode, table.decode) for table in TABLES if table.name == TARIFFS)
    tariffs = log.replay.rows[0].table(TARIFFS)[TARIFFS_KEY]
    again = decode(encode(tariffs))
    assert again == tariffs
    assert again.book.classes is decode(encode(tariffs)).book.classes, "one table of prefixes a process"


def test_a_book_may_be_larger_than_other_records() -> None:
    """With 30,000 prefixes; up to a bound, beyond which it is rejected, as any other large record is."""
    many = {"many": [f"+{number}" for number in range(10**8, 10**8 + 30_000)]}
    large = record(9, published(words(2, prefixes=CLASSES["prefixes"] | many)))
    assert RECORD_BYTES < len(large.value or b"") < BOOK_BYTES
    log = log_of()
    log.feed([large])
    assert log.outcomes["applied"] == 3
    log.feed([LogRecord(10, STAMP, None, b'{"type":"tariffs-published/1"' + b" " * RECORD_BYTES + b"}")])
    log.feed([LogRecord(11, STAMP, None, b" " * (RECORD_BYTES + 1))])
    log.feed([LogRecord(12, STAMP, None, (large.value or b"") + b" " * BOOK_BYTES)])
    assert log.rejected == ["wrong-shape", "record-too-large", "record-too-large"]
