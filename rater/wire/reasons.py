"""Why a record is rejected: one word each, for the whole product, with what it means and what to do.

The words stand in the topic `rejected`, in the counts of outcomes and in the manual; none is ever renamed.
"""

from __future__ import annotations

import sys
from typing import Final, Literal, NamedTuple, get_args

Reason = Literal[
    "not-json",
    "unknown-type",
    "wrong-shape",
    "naive-time",
    "answered-without-time",
    "time-without-answer",
    "times-out-of-order",
    "too-long-call",
    "record-too-large",
    "key-mismatch",
    "ends-in-future",
    "tick-ahead",
    "no-tariff-book",
    "stale-book",
    "plan-changed",
    "currency-changed",
    "class-changed",
    "reach-back-units",
    "unknown-account",
    "unknown-plan",
    "unknown-class",
    "unknown-item",
    "account-ended",
    "conflict",
    "unknown-call",
    "closed-period",
    "late",
    "late-no-plan",
    "too-old",
    "too-far",
    "too-large",
    "too-many-changes",
    "too-many-calls",
    "ambiguous-period",
    "no-account",
    "no-direction",
    "no-end",
    "wrong-source",
    "internal-error",
]
"""A reason, as it is written."""

REASON_WORDS: Final = frozenset(get_args(Reason))


class ReasonText(NamedTuple):
    """A reason for people."""

    meaning: str
    what_to_do: str


MEND = "mend the producer, then send the event again"

REASONS: Final[dict[Reason, ReasonText]] = {
    "not-json": ReasonText("the value is missing or is not JSON in UTF-8", MEND),
    "unknown-type": ReasonText(
        "the event has no type, or one that this rater does not know", MEND + ", or upgrade the rater"
    ),
    "wrong-shape": ReasonText("a field is missing, unknown, given twice, or has a wrong value", MEND),
    "naive-time": ReasonText("a time has no offset from UTC", MEND + " with an offset, 2026-11-01T08:00:00+08:00"),
    "answered-without-time": ReasonText("an answered call has no answered_at", MEND),
    "time-without-answer": ReasonText("a call that was not answered has an answered_at", MEND),
    "times-out-of-order": ReasonText(
        "a call ends before it is answered, or is answered before it starts",
        "check the switch's clock, then send a correct event",
    ),
    "too-long-call": ReasonText(
        "a call of more than 24 hours, most likely a hang-up that was never seen",
        "find the true end, then send a correct event",
    ),
    "record-too-large": ReasonText("the record is larger than the rater reads", MEND),
    "key-mismatch": ReasonText(
        "the record's key is not the account that its value names", MEND + " with the account as the key"
    ),
    "ends-in-future": ReasonText(
        "the call ends more than 5 minutes after the broker received it",
        "check the switch's clock, then send a correct event",
    ),
    "tick-ahead": ReasonText(
        "a tick lies more than 5 minutes ahead of the broker's clock",
        "check the clocks of workers and brokers; on purpose: rater tick --at",
    ),
    "no-tariff-book": ReasonText(
        "no tariff book was published before this record", "rater tariffs publish FILE, then rater rejected redrive"
    ),
    "stale-book": ReasonText(
        "the tariff book's version is not higher than the last one's", "give the book the next version, then publish it"
    ),
    "plan-changed": ReasonText(
        "a published plan was changed without an effective instant",
        "date the change with effective, then publish the book",
    ),
    "reach-back-units": ReasonText(
        "a version of a plan reaches back and counts calls otherwise than the one that it replaces",
        "keep meters, increments, directions, classes and proration; what counts otherwise begins later",
    ),
    "currency-changed": ReasonText(
        "currency or precision differ from the first book's", "keep them; another currency needs another rater"
    ),
    "class-changed": ReasonText(
        "a class of calls of an earlier book is missing, or lies within another class",
        "keep every class and its within; what calls it has may change",
    ),
    "unknown-account": ReasonText(
        "the account has no subscription, and the book names no default plan",
        "rater subscribe, then rater rejected redrive",
    ),
    "unknown-plan": ReasonText(
        "the tariff book has no plan of this id in effect",
        "publish a book with the plan, then rater rejected redrive; or subscribe to one that exists",
    ),
    "unknown-class": ReasonText(
        "the plan names a class of calls that the tariff book does not have",
        "publish a book with the class, or name one that exists",
    ),
    "unknown-item": ReasonText(
        "a quantity is given of an item that the plan does not have",
        "write an item of the plan, or price and quantity for an item of the account's own",
    ),
    "account-ended": ReasonText(
        "the account's subscription ended before the call started",
        "subscribe the account again if it should be served, then rater rejected redrive",
    ),
    "conflict": ReasonText(
        "an event of the same identity but other content was applied before",
        "the first one stands; a correction of a call is a void and a new call with a new id",
    ),
    "unknown-call": ReasonText("the call to void was never rated", "rater rejected redrive, once the call has arrived"),
    "closed-period": ReasonText(
        "the event changes a period that is closed", "post the difference with account-adjusted"
    ),
    "late": ReasonText(
        "the call's period is closed, and the book says late: reject", "post the amount with account-adjusted"
    ),
    "late-no-plan": ReasonText(
        "the call is late, and no open period of the account has a plan",
        "subscribe the account, then rater rejected redrive",
    ),
    "too-old": ReasonText(
        "the call is older than identities are remembered: it could be a repeat",
        "make sure it was never charged, then post the amount with account-adjusted",
    ),
    "too-far": ReasonText(
        "the event is dated so far ahead that more would fall due at once than one record may bring",
        "check its date; send a correct event",
    ),
    "too-large": ReasonText(
        "what the event does is larger than one record may cause", "report it; split the event if it can be split"
    ),
    "too-many-changes": ReasonText(
        "the account has as many subscriptions as the rater keeps, in that period or in all",
        "say it from a later period on, or put several changes into one",
    ),
    "too-many-calls": ReasonText(
        "the subscription is late, and a period that it touches has more calls than can be rated again at once",
        "say it from the end of that period on, and post the difference with account-adjusted",
    ),
    "ambiguous-period": ReasonText(
        "a new time zone or billing day would give two periods of the account the same name",
        "say it again from the next period on",
    ),
    "no-account": ReasonText(
        "a switch's record from which the profile finds no account",
        "add a rule to account in the profile, then rater rejected redrive",
    ),
    "no-direction": ReasonText(
        "a switch's record whose direction the profile does not say",
        'add the value, or "*", to direction in the profile, then rater rejected redrive',
    ),
    "no-end": ReasonText(
        "a switch's record that tells neither when the call ended nor how long it was",
        "let the switch account whole calls; its settings are in docs/switches.md",
    ),
    "wrong-source": ReasonText(
        "a call of another source than the switch that sent it", "let each switch write to the topic of its own name"
    ),
    "internal-error": ReasonText(
        "a fault in the rater; nothing was charged",
        "report it with the event; rater rejected redrive after the upgrade",
    ),
}
"""Each reason, in the order in which they are looked for."""


def as_markdown() -> str:
    """All reasons as a page of the documentation; `make schemas` writes it."""
    rows = "".join(f"| `{reason}` | {text.meaning} | {text.what_to_do} |\n" for reason, text in REASONS.items())
    return (
        "# Reasons for rejecting\n\n"
        "A rejected record did nothing; it stands in `rejected` with its place, a detail and its bytes.\n"
        "The reasons, in the order in which they are looked for:\n\n"
        f"| reason | what it means | what to do |\n|---|---|---|\n{rows}"
    )


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
