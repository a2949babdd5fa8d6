"""What is in the topics, and whether the charges are right by themselves: a check that needs none of our rules."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

Log = dict[int, list[Any]]
"""Partition -> its records (aiokafka's), in order."""


class Growing:
    """A topic as it grows: who asks again and again reads only what is new."""

    def __init__(self, consumer: AIOKafkaConsumer, tps: Sequence[TopicPartition]) -> None:
        self._consumer, self._tps = consumer, tps

    async def more(self) -> Log:
        """What came since it was asked last, up to its end as of now; at first everything."""
        found: Log = {tp.partition: [] for tp in self._tps}
        ends = await self._consumer.end_offsets(self._tps)
        while any([await self._consumer.position(tp) < ends[tp] for tp in self._tps]):
            for tp, records in (await self._consumer.getmany(timeout_ms=100, max_records=20_000)).items():
                found[tp.partition] += records
        return found


@asynccontextmanager
async def growing(address: str, topic: str, isolation: str = "read_committed") -> AsyncIterator[Growing]:
    """A topic from its beginning on."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address, isolation_level=isolation, auto_offset_reset="earliest", enable_auto_commit=False
    )
    async with consumer:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.position(TopicPartition(topic, 0))
        tps = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(tps)
        for tp, start in (await consumer.beginning_offsets(tps)).items():
            consumer.seek(tp, start)
        yield Growing(consumer, tps)


async def read(address: str, topic: str, isolation: str = "read_committed") -> Log:
    """Every record of a topic up to its end as of now, or a little more."""
    async with growing(address, topic, isolation) as log:
        return await log.more()


async def end_of(address: str, topic: str) -> int:
    """The sum of the partitions' end offsets: grows with every record."""
    async with AIOKafkaConsumer(bootstrap_servers=address, isolation_level="read_committed") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.position(TopicPartition(topic, 0))
        tps = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        return sum((await consumer.end_offsets(tps)).values())


class Outcomes:
    """How the records of a log came out, by the last head of each partition in its changelog."""

    def __init__(self, heads: Growing) -> None:
        self._heads = heads
        self._last: dict[int, Mapping[str, int]] = {}

    async def now(self) -> Counter[str]:
        """How many records ended in each outcome until now."""
        for partition, records in (await self._heads.more()).items():
            if records:
                self._last[partition] = json.loads(records[-1].value)["outcomes"]
        found: Counter[str] = Counter()
        for counts in self._last.values():
            found.update(counts)
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
