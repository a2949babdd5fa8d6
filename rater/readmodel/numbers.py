"""The numbers that were called, for statements: out of the log, as `RATER_MASK_NUMBERS` lets them be kept.

By default none is kept. They are in no charge: what a customer may see of a number is no matter of the log's money.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select

from rater.rating.limits import PHONE_NUMBER
from rater.readmodel import tables
from rater.readmodel.figures import masked_number
from rater.readmodel.store import Store, TopicMessage, get_facts, put_facts, upsert

KEPT = "numbers"
"""The fact that says how numbers are kept."""

numbers = tables.numbers.c


def keep_numbers(store: Store, policy: str) -> None:
    """How numbers are kept from now on; what was kept otherwise is forgotten, and read anew."""
    with store.write() as connection:
        if get_facts(connection).get(KEPT, "all") != policy:
            connection.execute(delete(tables.numbers))
            connection.execute(delete(tables.positions).where(tables.positions.c.topic == "calls"))
            put_facts(connection, {KEPT: policy})


def take_numbers(connection: Connection, _: int, messages: Sequence[TopicMessage]) -> None:
    """The called numbers of calls; what is no call, or cannot be read, has none."""
    whole = get_facts(connection).get(KEPT) == "none"
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for message in messages:
        call = _call(message.value)
        if call is not None:
            key = (call["account"], call["source"], call["call_id"])
            callee = call["callee"] if whole else masked_number(call["callee"])
            rows[key] = {"account": key[0], "source": key[1], "call_id": key[2], "callee": callee}
    upsert(connection, tables.numbers, list(rows.values()))


def _call(value: bytes | None) -> Mapping[str, str] | None:
    try:
        body = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict) or body.get("type") != "call-ended/1":
        return None
    said = [body.get(name) for name in ("account", "source", "call_id", "callee")]
    fits = all(isinstance(one, str) and 0 < len(one) <= 128 and "\0" not in one for one in said)
    return body if fits and len(body["callee"]) <= PHONE_NUMBER else None


def callees(connection: Connection, charges: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str], str]:
    """(account, source, call id) -> the number that was called, of those charges whose call has one that is kept."""
    asked: dict[str, set[str]] = {}
    for charge in charges:
        if "call" in charge:
            asked.setdefault(charge["account"], set()).add(charge["call"]["call_id"])
    found: dict[tuple[str, str, str], str] = {}
    for account, ids in asked.items():
        wanted = sorted(ids)
        for start in range(0, len(wanted), 400):
            some = numbers.call_id.in_(wanted[start : start + 400])
            for row in connection.execute(select(tables.numbers).where(numbers.account == account, some)):
                found[row.account, row.source, row.call_id] = row.callee
    return found


def callee_of(known: Mapping[tuple[str, str, str], str], charge: Mapping[str, Any]) -> str:
    """The number of a charge's call; empty where none is kept."""
    call = charge.get("call")
    return "" if call is None else known.get((charge["account"], call["source"], call["call_id"]), "")
