"""From a call to units (rating.md, "From a call to units")."""

from __future__ import annotations

from rater.rating.book import Increment
from rater.rating.instant import Instant


def talk_seconds(answered: Instant, ended: Instant) -> int:
    """Whole seconds between two instants (microseconds), half a second up."""
    return (ended - answered + 500_000) // 1_000_000


def billed_seconds(talk: int, increment: Increment) -> int:
    """Talk time in seconds, raised to the minimum and then to the increment's steps; 0 s stay 0 s.

    60/60 are started minutes; 30/6 is the first 30 s whole, then steps of 6 s.
    """
    if talk <= 0:
        return 0
    due = max(talk, increment.minimum)
    beyond = due - increment.first
    if beyond <= 0:
        return increment.first
    return increment.first - (-beyond // increment.step) * increment.step
