"""What an answer may cost: work is counted in calls of functions, not in seconds, so a busy machine changes nothing."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple, TypeVar

from hypothesis import HealthCheck, settings

T = TypeVar("T")

FUZZ = settings(
    max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


class Spent(NamedTuple):
    """What an answer cost: calls of functions, and the most bytes that were held at once."""

    calls: int
    memory: int


class TooMuchWorkError(AssertionError):
    """The answer takes more calls than it may; raised out of the work, so that nothing can hang."""


def work(answer: Callable[[], T], most: int) -> tuple[T, int]:
    """The answer, and how many functions were called for it; at more than `most` it is broken off."""
    calls = 0

    def count(_frame: FrameType, event: str, _arg: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}
        if calls > most:
            sys.setprofile(None)
            raise TooMuchWorkError(f"more than {most} calls")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        found = answer()
    finally:
        sys.setprofile(before)
    assert calls <= most  # also where what was raised has been caught on the way
    return found, calls


def memory(answer: Callable[[], T]) -> tuple[T, int]:
    """The answer, and the most bytes that were held for it at once."""
    tracemalloc.start()
    try:
        return answer(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bounded(answer: Callable[[], T], calls: int, held: int) -> T:
    """The answer, which takes at most so many calls and bytes."""
    found, _ = work(answer, calls)
    _, peak = memory(answer)
    assert peak <= held, f"{peak} bytes held, {held} are allowed"
    return found
