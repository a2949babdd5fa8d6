"""The rows that the rater keeps, how they are keyed, and how they are written to the changelogs.

Every key of a row that belongs to an account begins with the account, so an index by account can be derived. Encoding
is deterministic compact JSON, and `decode(encode(row)) == row` to the last decimal place.

| table | key | row |
|---|---|---|
| `tariffs` | `tariffs`, or `plan` name@version | `Tariffs`, or a `Plan` |
| `accounts` | account | `Account` |
| `usage` | account, period | `Usage` |
| `calls` | account, source, call id | a `RememberedCall`, kept as its bytes: there are millions |
| `adjustments` | account, adjustment id | a `PostedAdjustment`: enough to know a manual adjustment again |

Identities (`calls`, `adjustments`) are forgotten with the period in which they were charged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import orjson

from rater.processor.tariff_rows import decode_tariff, encode_tariff, item_from, item_words, plan_from, plan_words
from rater.processor.usage_rows import decode_usage, encode_usage
from rater.rating.account import UNCHANGED, Account, PeriodRef, PlanName, PostedAdjustment, Subscription
from rater.rating.book import Item
from rater.rating.calendar import Calendar
from rater.rating.classes import Classes
from rater.rating.instant import NEVER, Instant
from rater.rating.names import AccountKey, PeriodName, PlanId, UsageKey
from rater.rating.rerating import Dated
from rater.rating.units import NO_CLASS, OTHER, UNKNOWN, AnsweredBy, Call, Direction, talk_seconds
from rater.seam.model import TableSpec

TARIFFS: Final = "tariffs"
ACCOUNTS: Final = "accounts"
USAGE: Final = "usage"
CALLS: Final = "calls"
ADJUSTMENTS: Final = "adjustments"

SEPARATOR = b"\x1f"
"""Between the parts of a key. All parts are printable ASCII (`rater.wire.fields`), so none contains it."""

ROW_FORMAT = 5
"""Raise it with every change of how rows are encoded: a worker refuses rows of a format that it cannot read.

A partition's head says the format from this version's first transaction there on, so an earlier version that comes back
during an upgrade refuses the partition, and cannot misread what stands there.
"""

READABLE_FORMATS: Final = frozenset({3, 4, 5})
"""Formats whose rows this version reads, each row as it comes; what it writes is its own.

In format 3 an account's manual adjustments stand in its own row. In formats up to 4 a usage counts two units.
"""

TARIFFS_KEY = b"tariffs"


def plan_key(plan_id: PlanId) -> bytes:
    """Where a published version of a plan is kept."""
    return b"plan\x1f" + plan_id.encode()


def usage_key(account: AccountKey, period: PeriodName) -> UsageKey:
    """Where an account's usage of a period is kept."""
    return UsageKey(account + SEPARATOR + period.encode())


def call_key(account: bytes, source: str, call_id: str) -> bytes:
    """Where a call's identity is kept."""
    return account + f"\x1f{source}\x1f{call_id}".encode()


def adjustment_key(account: bytes, adjustment_id: str) -> bytes:
    """Where a manual adjustment's identity is kept."""
    return account + SEPARATOR + adjustment_id.encode()


class RememberedCall(NamedTuple):
    """What is remembered of a call: enough to know it again, to take it back, and to rate it under another history.

    Its content is kept as it was parsed, not as a hash: it takes no more room, and less time.
    """

    period: PeriodName
    start: Instant
    answered: Instant | None
    ended: Instant
    direction: Direction
    disposition: str
    caller: str
    callee: str
    voided: bool = False
    call_class: str = OTHER
    """Decided when the call was rated, and never again."""
    answered_by: AnsweredBy = UNKNOWN
    labels: str = ""
    """A hash of its labels (`labels_hash`); empty where it has none."""

    def metered(self, classes: Classes) -> Call:
        """The call as the meters see it."""
        return metered_call(self.direction, self.answered, self.ended, classes.chain(self.call_class), self.answered_by)


def metered_call(
    direction: Direction,
    answered: Instant | None,
    ended: Instant,
    classes: tuple[str, ...],
    answered_by: AnsweredBy = UNKNOWN,
) -> Call:
    """A call as the meters see it."""
    talk = 0 if answered is None else talk_seconds(answered, ended)
    return Call(direction, answered is not None, talk, classes, answered_by)


def encode_call(call: RememberedCall) -> bytes:
    """The bytes that are kept, in memory too.

    Put together by hand: orjson's results are cut from buffers of a kilobyte, which costs much memory and time where
    each of millions is kept.
    """
    row = call_row(*call[:8], call_class=call.call_class, answered_by=call.answered_by, labels=call.labels)
    last = _last(call.call_class, call.answered_by, call.labels).encode()
    return row.removesuffix(b"false" + last) + b"true" + last if call.voided else row


def call_row(
    period: PeriodName,
    start: Instant,
    answered: Instant | None,
    ended: Instant,
    direction: str,
    disposition: str,
    caller: str,
    callee: str,
    *,
    call_class: str = OTHER,
    answered_by: AnsweredBy = UNKNOWN,
    labels: str = "",
) -> bytes:
    """The row of a call that was just rated: most are written and never read again."""
    known = "null" if answered is None else answered
    return (
        f'["{period}",{start},{known},{ended},"{direction}","{disposition}",{quoted(caller)},{quoted(callee)},'
        f"false{_last(call_class, answered_by, labels)}"
    ).encode()


def labels_hash(labels: Mapping[str, str] | None) -> str:
    """What is remembered of a call's labels: enough to know other ones."""
    if not labels:
        return ""
    return blake2b(orjson.dumps(labels, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


def _last(call_class: str, answered_by: AnsweredBy, labels: str) -> str:
    """The end of a row: the class, who answered, and the labels' hash, where they say something."""
    if labels or answered_by != UNKNOWN:
        return f',"{call_class}","{answered_by}"' + (f',"{labels}"]' if labels else "]")
    return "]" if call_class == OTHER else f',"{call_class}"]'


_is_plain = re.compile(r"[ !#-\[\]-~]*").fullmatch
"""Printable ASCII without quotes and backslashes."""


def quoted(text: str) -> str:
    """A JSON string; most need no escaping."""
    return f'"{text}"' if _is_plain(text) else orjson.dumps(text).decode()


def _call_group(key: bytes, row: bytes) -> bytes:
    return key[: key.index(SEPARATOR) + 1] + row[2 : row.index(b'"', 2)]


def _adjustment_group(key: bytes, row: PostedAdjustment) -> bytes:
    return usage_key(AccountKey(key[: key.index(SEPARATOR)]), row.period)


def _encode_adjustment(row: PostedAdjustment) -> bytes:
    return orjson.dumps(tuple(row))


def _decode_adjustment(value: bytes) -> PostedAdjustment:
    return PostedAdjustment(*orjson.loads(value))


def decode_call(row: bytes) -> RememberedCall:
    """The call of a row of `calls`."""
    return RememberedCall(*orjson.loads(row))


def _encode_account(account: Account) -> bytes:
    words: dict[str, Any] = {
        "calendar": _calendar_words(account.calendar),
        "history": [_subscription_words(subscription) for subscription in account.history],
        "periods": [known[:2] for known in account.periods],
        "next_fee": account.next_fee,
        "closed": [known[:2] if known.kept == NEVER else tuple(known) for known in account.closed],
        "next_look": account.next_look,
        "watched": account.watched,
    }
    if account.known_from != NEVER:
        words["known_from"] = account.known_from
    if account.setups:
        words["setups"] = sorted(account.setups)
    if account.reached:
        words["reached"] = account.reached
    if account.adjustments:
        words["adjustments"] = [tuple(adjusted) for adjusted in account.adjustments]
    return orjson.dumps(words)


def _decode_account(value: bytes) -> Account:
    words = orjson.loads(value)
    history = tuple(_subscription_from(said) for said in words["history"])
    return Account(
        _calendar_from(words["calendar"]),
        history,
        tuple(PeriodRef(*known) for known in words["periods"]),
        words["next_fee"],
        tuple(PeriodRef(*known) for known in words["closed"]),
        tuple(PostedAdjustment(*adjusted) for adjusted in words.get("adjustments", ())),
        words["next_look"],
        words["watched"],
        words.get("known_from", NEVER),
        frozenset(words.get("setups", ())),
        words.get("reached", 0),
    )


def _calendar_words(calendar: Calendar) -> tuple[Any, ...]:
    zone, day, since, before = calendar
    return (zone, day) if before is None else (zone, day, since, _calendar_words(before))


def _calendar_from(words: list[Any]) -> Calendar:
    zone, day, *earlier = words
    return Calendar(zone, day, earlier[0], _calendar_from(earlier[1])) if earlier else Calendar(zone, day)


def _subscription_words(said: Subscription) -> dict[str, Any]:
    words: dict[str, Any] = {"id": said.id, "fingerprint": said.fingerprint, "from": said.start}
    words["plan"] = None if said.plan is None else tuple(said.plan)
    if said.inline is not None:
        words["inline"] = plan_words(said.inline)
    for name in ("time_zone", "billing_day", "spend_cap", "guaranteed_connect_rate"):
        value = getattr(said, name)
        if value is not UNCHANGED:
            words[name] = f"{value:f}" if isinstance(value, Decimal) else value
    if said.items:
        words["items"] = [(name, item_words(one) if isinstance(one, Item) else one) for name, one in said.items]
    return words


def _subscription_from(words: dict[str, Any]) -> Subscription:
    def number(name: str) -> Any:
        value = words.get(name, UNCHANGED)
        return Decimal(value) if isinstance(value, str) else value

    return Subscription(
        id=words["id"],
        fingerprint=words["fingerprint"],
        plan=None if words["plan"] is None else PlanName(*words["plan"]),
        start=words["from"],
        inline=plan_from(words["inline"]) if "inline" in words else None,
        time_zone=words.get("time_zone", UNCHANGED),
        billing_day=words.get("billing_day", UNCHANGED),
        spend_cap=number("spend_cap"),
        guaranteed_connect_rate=number("guaranteed_connect_rate"),
        items=tuple((name, item_from(one) if isinstance(one, list) else one) for name, one in words.get("items", ())),
    )


def dated_call(row: bytes, classes: Classes) -> Dated | None:
    """A remembered call as it is rated again; None where it was voided. Late changes read many."""
    _, start, answered, ended, direction, _, _, _, voided, *more = orjson.loads(row)
    chain = classes.chain(more[0]) if more else NO_CLASS
    return None if voided else Dated(start, metered_call(direction, answered, ended, chain, *more[1:2]))


def _as_it_is(row: bytes) -> bytes:
    return row


TABLES: tuple[TableSpec, ...] = (
    TableSpec(TARIFFS, encode_tariff, decode_tariff),
    TableSpec(ACCOUNTS, _encode_account, _decode_account),
    TableSpec(USAGE, encode_usage, decode_usage),
    TableSpec(CALLS, _as_it_is, _as_it_is, group=_call_group),
    TableSpec(ADJUSTMENTS, _encode_adjustment, _decode_adjustment, group=_adjustment_group),
)
"""The rater's tables, with their codecs. Identities are grouped by account and period, as `usage_key` names them."""
