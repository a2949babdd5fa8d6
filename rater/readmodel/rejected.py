"""Rejected records as people work on them: one item a record, however often it was rejected.

Of an item the latest rejection holds, and the latest resolution; it is `left` to be done where these two do not belong
together.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, get_args

import orjson
from sqlalchemy import Connection, Row, and_, func, or_, select

from rater.readmodel import tables
from rater.readmodel.reason_texts import reason_text
from rater.readmodel.store import TopicMessage, upsert
from rater.readmodel.views import RejectedView
from rater.wire.fields import ACCOUNT_ID

RejectedState = Literal["left", "redriven", "dropped"]
STATES: tuple[RejectedState, ...] = get_args(RejectedState)
NOT_YET = "none"
"""The state of an item whose resolution came here before its rejection."""
PHONE = re.compile(r"(?<![\w/.:-])\+?[0-9]{7,15}(?![\w.:-])")
RECEIVED = 300
"""Characters that are shown of a rejected record."""
AT_ONCE = 400
"""Items that one query asks for."""

ItemCursor = tuple[int, str]
"""Time in ms of the latest rejection, and first place."""

_rejected = tables.rejected.c


# --- taking in


def take_rejected(connection: Connection, partition: int, messages: Sequence[TopicMessage]) -> None:
    """Records of the log that were rejected."""
    _take(connection, "rejected", partition, messages)


def take_rejected_cdrs(connection: Connection, partition: int, messages: Sequence[TopicMessage]) -> None:
    """Records of switches that no call was made of."""
    _take(connection, "rejected-cdrs", partition, messages)


def take_resolutions(connection: Connection, _: int, messages: Sequence[TopicMessage]) -> None:
    """What was done about rejected records."""
    bodies = [orjson.loads(message.value) for message in messages if message.value is not None]
    known = _items(connection, (body["first"] for body in bodies))
    for body in bodies:
        item = known[body["first"]]
        item["resolved"], item["resolution"] = body["rejection"], orjson.dumps(body).decode()
    _put(connection, known)


def _take(connection: Connection, role: str, partition: int, messages: Sequence[TopicMessage]) -> None:
    bodies = [(message, orjson.loads(message.value or b"null")) for message in messages]
    known = _items(connection, (_first(message) for message, _ in bodies))
    counts: dict[str, int] = {}
    for message, body in bodies:
        counts[body["reason"]] = counts.get(body["reason"], 0) + 1
        item = known[_first(message)]
        item["times"] += 1
        if message.timestamp >= item["at"]:
            item |= _latest(message, body) | {"rejection": f"{role}/{partition}/{message.offset}"}
    _put(connection, known)
    reasons = [{"reason": reason, "times": times} for reason, times in counts.items()]
    upsert(connection, tables.reasons, reasons, adding=("times",))


def _first(message: TopicMessage) -> str:
    """The place of the record's first rejection."""
    return (message.headers.get("rater-first") or message.headers.get("rater-from", b"")).decode(errors="replace")


def _latest(message: TopicMessage, body: Mapping[str, Any]) -> dict[str, Any]:
    place = message.headers.get("rater-from", b"").decode(errors="replace")
    account, source = _named(body, place)
    told = {"at": message.timestamp, "place": place, "reason": body["reason"], "detail": body["detail"]}
    return told | {"account": account, "source": source, "body": (message.value or b"").decode()}


def _named(body: Mapping[str, Any], place: str) -> tuple[str | None, str | None]:
    """The account and the source of a record, where they can be read."""
    words: Any = None
    if isinstance(body["value"], str):
        try:
            words = orjson.loads(b64decode(body["value"]))
        except ValueError:
            words = None
    said = words if isinstance(words, dict) else {}
    account, source = said.get("account"), said.get("source")
    topic = place.partition("/")[0]
    if "switch-" in topic:
        return None, topic[topic.index("switch-") + len("switch-") :][:64]
    account = account if isinstance(account, str) and re.fullmatch(ACCOUNT_ID, account) else None
    return account, source[:64] if isinstance(source, str) else None


def _items(connection: Connection, firsts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The rows of these items, those that are not there yet as they begin."""
    names = sorted(set(firsts))
    nothing = dict.fromkeys(("place", "rejection", "reason", "detail", "body"), "")
    empty: dict[str, Any] = {**nothing, "at": 0, "times": 0, "state": NOT_YET}
    empty |= dict.fromkeys(("account", "source", "resolved", "resolution"))
    known = {first: {"first": first, **empty} for first in names}
    for at in range(0, len(names), AT_ONCE):
        for row in connection.execute(select(tables.rejected).where(_rejected.first.in_(names[at : at + AT_ONCE]))):
            known[row.first] = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    return known


def _put(connection: Connection, items: Mapping[str, dict[str, Any]]) -> None:
    for item in items.values():
        item["state"] = _state(item)
    upsert(connection, tables.rejected, list(items.values()))


def _state(item: Mapping[str, Any]) -> str:
    if not item["rejection"]:
        return NOT_YET
    if item["resolved"] != item["rejection"]:
        return "left"
    action: str = orjson.loads(item["resolution"])["action"]
    return action


# --- asking


class Wanted(NamedTuple):
    """Which items: None is any. Times are in ms, of the latest rejection, `since` included and `until` not."""

    state: RejectedState | None = None
    reason: str | None = None
    account: str | None = None
    source: str | None = None
    since: int | None = None
    until: int | None = None


ANY = Wanted()


def rejected_items(
    connection: Connection, wanted: Wanted = ANY, before: ItemCursor | None = None, limit: int = 50
) -> list[tuple[ItemCursor, RejectedView]]:
    """Items behind their cursors, the one that was rejected last first, those behind the cursor `before`."""
    return [((row.at, row.first), _view(row)) for row in item_rows(connection, wanted, before, limit)]


def all_items(connection: Connection, wanted: Wanted = ANY) -> Iterator[RejectedView]:
    """All of them in the same order, a piece at a time."""
    before: ItemCursor | None = None
    while piece := rejected_items(connection, wanted, before, AT_ONCE):
        yield from (view for _, view in piece)
        before = piece[-1][0]


def item_rows(
    connection: Connection, wanted: Wanted, before: ItemCursor | None = None, limit: int | None = None
) -> Sequence[Row[Any]]:
    """The same as rows of the table `rejected`; all of them without a limit."""
    named = {"state": wanted.state, "reason": wanted.reason, "account": wanted.account, "source": wanted.source}
    query = select(tables.rejected).where(_rejected.state != NOT_YET)
    query = query.where(*(_rejected[name] == value for name, value in named.items() if value is not None))
    if wanted.since is not None:
        query = query.where(_rejected.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(_rejected.at < wanted.until)
    if before is not None:
        at, first = before
        query = query.where(or_(_rejected.at < at, and_(_rejected.at == at, _rejected.first < first)))
    return connection.execute(query.order_by(_rejected.at.desc(), _rejected.first.desc()).limit(limit)).all()


def item_named(connection: Connection, place: str) -> Row[Any] | None:
    """The item by the place of its first rejection, or of its latest one."""
    by = or_(_rejected.first == place, _rejected.place == place)
    rows = connection.execute(select(tables.rejected).where(by, _rejected.state != NOT_YET).limit(1))
    return rows.one_or_none()


def item_view(connection: Connection, place: str) -> RejectedView | None:
    """The item at a place."""
    row = item_named(connection, place)
    return None if row is None else _view(row)


def item_counts(connection: Connection) -> dict[RejectedState, int]:
    """How many items are in each state; together they are all that were ever rejected."""
    rows = connection.execute(select(_rejected.state, func.count()).group_by(_rejected.state))
    found: dict[Any, int] = {state: number for state, number in rows}  # noqa: C416 - rows are no tuples
    return {state: found.get(state, 0) for state in STATES}


def _view(row: Row[Any]) -> RejectedView:
    at = datetime.fromtimestamp(row.at / 1000, UTC).isoformat(timespec="milliseconds")
    done = {} if row.resolution is None else orjson.loads(row.resolution)
    text = reason_text(row.reason)
    return RejectedView(
        place=row.place,
        first=row.first,
        at=at,
        times=row.times,
        state=row.state,
        reason=row.reason,
        detail=row.detail,
        account=row.account,
        source=row.source,
        meaning=text.meaning,
        what_to_do=text.what_to_do,
        received=_received(orjson.loads(row.body).get("value")),
        resolved_at=done.get("at"),
        resolved_by=done.get("actor"),
        resolved_why=done.get("reason"),
        sent_to=done.get("to"),
    )


def _received(value: str | Mapping[str, Any] | None) -> str:
    if value is None:
        return ""
    data = b64decode(value if isinstance(value, str) else value["start"])[: RECEIVED * 2]
    text = "".join(sign if sign.isprintable() else "·" for sign in data.decode(errors="replace")).replace("\ufffd", "·")
    return PHONE.sub(lambda found: "*" * (len(found[0]) - 2) + found[0][-2:], text)[:RECEIVED]
