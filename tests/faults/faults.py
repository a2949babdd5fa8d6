"""How each fault is done and mended."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from rater.cli.simulate import NOT_LATE
from rater.kafka import admin
from rater.kafka.topics import MESSAGE_BYTES
from rater.seam.partitions import partition_of
from rater.tools import simulate
from rater.wire.shipped import shipped_book
from tests.faults.keeper import Keeper
from tests.faults.plan import Fault, Kind
from tests.faults.proxy import Proxy
from tests.support.broker import Cluster
from tests.support.rated import topic
from tests.support.workers import PATIENCE, Rater, until

T = TypeVar("T")

DELAY = 0.15
"""Seconds that a slow broker holds up each piece."""

FAILED = 70
"""How a worker ends whose writes are refused for good."""

ENDS_WITHIN = 60.0
"""Seconds that a worker has to end whose writes are refused."""

TINY = "1000"
"""Bytes of a batch: a charge alone is larger."""

PARTITIONS = 4
ACCOUNTS = 400
CORRECTED = 150
"""Calls of which some are taken back, some credited, some put on another plan."""

GARBAGE = 2000
"""Records: a whole transaction's worth and more."""


@dataclass
class Scene:
    """Who faults are done to."""

    cluster: Cluster
    rater: Rater
    keeper: Keeper
    proxies: Sequence[Proxy]
    calls: int
    """How many the switch makes."""
    garbage: int = 0
    """Records that were written and are no events."""
    books: int = 1
    """Tariff books that were published; the first is the shipped one."""
    without_effect: list[str] = field(default_factory=list)
    """Faults that nobody noticed, in words: a run with them proves nothing, unless its workers have a bug."""


Done = Callable[[Scene, Fault], str]
"""Does a fault and mends it; says to whom."""


def kill_worker(scene: Scene, fault: Fault) -> str:
    """Gone in the middle of whatever it did."""
    worker = scene.keeper.pick(fault.pick)
    worker.kill()
    return worker.log.stem


def term_worker(scene: Scene, fault: Fault) -> str:
    """Asked to end, as in a deployment; the supervisor starts another."""
    worker = scene.keeper.pick(fault.pick)
    worker.terminate()
    return worker.log.stem


def freeze_worker(scene: Scene, fault: Fault) -> str:
    """One that has partitions, frozen past its session while others take over, then woken: it must charge nothing."""
    until(lambda: any(worker.rates() for worker in scene.keeper.workers), "a worker rates", 30)
    worker = next(worker for worker in scene.keeper.from_(fault.pick) if worker.rates())
    held = sorted(worker.rates() or ())
    worker.freeze()
    time.sleep(fault.lasts)
    worker.wake()
    return f"{worker.log.stem} {held}"


def join_worker(scene: Scene, fault: Fault) -> str:  # noqa: ARG001 - every fault is done alike
    """One more takes its share."""
    worker = scene.keeper.join()
    until(lambda: worker.rates() is not None or not worker.alive(), "joined", 30)
    return worker.log.stem


def leave_worker(scene: Scene, fault: Fault) -> str:
    """One gives its share away."""
    return scene.keeper.leave(fault.pick).log.stem


def kill_broker(scene: Scene, fault: Fault) -> str:
    """Any broker."""
    return _broker_away(scene, 1 + int(fault.pick * len(scene.cluster.nodes)) % len(scene.cluster.nodes), fault.lasts)


def kill_leader(scene: Scene, fault: Fault) -> str:
    """The broker that leads a partition of the charges."""
    return _broker_away(scene, _leader(scene, topic(scene.rater, "charges"), fault.pick), fault.lasts)


def kill_coordinator(scene: Scene, fault: Fault) -> str:
    """The broker that coordinates transactions: the leader of a partition of their log."""
    return _broker_away(scene, _leader(scene, "__transaction_state", fault.pick), fault.lasts)


def slow_broker(scene: Scene, fault: Fault) -> str:
    """Every piece to and from a broker is held up."""
    proxy = scene.proxies[int(fault.pick * len(scene.proxies)) % len(scene.proxies)]
    proxy.slow(DELAY)
    time.sleep(fault.lasts)
    proxy.slow(0)
    return f"port {proxy.port}"


def drop_connections(scene: Scene, fault: Fault) -> str:
    """The workers' connections to a broker break."""
    proxy = scene.proxies[int(fault.pick * len(scene.proxies)) % len(scene.proxies)]
    return f"{proxy.drop()} connections"


def garbage(scene: Scene, fault: Fault) -> str:
    """A whole batch of records that are no events."""
    partition = int(fault.pick * 4) % 4

    async def write() -> None:
        async with AIOKafkaProducer(bootstrap_servers=scene.cluster.address, enable_idempotence=True) as producer:
            for number in range(GARBAGE):
                value = bytes([number % 256]) * (number % 300)
                await producer.send(topic(scene.rater, "calls"), value, b"garbage", partition=partition)

    _patiently(write)
    scene.garbage += GARBAGE
    return f"{GARBAGE} records"


def corrections(scene: Scene, fault: Fault) -> str:
    """What people do meanwhile: a new tariff book, calls taken back, credits, plans changed from now and long ago."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = today - timedelta(days=NOT_LATE + 1)  # as `rater simulate` has it
    first = int(fault.pick * 5000)
    calls = islice(simulate.calls(1, scene.calls, ACCOUNTS, start, NOT_LATE), first, first + CORRECTED)
    events = [event for call in calls for event in _corrections(call, f"{first}", today)]
    scene.books += 1
    _write(scene, events, _book(scene.books, today))
    return f"{len(events)} events, book {scene.books}"


def _write(scene: Scene, events: Sequence[tuple[str, bytes]], book: bytes | None = None) -> None:
    """A book into each partition, then accounts' events."""

    async def write() -> None:
        async with AIOKafkaProducer(bootstrap_servers=scene.cluster.address, enable_idempotence=True) as producer:
            for partition in range(PARTITIONS if book is not None else 0):
                await producer.send(topic(scene.rater, "calls"), book, partition=partition)
            for account, value in events:
                key = account.encode()
                await producer.send(topic(scene.rater, "calls"), value, key, partition=partition_of(key, PARTITIONS))

    _patiently(write)


def _book(version: int, today: datetime) -> bytes:
    """A book with lower prices for segments that begin in the last days: the plan changes that follow begin some."""
    words = json.loads(shipped_book().model_dump_json(exclude_unset=True))
    changed = {"effective": (today - timedelta(days=20 - version)).isoformat()}
    plans = {
        **words["plans"],
        "hybrid-200": {**words["plans"]["hybrid-200"], **changed, "fee": f"{200 - version}.00"},
        "package-basic": {**words["plans"]["package-basic"], **changed, "fee": f"{300 - version}.00"},
    }
    book = {**words, "version": version, "plans": plans}
    return json.dumps({"type": "tariffs-published/1", "book": book}).encode()


def _corrections(call: simulate.Event, mark: str, today: datetime) -> Iterator[tuple[str, bytes]]:
    words = json.loads(call.value)
    account, number = call.account, int(words["call_id"].removeprefix("sim-"))
    said = [{"type": "call-voided/1", "source": words["source"], "call_id": words["call_id"], "reason": "a test call"}]
    if number % 3 == 0:
        said.append(
            {
                "type": "account-adjusted/1",
                "adjustment_id": f"a-{mark}-{number}",
                "amount": "-1.25",
                "reason": "a credit",
            }
        )
    if number % 7 == 0:
        since = today - timedelta(days=number % 20)
        plan = simulate.PLANS[number % len(simulate.PLANS)]
        said.append(
            {
                "type": "account-subscribed/1",
                "subscription_id": f"s-{mark}-{number}",
                "plan": plan,
                "from": since.isoformat(),
            }
        )
    for event in said:
        yield account, json.dumps({**event, "account": account}).encode()


def _credits(scene: Scene, mark: str) -> list[tuple[str, bytes]]:
    """So many that each partition has some to charge."""
    credit = {"type": "account-adjusted/1", "adjustment_id": f"r-{mark}", "amount": "-0.01", "reason": "a credit"}
    calls = islice(simulate.calls(1, scene.calls, ACCOUNTS, datetime(2026, 1, 1, tzinfo=UTC), 1), CORRECTED)
    accounts = sorted({call.account for call in calls})
    return [(account, json.dumps({**credit, "account": account}).encode()) for account in accounts]


def refuse_writes(scene: Scene, fault: Fault) -> str:
    """No charge can be written, as on full disks: all replicas are demanded, and one is away."""
    charges = topic(scene.rater, "charges")
    with scene.keeper.forgiving("min.insync.replicas"):
        _set(scene, charges, "min.insync.replicas", "3")
        whom = _broker_away(scene, 1 + int(fault.pick * 3) % 3, fault.lasts)
        _set(scene, charges, "min.insync.replicas", "2")
        until(lambda: all(worker.rates() for worker in scene.keeper.workers), "workers are up again", 30)
    return whom


def refuse_batches(scene: Scene, fault: Fault) -> str:
    """Charges are refused for good, not for now: the topic takes no batch of the usual size."""
    charges = topic(scene.rater, "charges")
    until(lambda: any(worker.rates() for worker in scene.keeper.workers), "a worker rates", 30)
    with scene.keeper.forgiving("max.message.bytes"):  # a worker that starts meanwhile sees it, and is right to refuse
        _set(scene, charges, "max.message.bytes", TINY)
        ended = scene.keeper.ended[FAILED]
        _write(scene, _credits(scene, f"{fault.pick}"))  # the switch may be over, and every call charged
        time.sleep(fault.lasts)
        try:
            until(lambda: scene.keeper.ended[FAILED] > ended, "a worker ended of it", ENDS_WITHIN)
        except TimeoutError:
            scene.without_effect.append("batches were refused, and no worker ended of it")
        _set(scene, charges, "max.message.bytes", MESSAGE_BYTES)
        until(lambda: all(worker.rates() for worker in scene.keeper.workers), "workers are up again", 30)
    return charges


def _broker_away(scene: Scene, number: int, seconds: float) -> str:
    scene.cluster.kill(number)
    time.sleep(seconds)
    scene.cluster.start(number)
    scene.cluster.until_up()
    return f"broker {number}"


def _client(scene: Scene) -> dict[str, Any]:
    return {"bootstrap_servers": scene.cluster.address}


def _patiently(ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Ask again where a broker that comes back is not quite there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return asyncio.run(ask())
        except KafkaError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _set(scene: Scene, name: str, setting: str, value: str) -> None:
    _patiently(lambda: admin.alter(_client(scene), {name: {setting: value}}))


def _leader(scene: Scene, name: str, pick: float) -> int:
    async def ask() -> int:
        client = AIOKafkaAdminClient(**_client(scene))
        await client.start()
        try:
            (found,) = await client.describe_topics([name])
        finally:
            await client.close()
        leaders = [partition["leader"] for partition in found["partitions"] if partition["leader"] > 0]
        return int(leaders[int(pick * len(leaders)) % len(leaders)])

    return _patiently(ask)


DO: dict[Kind, Done] = {
    "kill-worker": kill_worker,
    "term-worker": term_worker,
    "freeze-worker": freeze_worker,
    "join-worker": join_worker,
    "leave-worker": leave_worker,
    "kill-broker": kill_broker,
    "kill-leader": kill_leader,
    "kill-coordinator": kill_coordinator,
    "slow-broker": slow_broker,
    "drop-connections": drop_connections,
    "garbage": garbage,
    "refuse-writes": refuse_writes,
    "refuse-batches": refuse_batches,
    "corrections": corrections,
}
