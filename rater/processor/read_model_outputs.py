"""What read models need besides charges: the plans that charges name, and how far the log is rated.

All of it is the latest state and no part of what a log means: they are published beside a step's effects, in the same
transaction, by the worker alone. After each start all of the catalog is published again, so that a topic that is new,
or was made anew, is whole: tariffs at once, negotiated plans some with each batch, for there may be one an account.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import orjson

from rater.processor.outputs import message_headers
from rater.processor.rows import ACCOUNTS, TARIFFS
from rater.rating.account import Account
from rater.rating.book import Plan
from rater.rating.catalog import Tariffs
from rater.rating.names import AccountKey
from rater.seam.model import Effects, Head, Output, Record, Row, Rows, Step
from rater.wire.catalog import TARIFFS_ID, NegotiatedPlan, PlanVersion, TariffsInForce

AT_ONCE = 200
"""Accounts whose negotiated plans are published again with a batch."""


def with_read_model_outputs(step: Step, topic: str) -> Step:
    """The step of a worker, which also publishes catalog and progress. `topic` is the log's name in `rater-from`."""
    begun: set[int] = set()
    waiting: dict[int, list[AccountKey]] = {}

    def publishing(rows: Rows, head: Head, partition: int, records: Iterable[Record]) -> Effects:
        last = _Last(records)
        effects = step(rows, head, partition, last)
        if last.record is None:
            return effects
        place = f"{topic}/{partition}/{last.record.offset}"
        outputs = list(effects.outputs)
        accounts = rows.table(ACCOUNTS)
        if partition not in begun:
            waiting[partition] = [AccountKey(key) for key, account in accounts.items() if _negotiated(account)]
        changed = effects.changes.get(TARIFFS, {})
        if partition == 0 and (changed or partition not in begun):
            everything = {} if partition in begun else rows.table(TARIFFS)
            outputs += catalog_of({**everything, **changed}, last.record, place)
        begun.add(partition)
        for key, account in effects.changes.get(ACCOUNTS, {}).items():
            known = {plan.id for plan in _negotiated(accounts.get(key))}
            new = [plan for plan in _negotiated(account) if plan.id not in known]
            outputs += negotiated_plans(AccountKey(key), new, last.record, place)
        again = waiting[partition]
        for key in again[-AT_ONCE:]:
            outputs += negotiated_plans(key, _negotiated(accounts.get(key)), last.record, place)
        del again[-AT_ONCE:]
        outputs.append(progress_of(effects.head, partition, last.record, place))
        return effects._replace(outputs=outputs)

    return publishing


class _Last:
    """Records as they are read, and the last one that was."""

    __slots__ = ("_records", "record")

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = records
        self.record: Record | None = None

    def __iter__(self) -> Iterator[Record]:
        record = None
        try:
            for record in self._records:
                yield record
        finally:
            self.record = record


def catalog_of(rows: Mapping[bytes, Row | None], record: Record, place: str) -> Iterator[Output]:
    """The rows of the table `tariffs` as messages, which all go to partition 0."""
    for row in rows.values():
        if row is None:
            continue
        message: TariffsInForce | PlanVersion
        if isinstance(row, Tariffs):
            ident, message = TARIFFS_ID, TariffsInForce.of(row)
        else:
            ident, message = row.id, PlanVersion.of(row)
        marks = message_headers(place, record.timestamp, ("ce_type", message.type.encode()), f"{place}:{ident}")
        yield Output("catalog", 0, ident.encode(), message.to_json(), record.timestamp, marks)


def _negotiated(account: Account | None) -> list[Plan]:
    """The plans that are written in an account's subscriptions."""
    return [] if account is None else [said.inline for said in account.history if said.inline is not None]


def negotiated_plans(key: AccountKey, plans: Iterable[Plan], record: Record, place: str) -> Iterator[Output]:
    """Plans of one account as messages, in partition 0 like all of the catalog."""
    for plan in plans:
        message = NegotiatedPlan.of(key.decode(), plan)
        marks = message_headers(place, record.timestamp, ("ce_type", message.type.encode()), f"{place}:{message.key}")
        yield Output("catalog", 0, message.key.encode(), message.to_json(), record.timestamp, marks)


def progress_of(head: Head, partition: int, record: Record, place: str) -> Output:
    """How far a partition is, as of the last record of a batch."""
    body = {
        "type": "progress/1",
        "partition": partition,
        "next_offset": head.next_offset,
        "outcomes": dict(sorted(head.outcomes.items())),
    }
    marks = message_headers(place, record.timestamp, ("ce_type", b"progress/1"), f"progress:{place}")
    return Output("progress", partition, b"%d" % partition, orjson.dumps(body), record.timestamp, marks)
