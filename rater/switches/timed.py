"""Start, answer and end of a call put together from what a record says of them."""

from __future__ import annotations

from typing import NamedTuple

from rater.rating.instant import Instant
from rater.switches.raw import Unreadable
from rater.switches.times import TimeRead

CLOCK_STEP = 2_000_000
"""Microseconds that a switch's clock may be set back within a call, which then ends, or is answered, at its start."""


class Times(NamedTuple):
    """When a call started, was answered and ended."""

    started: Instant
    answered: Instant | None
    ended: Instant
    ambiguous: bool


def together(
    start: TimeRead | None,
    answer: TimeRead | None,
    end: TimeRead | None,
    *,
    duration: int | None = None,
    talk: int | None = None,
    answered: bool,
) -> Times:
    """The times of a call; `duration` from its start and `talk` from its answer in microseconds, where they are said.

    What is missing is made of what is there: the end of start and duration, the answer of end and talk time. A call
    that was not answered has no answer, whatever the record says. Raises `Unreadable`.
    """
    if start is None:
        raise Unreadable("wrong-shape", "the record has no start")
    ended = _end(start, end, duration)
    ambiguous = start.ambiguous or (end is not None and end.ambiguous)
    if not answered:
        return Times(start.at, None, ended, ambiguous)
    if answer is not None:
        at = _later(answer, start.at)
    elif talk is not None:
        at = ended - talk
    else:
        raise Unreadable("answered-without-time", "an answered call without a time of its answer or a talk time")
    return Times(start.at, _between(at, start.at, ended), ended, ambiguous)


def _end(start: TimeRead, end: TimeRead | None, duration: int | None) -> Instant:
    if end is None:
        if duration is None:
            raise Unreadable("no-end", "the record has neither an end nor a duration")
        return start.at + duration
    ended = _later(end, start.at)
    return start.at if start.at - CLOCK_STEP < ended < start.at else ended


def _later(time: TimeRead, start: Instant) -> Instant:
    """A local time that exists twice is the first one, but where that lies before the start of the call."""
    return time.twice if time.twice is not None and time.at < start else time.at


def _between(at: Instant, started: Instant, ended: Instant) -> Instant:
    """The answer within the call, where a step of the clock has put it outside; else as it is."""
    if started - CLOCK_STEP < at < started:
        return started
    return ended if ended < at < ended + CLOCK_STEP else at
