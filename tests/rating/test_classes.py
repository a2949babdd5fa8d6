"""Classes of calls: the longest prefix wins, then the book's order; local hours, holidays, and make-up days."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.rating.calendar import Calendar
from rater.rating.classes import Classes
from rater.rating.instant import instant
from rater.rating.units import DIRECTIONS
from rater.wire.tariff_book import TariffBook

SHANGHAI = "Asia/Shanghai"
MOBILE, LANDLINE, LONDON, OWN = "+8613800138000", "+861087654321", "+442071234567", "4001234567"


def classes(*said: dict[str, Any], **book: Any) -> Classes:
    """The classes of a book in these words."""
    sets = {"mobile": ["+8613", "+8615"], "shanghai-mobile": ["+86138001"], "uk": ["+44"], "own": ["400"]}
    words = {
        "version": 1,
        "currency": "CNY",
        "time_zone": SHANGHAI,
        "prefixes": sets,
        "classes": list(said),
        "plans": {"a": {"minutes": {"rate": "1"}}},
        **book,
    }
    return TariffBook.model_validate_json(orjson.dumps(words)).to_core().classes


def of(found: Classes, at: str = "2026-11-04T12:00:00+08:00", zone: str = SHANGHAI, **call: str) -> str:
    said = {"direction": "outbound", "caller": OWN, "callee": MOBILE} | call
    start = instant(datetime.fromisoformat(at))
    return found.class_of(said["direction"], said["caller"], said["callee"], start, Calendar(zone))  # type: ignore[arg-type]


def test_the_longest_prefix_wins_then_the_first() -> None:
    """Wherever the class stands; of equal ones the first that holds."""
    found = classes(
        {"name": "mobile", "numbers": ["mobile"]},
        {"name": "again", "numbers": ["mobile", "uk"]},
        {"name": "near", "numbers": ["shanghai-mobile"]},
    )
    assert [of(found, callee=number) for number in (MOBILE, "+8613100000000", LONDON, LANDLINE, "+8", "")] == [
        *("near", "mobile", "again", "other", "other", "other")
    ]


def test_a_longer_prefix_that_does_not_hold_leaves_it_to_a_shorter_one() -> None:
    """All that a class says must hold."""
    found = classes(
        {"name": "near-in", "numbers": ["shanghai-mobile"], "directions": ["inbound"]},
        {"name": "mobile", "numbers": ["mobile"]},
        {"name": "rest-out", "directions": ["outbound"]},
    )
    assert of(found) == "mobile"
    assert of(found, direction="inbound", caller=MOBILE, callee=OWN) == "near-in"
    assert of(found, callee=LANDLINE) == "rest-out"
    assert of(found, direction="internal", callee=LANDLINE) == "other"


def test_far_and_near_end() -> None:
    """The far end is whom a call reaches, or whom an inbound one comes from; the near end is the other."""
    found = classes({"name": "hotline", "own_numbers": ["own"]}, {"name": "from-uk", "numbers": ["uk"]})
    assert of(found, direction="inbound", caller=LANDLINE, callee=OWN) == "hotline"
    assert of(found, direction="inbound", caller=LONDON, callee=OWN) == "from-uk"
    assert of(found, caller=LANDLINE, callee=LONDON) == "from-uk"
    assert of(found, caller=LONDON, callee=LANDLINE) == "other"


def test_an_empty_set_of_prefixes_has_no_call() -> None:
    """So a class is retired that must stay in the book, whichever end it asks for."""
    found = classes(
        {"name": "far", "numbers": ["none"]}, {"name": "near", "own_numbers": ["none"]}, prefixes={"none": []}
    )
    assert of(found) == of(found, direction="inbound") == "other"


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-11-02T21:59:59+08:00", "other"),  # a Monday
        ("2026-11-02T22:00:00+08:00", "night"),
        ("2026-11-03T05:59:59+08:00", "night"),
        ("2026-11-03T06:00:00+08:00", "other"),
        ("2026-11-07T00:30:00+08:00", "night"),  # Saturday morning of Friday's span
        ("2026-11-07T22:30:00+08:00", "other"),  # Saturday's own evening
        ("2026-11-09T00:30:00+08:00", "other"),  # Monday morning: the span would have begun on Sunday
        ("2026-11-02T14:30:00+00:00", "night"),  # the same wall clock, written in UTC
    ],
)
def test_hours_over_midnight_go_by_the_day_on_which_they_begin(at: str, due: str) -> None:
    assert of(classes({"name": "night", "hours": ["Mon-Fri 22:00-06:00"]}), at) == due


def test_hours_are_those_of_the_accounts_zone() -> None:
    """Nine in the morning in Berlin is four in the afternoon in Shanghai, also on the night the clocks change."""
    found = classes({"name": "day", "hours": ["Mon-Sun 08:00-18:00"]})
    assert of(found, "2026-11-04T23:00:00+08:00", "Europe/Berlin") == "day"
    assert of(found, "2026-11-04T23:00:00+08:00") == "other"
    assert [of(found, f"2026-10-25T0{hour}:30:00+00:00", "Europe/Berlin") for hour in (6, 7)] == ["other", "day"]


def test_holidays_and_days_that_are_worked_instead() -> None:
    """1 October 2026 is a Thursday, 10 October a Saturday that is worked."""
    found = classes(
        {"name": "holiday", "holidays": True},
        {"name": "office", "hours": ["Mon-Fri 00:00-24:00"], "holidays": False},
        {"name": "weekend", "hours": ["Sat,Sun 00:00-24:00"]},
        holidays=["2026-10-01", "2026-10-10"],
        workdays=["2026-10-10"],
    )
    days = {f"2026-10-{day:02d}": of(found, f"2026-10-{day:02d}T12:00:00+08:00") for day in (1, 2, 3, 10, 11)}
    assert list(days.values()) == ["holiday", "office", "weekend", "office", "weekend"]


def test_a_class_that_says_nothing_of_holidays_holds_on_both() -> None:
    found = classes({"name": "day", "hours": ["Thu 08:00-18:00"]}, holidays=["2026-10-01"])
    assert of(found, "2026-10-01T12:00:00+08:00") == "day"


def test_chains() -> None:
    """A class, the one it lies within, and so on."""
    found = classes(
        {"name": "night", "numbers": ["mobile"], "hours": ["Mon-Sun 22:00-06:00"], "within": "mobile"},
        {"name": "mobile", "numbers": ["mobile"], "within": "national"},
        {"name": "national", "numbers": ["mobile"]},
    )
    assert found.chain("night") == ("night", "mobile", "national")
    assert found.chain("other") == ("other",)


@given(
    st.lists(st.tuples(st.text("01+", min_size=1, max_size=5), st.sampled_from([None, *DIRECTIONS])), max_size=12),
    st.text("01+", max_size=8),
    st.sampled_from(DIRECTIONS),
)
def test_it_is_what_a_plain_search_finds(said: list[tuple[str, str | None]], far: str, direction: str) -> None:
    """The longest prefix of all that hold, the first of these: looked for one by one."""
    fit = [(number, only) for number, only in said if "+" not in number[1:] and number != "+"]
    found = classes(
        *(
            {"name": f"c{n}", "numbers": [f"s{n}"]} | ({} if only is None else {"directions": [only]})
            for n, (_, only) in enumerate(fit)
        ),
        prefixes={f"s{n}": [number] for n, (number, _) in enumerate(fit)},
    )
    holds = [(len(p), -n) for n, (p, only) in enumerate(fit) if far.startswith(p) and only in {None, direction}]
    due = f"c{-max(holds)[1]}" if holds else "other"
    numbers = {"caller": far, "callee": "9"} if direction == "inbound" else {"caller": "9", "callee": far}
    assert of(found, direction=direction, **numbers) == due


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"classes": [{"name": "a"}]}, "a class says which calls it has"),
        ({"classes": [{"name": "a", "numbers": ["no"]}]}, "there is no prefix set no"),
        ({"classes": [{"name": "other", "holidays": True}]}, "other is what calls of no class are"),
        ({"classes": [{"name": "a", "holidays": True}] * 2}, "2 classes are called a"),
        ({"classes": [{"name": "a", "holidays": True, "within": "b"}]}, "there is no class b for it to lie within"),
        (
            {
                "classes": [
                    {"name": "a", "holidays": True, "within": "b"},
                    {"name": "b", "holidays": False, "within": "a"},
                ]
            },
            "class a lies within itself",
        ),
        ({"classes": [{"name": "a", "hours": ["Mon-Fri 8-18"]}]}, "like Mon-Fri 08:00-18:00"),
        ({"classes": [{"name": "a", "hours": ["Mon 08:00-08:00"]}]}, "the whole day is 00:00-24:00"),
        ({"holidays": ["2026-02-30"]}, "this is no day of the calendar"),
        ({"prefixes": {"x": ["+86 13"]}}, "prefixes.x.0"),
        ({"plans": {"a": {"minutes": {"rate": "1", "classes": ["mobile"]}}}}, "there is no class mobile"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: dict[str, Any], said: str) -> None:
    book = {"version": 1, "currency": "CNY", "time_zone": SHANGHAI, "plans": {"a": {"minutes": {"rate": "1"}}}}
    with pytest.raises(ValueError, match=said):
        TariffBook.model_validate_json(orjson.dumps(book | words))
