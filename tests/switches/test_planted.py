"""Mistakes planted in the conversion, each of which the tables of the formats must catch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rater.switches import asterisk, convert, freeswitch, timed
from rater.switches.times import TimeRead, TimeReader, microseconds
from tests.switches import test_formats as tables

Patch = pytest.MonkeyPatch


def seconds_before_microseconds(patch: Patch) -> None:
    """billsec's clock, which is off by up to a second."""

    def time(fields: Any, name: str, _: str) -> TimeRead | None:
        text = fields.get(f"{name}_epoch") or fields.get(f"{name}_uepoch", "")[:10]
        return TimeRead(at) if (at := microseconds(text or "0", 1_000_000, name)) else None

    patch.setattr(freeswitch, "_time", time)


def no_step_of_the_clock(patch: Patch) -> None:
    patch.setattr(timed, "CLOCK_STEP", 0)


def every_leg_is_the_callers(patch: Patch) -> None:
    patch.setattr(freeswitch, "_leg", lambda _: "originating")


def ids_are_unique(patch: Patch) -> None:
    patch.setattr(asterisk, "_identity", lambda fields, _: fields.get("uniqueid", "") or fields["channel"])


def the_later_offset(patch: Patch) -> None:
    usual = TimeReader.read

    def read(self: TimeReader, text: str, name: str) -> TimeRead | None:
        found = usual(self, text, name)
        return found if found is None or found.twice is None else found._replace(at=found.twice)

    patch.setattr(TimeReader, "read", read)


def talk_time_says_answered(patch: Patch) -> None:
    usual = asterisk._call

    def call(fields: Any, profile: Any) -> Any:
        made = usual(fields, profile)
        return replace(made, disposition="answered", answered=made.ended) if fields["billsec"] != "0" else made

    patch.setattr(asterisk, "_call", call)


def any_source(patch: Patch) -> None:
    usual = convert._canonical
    patch.setattr(convert, "_canonical", lambda profile, data: usual(profile, data.replace(b'"own-2"', b'"own-1"')))


def columns_by_the_longest(patch: Patch) -> None:
    patch.setattr(asterisk, "LAYOUTS", {n: asterisk.LAYOUTS[21][:n] for n in asterisk.LAYOUTS})


CAUGHT_BY: list[tuple[Callable[[Patch], None], Callable[[], None]]] = [
    (seconds_before_microseconds, tables.test_times_are_those_in_microseconds),
    (no_step_of_the_clock, lambda: tables.test_times(*times("08:00:01", "08:00:01", "08:00:00"))),
    (every_leg_is_the_callers, lambda: tables.test_which_leg_is_billed("with-account", "called", "", "other-leg")),
    (ids_are_unique, lambda: tables.test_identity_by_what_cdr_conf_writes(',"17.1"', "17.1/SIP/100-1/20261102080000")),
    (
        the_later_offset,
        lambda: tables.test_a_change_of_clocks("2026-11-01 01:30:00", "2026-11-01 01:40:00", "05:30:00", "05:40:00"),
    ),
    (talk_time_says_answered, tables.test_not_answered_has_no_answer_whatever_its_talk_time),
    (any_source, tables.test_a_switch_says_its_own_calls_only),
    (columns_by_the_longest, lambda: tables.test_identity_by_what_cdr_conf_writes(',"17.1","peer","16.9",4', "17.1/4")),
]


def times(*said: str) -> tuple[str, str, str, tuple[str, str, str]]:
    """A row of the table of times in which the clock was set back."""
    start, answer, end = (f"2026-11-02 {time}" for time in said)
    return start, answer, end, ("00:00:01", "00:00:01", "00:00:01")


@pytest.mark.parametrize(("mistake", "table"), CAUGHT_BY, ids=[mistake.__name__ for mistake, _ in CAUGHT_BY])
def test_a_planted_mistake_is_caught(
    mistake: Callable[[Patch], None], table: Callable[[], None], monkeypatch: Patch
) -> None:
    """And without it the table holds."""
    table()
    mistake(monkeypatch)
    with pytest.raises(AssertionError):
        table()
