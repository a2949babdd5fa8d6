"""What is in the topics, and whether the charges are right by themselves: a check that needs none of our rules."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

Log = dict[int, list[Any]]
"""Partition -> its records (aiokafka's), in order."""


async def read(address: str, topic: str, isolation: str = "read_committed") -> Log:
    """Every record of a topic up to its end as of now."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address, isolation_level=isolation, auto_offset_reset="earliest", enable_auto_commit=False
    )
    async with consumer:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.position(TopicPartition(topic, 0))
        tps = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(tps)
        starts, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        for tp in tps:
            consumer.seek(tp, starts[tp])
        found: Log = {tp.partition: [] for tp in tps}
        behind = {tp for tp in tps if starts[tp] < ends[tp]}
        while behind:
            for tp, records in (await consumer.getmany(timeout_ms=100, max_records=20_000)).items():
                found[tp.partition] += [record for record in records if record.offset < ends[tp]]
            behind = {tp for tp in behind if await consumer.position(tp) < ends[tp]}
    return found


async def end_of(address: str, topic: str) -> int:
    """The sum of the partitions' end offsets: grows with every record."""
    async with AIOKafkaConsumer(bootstrap_servers=address, isolation_level="read_committed") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.position(TopicPartition(topic, 0))
        tps = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        return sum((await consumer.end_offsets(tps)).values())


async def outcomes(address: str, heads: str) -> Counter[str]:
    """How many records ended in each outcome, by the last head of each partition in the changelog `heads`."""
    found: Counter[str] = Counter()
    for records in (await read(address, heads)).values():
        if records:
            found.update(json.loads(records[-1].value)["outcomes"])
    return found


class Findings(NamedTuple):
    """What a sceptic finds in charges."""

    calls: Counter[tuple[str, str, str]]
    """(account, source, call id) -> how many usage charges it has."""
    wrong: list[str]
    """Whatever is wrong with numbers, totals or lines."""


def check(charges: Iterable[Mapping[str, Any]]) -> Findings:
    """Look at a partition's charges in order: seq 1, 2, 3 by account and period, running totals, sums of lines."""
    calls: Counter[tuple[str, str, str]] = Counter()
    wrong: list[str] = []
    seqs: dict[tuple[str, str], int] = defaultdict(int)
    totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for charge in charges:
        place = (charge["account"], charge["period"])
        if charge["type"] == "period-closed/1":
            if (charge["last_seq"], Decimal(charge["total"])) != (seqs[place], totals[place]):
                wrong.append(f"{place}: closed with {charge['last_seq']} charges and {charge['total']}")
            continue
        ident = charge["charge_id"]
        amount = Decimal(charge["amount"])
        seqs[place] += 1
        totals[place] += amount
        if charge["seq"] != seqs[place]:
            wrong.append(f"{ident}: seq {seqs[place]} was due")
            seqs[place] = charge["seq"]
        if Decimal(charge["period_total"]) != totals[place]:
            wrong.append(f"{ident}: period_total is {charge['period_total']}, the charges sum to {totals[place]}")
            totals[place] = Decimal(charge["period_total"])
        if sum(Decimal(line["amount"]) for line in charge["lines"]) != amount:
            wrong.append(f"{ident}: the lines do not sum to the amount")
        if "call" in charge:
            calls[charge["account"], charge["call"]["source"], charge["call"]["call_id"]] += 1
    return Findings(calls, wrong)


def values(log: Log) -> dict[int, list[bytes]]:
    """Partition -> the records' values."""
    return {partition: [record.value for record in records] for partition, records in log.items()}
