"""What a rejection says, word by word: it is read by the person who mends it, and an audit compares its bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rater.processor.step import make_step
from tests.support.logs import START, Event, Log, bodies, book, call, published, shipped, subscribed, tick

FLAT: Event = {"minutes": {"rate": "0.10"}}
PLANS: Event = {"p": FLAT, "dear": {"minutes": {"rate": "9"}}, "d": {"fee": "10", "proration": "daily", **FLAT}}
BOOK = book(PLANS)
OPEN = book(PLANS, default_plan="p")
EARLY, LATE = "2026-10-15T00:00:00+08:00", "2026-11-20T00:00:00+08:00"
CLOSING, FORGETTING = tick("2026-12-12T00:00:00+08:00"), tick("2027-01-14T00:00:00+08:00")
VOID: Event = {"type": "call-voided/1", "account": "A", "source": "pbx-1", "call_id": "c-1", "reason": "test call"}
CREDIT: Event = {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a", "amount": "-1", "reason": "outage"}

CASES: list[tuple[str, str, Event | None, list[Event]]] = [
    ("no-tariff-book", "no tariff book is published yet", None, [call("A", 1)]),
    ("no-tariff-book", "no tariff book is published yet", None, [subscribed("A", "p")]),
    ("no-tariff-book", "no tariff book is published yet", None, [CREDIT]),
    (
        "unknown-account",
        "no subscription is in force at the call's start, and no default plan",
        BOOK,
        [call("A", 1)],
    ),
    (
        "account-ended",
        "the account's subscription has ended at the call's start",
        BOOK,
        [subscribed("A", "p", EARLY), subscribed("A", None, subscription_id="x"), call("A", 1)],
    ),
    (
        "conflict",
        "a call with this source and call_id but other content was charged before",
        OPEN,
        [call("A", 1), call("A", 1, 61)],
    ),
    (
        "conflict",
        "a subscription with this subscription_id but other content was applied before",
        BOOK,
        [subscribed("A", "p"), subscribed("A", "p", LATE)],
    ),
    (
        "conflict",
        "an adjustment with this adjustment_id but other content was applied before",
        OPEN,
        [call("A", 1), CREDIT, {**CREDIT, "amount": "-2"}],
    ),
    ("unknown-call", "no call with this source and call_id was rated", OPEN, [VOID]),
    (
        "closed-period",
        "the call was charged in 2026-11, which is closed",
        OPEN,
        [call("A", 1), CLOSING, VOID],
    ),
    (
        "closed-period",
        "from: it lies in a period that is closed",
        BOOK,
        [subscribed("A", "p"), CLOSING, subscribed("A", "d", EARLY, subscription_id="x")],
    ),
    ("unknown-account", "the account has no subscription and no calls", OPEN, [CREDIT]),
    ("wrong-shape", "amount: more than 2 decimal places", OPEN, [call("A", 1), {**CREDIT, "amount": "-0.001"}]),
    (
        "unknown-plan",
        "plan: the tariff book has no plan of this name in effect from then on",
        BOOK,
        [subscribed("A", "gold")],
    ),
    ("late", "the call's period 2026-11 is closed", {**OPEN, "late": "reject"}, [call("A", 1), CLOSING, call("A", 2)]),
    (
        "too-old",
        "the call's period 2026-11 is forgotten: nobody could tell it from a repeat",
        {**BOOK, "close_after": "1d", "remember": "31d"},
        [subscribed("A", "p"), call("A", 1), FORGETTING, call("A", 2)],
    ),
    (
        "too-old",
        "the account is not known, and calls of this time are forgotten",
        {**OPEN, "close_after": "1d", "remember": "31d"},
        [FORGETTING, call("A", 1)],
    ),
    (
        "too-old",
        "nothing is kept of the account from that time: the call could be a repeat",
        {**OPEN, "close_after": "1d", "remember": "31d"},
        [FORGETTING, subscribed("A", "p", "2027-01-10T00:00:00+08:00"), call("A", 1)],
    ),
    (
        "late-no-plan",
        "2026-11 is closed, and 2026-12, the oldest open period, has no plan",
        BOOK,
        [
            subscribed("A", "p"),
            subscribed("A", None, "2026-12-01T00:00:00+08:00", subscription_id="x"),
            call("A", 1),
            CLOSING,
            call("A", 2),
        ],
    ),
    (
        "tick-ahead",
        "the tick is more than 5 minutes ahead of its record's timestamp",
        BOOK,
        [tick("2027-01-15T08:05:00.001Z")],
    ),
    (
        "stale-book",
        "version 1 is not higher than 1, the last one published",
        BOOK,
        [published({**BOOK, "late": "reject"})],
    ),
    (
        "currency-changed",
        "CNY with 2 decimal places can not become JPY with 0 decimal places",
        BOOK,
        [published({**BOOK, "version": 2, "currency": "JPY"})],
    ),
]
"""(reason, the sentence, the log's book, events of which the last is rejected)."""


@pytest.mark.parametrize(
    ("reason", "detail", "words", "events"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)]
)
def test_the_last_event_is_rejected_in_these_words(
    reason: str, detail: str, words: Event | None, events: list[Event]
) -> None:
    """One rejection, with its reason and its sentence."""
    log = Log(words=words, publish=words is not None)
    log.add(*events)
    assert [(body["reason"], body["detail"]) for body in bodies(log.outputs, "rejected")] == [(reason, detail)]


def test_times_that_are_a_mistake() -> None:
    """Bare events have no timestamps; what they would bring due all at once is bounded."""
    bare = Log(make_step(check_timestamps=False), words=BOOK)
    bare.add(subscribed("A", "d", EARLY), call("A", 1, start=datetime(2999, 1, 1, tzinfo=UTC)))
    [body] = bodies(bare.outputs, "rejected")
    assert (body["reason"], body["detail"]) == (
        "too-far",
        "the fees of more than 1200 periods would fall due at once",
    )


def test_a_call_may_end_five_minutes_after_its_records_time_and_no_more() -> None:
    """To the millisecond."""
    ended = START + timedelta(seconds=65)
    edge = int(ended.timestamp() * 1000) - 300_000
    log = Log(words=OPEN)
    assert len(log.add(call("A", 1), timestamp=edge)) == 1
    assert log.add(call("A", 2), timestamp=edge - 1) == []
    [body] = bodies(log.outputs, "rejected")
    assert body["detail"] == "the call ends more than 5 minutes after its record's timestamp"


def test_a_tick_may_be_five_minutes_ahead_and_no_more() -> None:
    """At exactly five minutes it is taken."""
    log = Log(words=BOOK)
    log.add(tick("2027-01-15T08:05:00Z"))
    assert log.rejected == []


def test_a_repeated_book_says_nothing() -> None:
    """It is a duplicate: no rejection, no text."""
    log = Log(words=shipped())
    log.add(published(shipped()))
    assert (log.outcomes, log.rejected) == ({"applied": 1, "duplicate": 1}, [])
