"""Billing periods tile time, in every zone and from every billing day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rater.rating.calendar import Calendar, _period_of_utc_day, changed, month_at, period_after, period_at, replaced
from rater.rating.instant import instant, length, moment
from rater.rating.zones import zone

ZONES = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "Africa/Cairo",
    "America/Havana",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "UTC",
]
CALENDARS = st.builds(Calendar, st.sampled_from(ZONES), st.integers(1, 28), st.just(0), st.none())
INSTANTS = st.integers(0, instant(datetime(2999, 12, 31, tzinfo=UTC)))


@settings(max_examples=300)
@given(CALENDARS, INSTANTS)
def test_every_instant_is_in_one_period_and_the_next_begins_where_it_ends(calendar: Calendar, at: int) -> None:
    """No gap and no overlap, a month long, named by its first day."""
    period = period_at(calendar, at)
    after = period_after(calendar, period)
    assert period.start <= at < period.end == after.start
    assert period_at(calendar, period.start) == period == period_at(calendar, period.end - 1)
    assert period_at(calendar, period.end) == after
    assert 27 * 86_400 < (period.end - period.start) // 1_000_000 < 32 * 86_400
    assert period.name < after.name


@settings(max_examples=300)
@given(CALENDARS, INSTANTS)
def test_a_period_is_named_by_the_day_on_which_it_starts(calendar: Calendar, at: int) -> None:
    """Its first instant is on the billing day in the account's zone, and the moment before is not."""
    period = period_at(calendar, at)
    first, before = (moment(when).astimezone(zone(calendar.zone)) for when in (period.start, period.start - 1))
    skipped = calendar.zone == "Pacific/Apia" and first.year == 2011  # it left out 30 December
    assert skipped or first.day == calendar.billing_day
    assert before.date() < first.date()
    assert period.name == (f"{first:%Y-%m}" if calendar.billing_day == 1 else first.date().isoformat())


@pytest.mark.parametrize(
    ("tz", "day", "at", "name", "start", "end"),
    [
        ("Asia/Shanghai", 1, "2026-11-30T23:59:59+08:00", "2026-11", "2026-10-31T16:00Z", "2026-11-30T16:00Z"),
        ("Asia/Shanghai", 15, "2026-03-14T00:00:00+08:00", "2026-02-15", "2026-02-14T16:00Z", "2026-03-14T16:00Z"),
        ("UTC", 28, "2028-03-01T00:00:00Z", "2028-02-28", "2028-02-28T00:00Z", "2028-03-28T00:00Z"),
        ("UTC", 15, "2027-01-01T00:00:00Z", "2026-12-15", "2026-12-15T00:00Z", "2027-01-15T00:00Z"),
        ("Europe/Berlin", 1, "2027-03-28T01:00:00Z", "2027-03", "2027-02-28T23:00Z", "2027-03-31T22:00Z"),
        ("Europe/Berlin", 1, "2027-10-31T01:00:00Z", "2027-10", "2027-09-30T22:00Z", "2027-10-31T23:00Z"),
    ],
)
def test_periods_by_hand(tz: str, day: int, at: str, name: str, start: str, end: str) -> None:
    """Months with their first and last instants, across years, leap days and DST nights."""
    period = period_at(Calendar(tz, day), instant(datetime.fromisoformat(at)))
    assert period == (name, *(instant(datetime.fromisoformat(edge)) for edge in (start, end)))


OFFSETS = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-3, minutes=-30))])


@given(st.datetimes(timezones=OFFSETS, min_value=datetime(1970, 1, 2), max_value=datetime(2999, 12, 31)))  # noqa: DTZ001 - Hypothesis wants naive bounds
def test_instants_are_the_same_whatever_their_offset(when: datetime) -> None:
    """To the microsecond, there and back."""
    assert moment(instant(when)) == when
    assert instant(when + timedelta(microseconds=1)) - instant(when) == length(timedelta(microseconds=1)) == 1


YEAR = 366 * 86_400 * 1_000_000
BEGAN = instant(datetime(2026, 1, 1, tzinfo=UTC))
CHANGES = st.lists(st.tuples(st.sampled_from(ZONES), st.integers(1, 28), st.integers(0, 3 * YEAR)), max_size=5)


@settings(max_examples=200)
@given(CALENDARS, CHANGES, st.booleans())
def test_periods_tile_time_through_changes_of_the_calendar(
    calendar: Calendar,
    changes: list[tuple[str, int, int]],
    charged: bool,  # noqa: FBT001 - drawn, not passed
) -> None:
    """No gap and no overlap; none is longer than a month; periods with charges stay as they were."""
    for tz, day, later in changes:
        known = period_at(calendar, BEGAN + later)
        calendar = changed(calendar, tz, day, BEGAN, known.end if charged else 0)
        assert not charged or period_at(calendar, known.start) == known
    period = period_at(calendar, BEGAN)
    for _ in range(40):
        after = period_after(calendar, period)
        assert period.start < period.end == after.start
        assert period_at(calendar, period.start) == period == period_at(calendar, period.end - 1)
        month = month_at(calendar, period.start)
        assert month.start <= period.start
        assert month.end == period.end or calendar.before is not None
        period = after
    tz, day, *_ = calendar
    assert period.name == period_at(Calendar(tz, day), period.start).name, "in the end all are whole months again"


def test_a_change_that_does_not_hold_yet_is_replaced() -> None:
    """From the 1st to the 15th, then to the 10th before that held, then back."""
    at = instant(datetime(2026, 11, 20, tzinfo=UTC))
    plain = Calendar("UTC")
    end = period_at(plain, at).end
    fifteenth = changed(plain, "UTC", 15, at, end)
    assert [period_at(fifteenth, when).name for when in (at, end)] == ["2026-11", "2026-12-01"]
    assert period_at(fifteenth, end).end == instant(datetime(2026, 12, 15, tzinfo=UTC))
    tenth = changed(fifteenth, "UTC", 10, at, end)
    assert tenth == Calendar("UTC", 10, end, plain)
    assert changed(tenth, "UTC", 1, at, end) == plain


def test_an_account_without_charges_says_otherwise_from_the_start_but_for_what_is_past() -> None:
    """`past` begins a period: before it nothing changes, and a change that had not begun by then is gone."""
    past = instant(datetime(2026, 12, 1, tzinfo=UTC))
    plain = Calendar("UTC")
    later = Calendar("UTC", 15, past, plain)
    assert replaced(later, "Asia/Tokyo", 3, 0) == Calendar("Asia/Tokyo", 3)
    assert replaced(plain, "UTC", 1, past) == plain
    assert replaced(plain, "UTC", 15, past) == later
    assert replaced(plain, "Asia/Tokyo", 1, past) == Calendar("Asia/Tokyo", 1, past, plain)
    assert replaced(later, "UTC", 10, past) == Calendar("UTC", 10, past, plain)
    assert replaced(later, "UTC", 1, past) == plain
    assert replaced(later, "UTC", 15, past + 1) == later
    assert replaced(later, "UTC", 10, past + 1) == Calendar("UTC", 10, past + 1, later)


def test_a_change_is_replaced_only_while_it_does_not_hold() -> None:
    """At the instant from which it holds it stands, whether or not anything was charged since."""
    plain = Calendar("UTC")
    since = instant(datetime(2026, 12, 1, tzinfo=UTC))
    fifteenth = Calendar("UTC", 15, since, plain)
    assert changed(fifteenth, "UTC", 10, since - 1, since) == Calendar("UTC", 10, since, plain)
    standing = changed(fifteenth, "UTC", 10, since, since)
    assert (standing.before, standing.since) == (fifteenth, period_at(fifteenth, since).end)
    charged = changed(fifteenth, "UTC", 10, since - 1, since + 1)
    assert charged.before == fifteenth


@pytest.fixture(autouse=True)
def _cold() -> None:
    """Periods worked out by an earlier test are forgotten, so that each test works its own out."""
    _period_of_utc_day.cache_clear()
