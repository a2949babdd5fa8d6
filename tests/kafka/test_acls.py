"""The runbook's ACLs on a secured broker: with them everything works, and nobody may do more."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import orjson
import pytest
from aiohttp.test_utils import TestServer
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from rater.console.tokens import SCOPES, new_token
from rater.kafka.settings import Settings
from rater.notify.run import group_of
from rater.seam.partitions import partition_of
from tests.notify.receiver import Receiver, application
from tests.support.broker import USERS, Cluster, cluster
from tests.support.logs import call
from tests.support.rated import until_charged
from tests.support.workers import Rater, Worker, until

RUNBOOK = Path(__file__).parents[2] / "ops" / "RUNBOOK.md"
OWN = Path(__file__).parents[2] / "examples" / "switches" / "call-ended" / "profile.yaml"
TOOL = "kafka-acls.sh "
REFUSED_BY_KAFKA = 69
BACK = (Path(__file__).parents[2] / "rater" / "wire" / "shipped.yaml").read_text().replace("version: 1", "version: 2")
BACK = BACK.replace("  hybrid-200:\n", '  hybrid-200:\n    effective: "2020-01-01T00:00:00Z"\n    reach_back: true\n')


@pytest.fixture(scope="module")
def secured() -> Iterator[Cluster]:
    """A broker with the rater's topics, its users, and the ACLs of the runbook."""
    commands = [line for line in RUNBOOK.read_text().splitlines() if line.startswith(TOOL)]
    assert {user for user in USERS if any(f"User:{user} " in line for line in commands)} == set(USERS)
    with cluster(1, secured=True) as made:
        administrator = Rater({"bootstrap_servers": made.address, "replication": "1"}, made.nodes[0].folder)
        administrator.run("topics", "create", "--switch", "own-1")
        made.acls([shlex.split(line.removeprefix(TOOL)) for line in commands])
        yield made


@pytest.fixture
def as_user(secured: Cluster, tmp_path: Path) -> Iterator[dict[str, Rater]]:
    """The command as each of the users would run it."""
    made = {user: Rater(logged_in(secured, user), tmp_path) for user in USERS}
    yield made
    for rater in made.values():
        rater.clean_up()


def logged_in(secured: Cluster, user: str) -> dict[str, str]:
    address = f"127.0.0.1:{secured.nodes[0].secured}"
    login = {"security_protocol": "SASL_PLAINTEXT", "sasl_username": user, "sasl_password": user}
    return {"bootstrap_servers": address, "replication": "1", "dev": "1", "tick_interval": "0", **login}


def producer(secured: Cluster, user: str, transactional_id: str | None = None) -> AIOKafkaProducer:
    settings = Settings(_env_file=None, **logged_in(secured, user))  # type: ignore[arg-type]
    return AIOKafkaProducer(**settings.client_options(), transactional_id=transactional_id, acks="all")


async def reads(secured: Cluster, user: str, topic: str) -> bool:
    """Whether the user gets records of the partition of account A."""
    settings = Settings(_env_file=None, **logged_in(secured, user))  # type: ignore[arg-type]
    there = TopicPartition(topic, partition_of(b"A", settings.partitions))
    async with AIOKafkaConsumer(**settings.client_options(), auto_offset_reset="earliest") as consumer:
        consumer.assign([there])
        try:
            return bool(await consumer.getmany(there, timeout_ms=5_000))
        except TopicAuthorizationFailedError:
            return False


async def test_everybody_can_do_their_work(secured: Cluster, as_user: dict[str, Rater]) -> None:
    """The worker rates what the switch sends, operators write and see what came of it, readers audit and project."""
    worker, intake, operator, reader = (as_user[user] for user in ("worker", "intake", "operator", "reader"))
    worker.worker()
    intake.intake(OWN)
    operator.run("tariffs", "publish")
    operator.run("subscribe", "A", "hybrid-200", "--from", "2026-11-01T00:00:00+08:00")
    async with producer(secured, "switch") as switch:
        for number in range(20):
            said = {**call("A", number), "source": "own-1"}
            await switch.send_and_wait("switch-own-1", orjson.dumps(said), b"any key")
    plain = Rater({"bootstrap_servers": secured.address, "topic_prefix": ""}, worker.folder)
    await until_charged(plain, 20)
    (operator.folder / "back.yaml").write_text(BACK)
    assert "whom it changes can not be shown" in operator.run("tariffs", "publish", "back.yaml", "--yes")
    operator.run("void", "A", "own-1", "c-3", "--reason", "test")
    operator.run("adjust", "A", "--reason", "test", "--", "-5.00")
    operator.run("tick", "--at", "2026-11-20T00:00:00+08:00")
    # What a switch may not say is rejected, and its owner works it off.
    async with producer(secured, "switch") as switch:
        await switch.send_and_wait("switch-own-1", orjson.dumps(call("A", 99)), b"A")
    listed = ("rejected", "list", "--json")
    until(lambda: '"wrong-source"' in operator.run(*listed), "it is rejected")
    assert "wrong-source" in reader.run(*listed)
    operator.run("rejected", "redrive", "--source", "own-1")
    operator.run("rejected", "list", "--state", "all")
    await through_the_door(as_user["door"])
    await told(secured, as_user["notify"])
    assert "proved" in reader.run("audit").lower()
    reader.run("export", "--out", "log.jsonl")
    database = {"database_url": f"sqlite:///{reader.folder / 'read.db'}"}
    reader.settings |= database
    assert "A" in reader.run("statement", "A", "2026-11")
    for topic in ("calls", "charges", "rater-accounts-changelog"):
        assert await reads(secured, "reader", topic)
        assert not await reads(secured, "switch", topic)
        assert not await reads(secured, "intake", topic)
    assert not await reads(secured, "operator", "rater-accounts-changelog")


async def told(secured: Cluster, rater: Rater) -> None:
    """A rejection is told, and the position committed, with the rights of notify."""
    receiver = Receiver()
    async with TestServer(application(receiver)) as server:
        webhook = f"{{name: a, webhook: '{server.make_url('/hook')}', secret_in: RATER_NOTIFY_A, events: [rejections]}}"
        (rater.folder / "notify.yaml").write_text(f"targets: [{webhook}]")
        rater.settings["notify_a"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        teller = Worker(rater.environment(), rater.folder / "notify.log", "run", "notify.yaml", verb="notify")
        rater.workers.append(teller)
        await asyncio.to_thread(teller.until_tells)
        async with producer(secured, "operator") as operator:
            await operator.send_and_wait("calls", b"{", b"A", partition=0)
        await asyncio.to_thread(teller.until, lambda: bool(receiver.taken), "has told the rejection")
        assert await asyncio.to_thread(teller.stop) == 0
        assert await told_up_to(secured, "a") == 1
        assert "undelivered/1" not in rater.run("notify", "undelivered", "--json")


async def told_up_to(secured: Cluster, target: str) -> int:
    """The committed position of a target in the rejections' partition 0, which has the one record of this test."""
    settings = Settings(_env_file=None, bootstrap_servers=secured.address)
    admin = AIOKafkaAdminClient(**settings.client_options())
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(group_of(settings, target))
    finally:
        await admin.close()
    return int(found[TopicPartition("rejected", 0)].offset)


async def through_the_door(rater: Rater) -> None:
    """A call and its outcome, with the rights of the door."""
    token, entry = new_token("me", list(SCOPES))
    _, address = rater.door(door_tokens=entry)
    said = {**call("A", 77), "source": "own-1"}
    headers = {"Authorization": f"Bearer {token}", "Prefer": "wait=20"}
    async with httpx.AsyncClient(headers=headers, timeout=30) as client:
        answer = (await client.post(f"{address}/api/v1/calls", json=said)).json()
        assert answer["outcome"] == "charged", answer
        partition, offset = answer["place"].rsplit("/", 2)[1:]
        assert (await client.get(f"{address}/api/v1/records/{partition}/{offset}")).json()["outcome"] == "charged"
        redriven = await client.post(f"{address}/api/v1/rejected/redrive", json={"source": "own-1"})
        assert redriven.status_code == 200, redriven.text


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        *(("switch", topic) for topic in ("calls", "charges", "rejected", "rater-heads-changelog", "resolutions")),
        *(("switch", topic) for topic in ("switch-fs-9", "rejected-cdrs", "intake-own-1-records-changelog", "imports")),
        *(("intake", topic) for topic in ("charges", "rejected", "rater-heads-changelog", "resolutions")),
        *(("door", topic) for topic in ("charges", "rejected", "rater-heads-changelog", "rejected-cdrs", "imports")),
        *(("operator", topic) for topic in ("charges", "rejected", "spend", "rater-heads-changelog")),
        *(("reader", topic) for topic in ("calls", "charges", "rater-heads-changelog")),
    ],
)
async def test_nobody_writes_what_is_not_theirs(secured: Cluster, user: str, topic: str) -> None:
    """A charge by a switch, a call by the console: the broker refuses."""
    async with producer(secured, user) as writing:
        with pytest.raises(TopicAuthorizationFailedError):
            await writing.send_and_wait(topic, b"{}", b"A")


@pytest.mark.parametrize("user", ["switch", "intake", "door", "operator", "reader"])
async def test_nobody_takes_a_workers_place(secured: Cluster, user: str) -> None:
    """Who could start a worker's producer would fence it."""
    taking = producer(secured, user, "rater.calls.0")
    try:
        with pytest.raises(KafkaError) as refused:
            await taking.start()
    finally:
        await taking.stop()
    assert "uthoriz" in repr(refused.value)


def test_the_command_says_that_it_is_refused(as_user: dict[str, Rater]) -> None:
    """An operator's verb with a reader's login: exit 69 and a sentence."""
    said = as_user["reader"].run("adjust", "A", "5.00", "--reason", "x", status=REFUSED_BY_KAFKA)
    assert "Traceback" not in said
    assert "uthoriz" in said
