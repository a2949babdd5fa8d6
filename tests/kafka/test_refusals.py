"""Where starting would not be safe the worker refuses, and says what to do; `rater topics create` mends what it can."""

from __future__ import annotations

import json

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from rater.kafka import admin
from rater.kafka.settings import Settings
from rater.kafka.topics import topic_plan
from rater.processor.step import TABLES
from tests.support.rated import address, charged_calls, charges_of, so_far, topic, until_rated
from tests.support.reading import read
from tests.support.workers import Rater

REFUSED = 78
ACCOUNTS = 40


async def test_a_log_truncated_beyond_what_was_rated(ready: Rater) -> None:
    """Records deleted before they were rated: the worker refuses with the range; an operator may give them up."""
    worker = ready.worker()
    ready.run("simulate", "--calls", 1000, "--accounts", ACCOUNTS)
    rated = (await until_rated(ready, 1000 + ACCOUNTS + 4)).total()
    assert worker.stop() == 0
    ready.run("simulate", "--calls", 1000, "--accounts", ACCOUNTS, "--no-subscribe", "--start", "2025-01-01T00:00:00Z")
    log = topic(ready, "calls")
    before = (await read(address(ready), log))[2]
    due = await next_offset(ready, 2)
    lost = [record for record in before if due <= record.offset < due + 20]
    assert len(lost) == 20
    await delete_before(ready, 2, due + 20)

    refused = ready.worker(ready=False)
    assert refused.wait() == REFUSED
    assert f"{log}/2: offsets {due} to {due + 19} are gone from the log" in refused.text()
    assert "rater worker --adopt" in refused.text()
    assert (await so_far(ready)).total() == rated

    ready.worker("--adopt")
    found = await until_rated(ready, rated + 1000 - 20)
    assert found.total() == rated + 1000 - 20
    assert set(charged_calls(await charges_of(ready)).values()) == {1}


async def test_a_changelog_that_does_not_compact(rater: Rater) -> None:
    """A changelog made with the wrong cleanup policy is refused with the command that mends it, and it does."""
    settings = Settings(_env_file=None, **rater.settings)  # type: ignore[arg-type]
    client = settings.client_options()
    wrong = topic(rater, "rater-usage-changelog")
    specs = topic_plan(settings, TABLES)
    (spec,) = (spec for spec in specs if spec.name == wrong)
    made = admin.TopicSpec(wrong, spec.partitions, 1, {**spec.config, "cleanup.policy": "compact,delete"})
    await admin.create(client, [made])
    await admin.create(client, [spec for spec in specs if spec.name != wrong])

    refused = rater.worker(ready=False)
    assert refused.wait() == REFUSED
    assert f"{wrong} has cleanup.policy=compact,delete, not compact; run: rater topics create" in refused.text()

    assert "cleanup.policy=compact" in rater.run("topics", "create", "--json").replace('": "', "=")
    assert (await admin.describe(client, [wrong]))[wrong].config["cleanup.policy"] == "compact"
    rater.run("tariffs", "publish")
    worker = rater.worker()
    await until_rated(rater, 4)
    assert worker.stop() == 0


async def test_topics_that_are_missing(rater: Rater) -> None:
    """Without topics the worker refuses and names the command that makes them."""
    refused = rater.worker(ready=False)
    assert refused.wait() == REFUSED
    assert "topics are missing" in refused.text()
    assert "run: rater topics create" in refused.text()


async def next_offset(rater: Rater, partition: int) -> int:
    """The offset that is due next in a partition of the log, by its head."""
    heads = await read(address(rater), topic(rater, "rater-heads-changelog"))
    due: int = json.loads(heads[partition][-1].value)["next_offset"]
    return due


async def delete_before(rater: Rater, partition: int, offset: int) -> None:
    """Delete a log partition's records below an offset, as retention would."""
    client = AIOKafkaAdminClient(bootstrap_servers=address(rater))
    await client.start()
    try:
        tp = TopicPartition(topic(rater, "calls"), partition)
        await client.delete_records({tp: RecordsToDelete(before_offset=offset)})
    finally:
        await client.close()
