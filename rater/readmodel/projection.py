"""Messages into rows, exactly once: the reference for every consumer of `charges`.

Two things make a consumer idempotent, and both are in `project`: the position of what was taken in is written in the
same SQL transaction as what came of it (so a crash repeats nothing and loses nothing), and each account's period counts
its charges 1, 2, 3, so one that was seen is passed over, and one that is missing stops us.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select, tuple_, update

from rater.kafka.failstop import Refused
from rater.rating.instant import instant
from rater.readmodel import tables
from rater.readmodel.numbers import take_numbers
from rater.readmodel.rejected import take_rejected, take_rejected_cdrs, take_resolutions
from rater.readmodel.store import Money, TopicMessage, add_new, get_money, put_facts, upsert
from rater.seam.errors import RaterError

KEYS_AT_ONCE = 400
"""Rows that one query asks for by their keys."""


Projector = Callable[[Connection, int, Sequence[TopicMessage]], None]
"""Puts a partition's messages into rows."""


class Overtaken(RaterError):  # noqa: N818 - nothing is wrong
    """Another process has taken these records in: read the position again."""


def position(connection: Connection, topic: str, partition: int) -> int | None:
    """The offset of the first record that was not taken in; None if none was."""
    at = tables.positions.c
    found = select(at.next_offset).where(at.topic == topic, at.partition == partition)
    return connection.execute(found).scalar_one_or_none()


def project(
    connection: Connection, topic: str, partition: int, messages: Sequence[TopicMessage], since: int | None, until: int
) -> None:
    """Take records in: those from `since` (what `position` said) up to offset `until`. Call it in a transaction.

    Raises `Overtaken` where the position is another by now, and `Refused` where a charge is missing.
    """
    _move(connection, topic, partition, since, until)
    TAKES[topic](connection, partition, messages)


def _move(connection: Connection, topic: str, partition: int, since: int | None, until: int) -> None:
    row = {"topic": topic, "partition": partition, "next_offset": until}
    if since is None:
        if position(connection, topic, partition) is not None:
            raise Overtaken
        connection.execute(insert(tables.positions).values(row))
        return
    at = tables.positions.c
    moved = update(tables.positions).where(at.topic == topic, at.partition == partition, at.next_offset == since)
    if connection.execute(moved.values(next_offset=until)).rowcount != 1:
        raise Overtaken


# --- charges


def _take_charges(connection: Connection, _: int, messages: Sequence[TopicMessage]) -> None:
    bodies = [(message, orjson.loads(message.value or b"null")) for message in messages]
    charges = [(message, body) for message, body in bodies if body["type"] == "charge/1"]
    closed = [(message, body) for message, body in bodies if body["type"] == "period-closed/1"]
    if len(charges) + len(closed) != len(bodies):
        raise Refused("`charges` has messages of a newer rater; update this one")
    if not bodies:
        return
    money = get_money(connection) or _first_money(connection, bodies[0][1])
    known = _periods(connection, {(body["account"], body["period"]) for _, body in bodies})
    before = {key: row["total"] for key, row in known.items() if row["seq"]}
    rows: list[dict[str, Any]] = []
    flow: dict[int, dict[str, int]] = {}
    for message, body in charges:
        row = _charge(money, body)
        if not _add(known, row, body, money, message.timestamp):
            continue
        rows.append(row | {"body": message.value.decode() if message.value else ""})
        minute = message.timestamp // 60_000
        one = flow.setdefault(minute, {"minute": minute, "amount": 0, "charges": 0})
        one["amount"] += row["amount"]
        one["charges"] += 1
    for message, body in closed:
        known[body["account"], body["period"]] |= {"closed": True, "closed_at": message.timestamp}
    if rows:
        connection.execute(insert(tables.charges), rows)
    upsert(connection, tables.periods, list(known.values()))
    upsert(connection, tables.flow, list(flow.values()), adding=("amount", "charges"))
    _sum_up(connection, known, before)


def _sum_up(connection: Connection, known: KnownPeriods, before: Mapping[tuple[str, str], int]) -> None:
    """What the periods' totals have grown by, and which accounts are new: the first page must not add up all rows."""
    sums: dict[str, dict[str, Any]] = {}
    for key, row in known.items():
        one = sums.setdefault(row["period"], {"period": row["period"], "total": 0, "accounts": 0})
        one["total"] += row["total"] - before.get(key, 0)
        one["accounts"] += key not in before
    upsert(connection, tables.sums, list(sums.values()), adding=("total", "accounts"))
    add_new(connection, tables.accounts, [{"account": account} for account in sorted({a for a, _ in known})])


def _first_money(connection: Connection, body: Mapping[str, Any]) -> Money:
    amount = body["amount"] if "amount" in body else body["total"]
    money = Money(body["currency"], len(amount.partition(".")[2]))
    put_facts(connection, {"currency": money.currency, "precision": str(money.precision)})
    return money


KnownPeriods = dict[tuple[str, str], dict[str, Any]]


def _periods(connection: Connection, keys: set[tuple[str, str]]) -> KnownPeriods:
    """The rows of these periods, those that are not there yet as they begin."""
    at = tables.periods.c
    known: KnownPeriods = {key: _begun(*key) for key in keys}
    for some in _slices(sorted(keys)):
        for row in connection.execute(select(tables.periods).where(tuple_(at.account, at.period).in_(some))):
            known[row.account, row.period] = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    return known


def _begun(account: str, period: str) -> dict[str, Any]:
    counts = dict.fromkeys(("seq", "total", "summed", "fees", "manual", "attempts", "connected", "calls", "talk"), 0)
    rest: dict[str, Any] = {"plan": None, "allowance_left": {}, "closed": False, "closed_at": None, "touched": 0}
    return {"account": account, "period": period, **counts, **rest}


def _charge(money: Money, body: Mapping[str, Any]) -> dict[str, Any]:
    call = body.get("call") or {}
    return {
        "account": body["account"],
        "period": body["period"],
        "seq": body["seq"],
        "kind": body["kind"],
        "amount": money.units(body["amount"]),
        "at": _instant(call["started_at"]) if call else None,
        "call_id": call.get("call_id"),
        "direction": call.get("direction"),
        "connected": call.get("connected"),
        "talk": call.get("talk_seconds"),
        "call_class": call.get("class"),
        "answered_by": call.get("answered_by"),
        "not_connected": call.get("not_connected"),
        "labels": orjson.dumps(call["labels"]).decode() if "labels" in call else None,
        "late": bool(body.get("late")),
    }


def _add(known: KnownPeriods, row: Mapping[str, Any], body: Mapping[str, Any], money: Money, timestamp: int) -> bool:
    """Add a charge to its period; False where it was added before. Raises `Refused` where one before it is missing."""
    period = known[row["account"], row["period"]]
    if row["seq"] <= period["seq"]:
        return False
    period["summed"] += row["amount"]
    total = money.units(body["period_total"])
    if row["seq"] != period["seq"] + 1 or total != period["summed"]:
        after = f"after {body['account']}:{body['period']}:{period['seq']}"
        raise Refused(f"`charges` has {body['charge_id']} {after}, or its total does not add up; run: rater audit")
    period["seq"], period["total"], period["touched"] = row["seq"], total, max(period["touched"], timestamp)
    period["plan"] = body.get("plan") or period["plan"]
    period["allowance_left"] = body["allowance_left"]
    if row["kind"] in {"fee", "minimum"}:
        period["fees"] += row["amount"]
    if "adjustment_id" in body or row["kind"] == "credit":
        period["manual"] += row["amount"]
    _count(period, row)
    return True


def _count(period: dict[str, Any], row: Mapping[str, Any]) -> None:
    sign = {"usage": 1, "reversal": -1}.get(row["kind"], 0)
    if row["direction"] == "outbound":
        period["attempts"] += sign
        period["connected"] += sign * row["connected"]
    if row["connected"]:
        period["calls"] += sign
        period["talk"] += sign * row["talk"]


# --- the other topics


def _take_spend(connection: Connection, _: int, messages: Sequence[TopicMessage]) -> None:
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for message in messages:
        if message.value is not None:  # a tombstone tells that the rater forgot it; here it is kept
            body = orjson.loads(message.value)
            key = {"account": body["account"], "period": body["period"]}
            latest[body["account"], body["period"]] = key | {"body": message.value.decode()}
    upsert(connection, tables.spends, list(latest.values()))


def _take_alerts(connection: Connection, _: int, messages: Sequence[TopicMessage]) -> None:
    rows = {}
    for message in messages:
        body = orjson.loads(message.value or b"null")
        named = {name: body[name] for name in ("alert_id", "account", "period", "kind")}
        rows[body["alert_id"]] = named | {"at": _instant(body["at"]), "body": (message.value or b"").decode()}
    upsert(connection, tables.alerts, list(rows.values()))


def _take_catalog(connection: Connection, partition: int, messages: Sequence[TopicMessage]) -> None:
    if partition != 0:
        return  # the others are empty
    latest = {message.key or b"": message.value for message in messages if message.value is not None}
    rows = [{"key": key.decode(), "body": value.decode()} for key, value in latest.items()]
    upsert(connection, tables.catalog, rows)


TAKES: dict[str, Projector] = {
    "catalog": _take_catalog,
    "charges": _take_charges,
    "spend": _take_spend,
    "alerts": _take_alerts,
    "rejected": take_rejected,
    "rejected-cdrs": take_rejected_cdrs,
    "resolutions": take_resolutions,
    "calls": take_numbers,
}
"""A topic's role -> what takes its messages in."""
FOLLOWED = tuple(role for role in TAKES if role != "calls")
"""What every read model follows; of the log it keeps called numbers, where the settings let it."""


def _slices(keys: Sequence[tuple[str, str]]) -> Iterable[Sequence[tuple[str, str]]]:
    return (keys[at : at + KEYS_AT_ONCE] for at in range(0, len(keys), KEYS_AT_ONCE))


def _instant(words: str) -> int:
    return instant(datetime.fromisoformat(words))
