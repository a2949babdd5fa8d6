"""A period rated again: what is taken from kept sums is what its calls, each looked at, come to."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from rater.rating.book import Band, Plan, Price
from rater.rating.names import PeriodName, PlanId
from rater.rating.rerating import Dated, _counted, _kept
from rater.rating.units import Call, Counts, Increment
from rater.rating.usage import Segment, Usage
from tests.support.plans import a_meter, a_plan, counts

END = 100
RATE = Price("flat", (Band(0, Decimal("0.20")),))
OUTBOUND = a_meter(0, RATE, frozenset({"outbound"}))
PLANS = {
    name: a_plan(name, Decimal(0), "none", minutes, calls)
    for name, minutes, calls in (
        ("minutes@1", a_meter(0, RATE), None),
        ("dear@1", a_meter(9, Price("flat", (Band(0, Decimal(7)),))), None),
        ("seconds@1", a_meter(0, RATE, None, Increment(1, 1)), None),
        ("outbound@1", OUTBOUND, a_meter(0, RATE)),
        ("both@1", a_meter(0, RATE), a_meter(0, RATE)),
        ("calls@1", None, a_meter(0, RATE)),
        ("calls-out@1", None, OUTBOUND),
    )
}
SIMPLE = ("minutes@1", "dear@1", "both@1")


def segments(cuts: list[int], names: list[str], until: int) -> tuple[Segment, ...]:
    starts = sorted(cuts)
    last = until if until > starts[-1] else 0
    ends = [0] * (len(starts) - 1) + [last]
    return tuple(
        Segment(start, PlanId(name), inline=False, until=end)
        for start, name, end in zip(starts, names, ends, strict=False)
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[Segment, ...]:
    cuts = draw(st.lists(st.sampled_from([0, 0, 20, 40, 60]), min_size=1, max_size=3, unique=True))
    names = draw(st.lists(st.sampled_from([*PLANS, *SIMPLE, *SIMPLE]), min_size=3, max_size=3))
    return segments(cuts, names, draw(st.sampled_from([0, 0, 0, 80, 90])))


CALLS = st.lists(
    st.builds(
        Dated,
        st.integers(-9, END - 1) | st.sampled_from([0, 20, 40, 60, 80, 90]),
        st.builds(Call, st.sampled_from(["inbound", "outbound"]), st.booleans(), st.integers(0, 200)),
    ),
    max_size=12,
)


def plans(found: tuple[Segment, ...]) -> list[Plan]:
    return [PLANS[segment.plan_id] for segment in found]


def under_a_plan(call: Dated, old: tuple[Segment, ...]) -> bool:
    """Only a call that a plan was in force for has been charged; a late one counts in the first segment."""
    at = call.start if call.start >= 0 else old[0].start
    return old[0].start <= at and not (old[-1].until and at >= old[-1].until)


def kept(old: tuple[Segment, ...], new: tuple[Segment, ...], calls: list[Dated]) -> list[Counts] | None:
    sums, _ = _counted(0, old, plans(old), calls)
    was = tuple(segment._replace(counts=counts) for segment, counts in zip(old, sums, strict=True))
    return _kept(Usage(PeriodName("2026-11"), 0, END, was), plans(old), new, plans(new))


@settings(max_examples=600, deadline=None)
@given(histories(), histories(), CALLS)
def test_what_was_kept_is_what_the_calls_come_to(
    old: tuple[Segment, ...], new: tuple[Segment, ...], said: list[Dated]
) -> None:
    """For any two histories of a month and any calls, wherever the sums are taken at all."""
    calls = [call for call in said if under_a_plan(call, old)]
    found = kept(old, new, calls)
    event(f"taken: {found is not None}")
    assert found is None or found == _counted(0, new, plans(new), calls)[0]


ONE = Dated(25, Call("outbound", connected=True, talk=61))
LATE = Dated(-3, Call("inbound", connected=True, talk=5))


@pytest.mark.parametrize(
    ("old", "new", "sums"),
    [
        (("minutes@1",), ("dear@1",), [counts(180, 0)]),
        (("both@1",), ("minutes@1",), [counts(180, 0)]),
        (("both@1",), ("calls@1",), [counts(0, 2)]),
        (("minutes@1", "dear@1"), ("dear@1", "minutes@1"), [counts(60, 0), counts(120, 0)]),
        (("minutes@1", "dear@1"), ("minutes@1",), [counts(180, 0)]),
        (("minutes@1",), ("dear@1", "minutes@1"), None),
        (("minutes@1",), ("both@1",), None),
        (("minutes@1",), ("seconds@1",), None),
        (("both@1",), ("outbound@1",), None),
        (("both@1",), ("calls-out@1",), None),
    ],
)
def test_sums_are_taken_where_the_calls_count_alike(
    old: tuple[str, ...], new: tuple[str, ...], sums: list[Counts] | None
) -> None:
    """A late call of 5 s and one of 61 s on the 25th instant, segments from 0 and 20: no call is read without need."""
    before, after = (segments([0, 20][: len(names)], list(names), 0) for names in (old, new))
    assert kept(before, after, [LATE, ONE]) == sums


def test_a_plan_that_ends_counts_up_to_its_end() -> None:
    """The very instant of the end is no longer its own; sums are kept up to the same end."""
    ending = segments([0], ["minutes@1"], 26)
    at_the_end = ONE._replace(start=26)
    assert _counted(0, ending, plans(ending), [ONE, at_the_end]) == ([counts(120, 0)], 2)
    assert kept(ending, segments([0], ["dear@1"], 26), [ONE]) == [counts(120, 0)]
    assert kept(ending, segments([0], ["dear@1"], 0), [ONE]) is None
    assert kept(segments([20], ["minutes@1"], 0), segments([0], ["minutes@1"], 0), [ONE]) is None
