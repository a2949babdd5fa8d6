"""`rater topics create` on a real Kafka, and what the other verbs say where the topics are missing."""

from __future__ import annotations

import json

from rater.kafka import admin
from tests.support.workers import Rater


def test_making_the_topics_twice_changes_nothing(rater: Rater) -> None:
    """A dry run makes nothing, the first run makes them all, the second none."""
    planned = json.loads(rater.run("topics", "create", "--dry-run", "--json"))
    made = json.loads(rater.run("topics", "create", "--json"))
    assert made == planned
    assert len(made["created"]) > 5
    assert json.loads(rater.run("topics", "create", "--json")) == {"created": [], "altered": {}, "left_out": []}


async def test_mending_one_setting_leaves_the_others(rater: Rater) -> None:
    """What somebody else set on a topic of ours stays as it is."""
    rater.run("topics", "create")
    client = {"bootstrap_servers": rater.settings["bootstrap_servers"]}
    calls = rater.settings["topic_prefix"] + "calls"
    await admin.alter(client, {calls: {"segment.ms": "3600000", "message.timestamp.type": "CreateTime"}})

    mended = json.loads(rater.run("topics", "create", "--json"))
    assert mended == {"created": [], "altered": {calls: {"message.timestamp.type": "LogAppendTime"}}, "left_out": []}
    state = (await admin.describe(client, [calls]))[calls]
    assert (state.config["message.timestamp.type"], state.overrides["segment.ms"]) == ("LogAppendTime", "3600000")


async def test_another_number_of_partitions_is_refused(rater: Rater) -> None:
    """The log's N never changes: the reason is told, and nothing is made."""
    client = {"bootstrap_servers": rater.settings["bootstrap_servers"]}
    calls = rater.settings["topic_prefix"] + "calls"
    await admin.create(client, [admin.TopicSpec(calls, 3, 1)])
    said = rater.run("topics", "create", status=1)
    assert f"{calls} has 3 partitions, not 4" in said
    assert "RATER_PARTITIONS=3" in said
    assert await admin.partitions_of(client, rater.settings["topic_prefix"] + "charges") == 0


def test_without_topics_each_verb_names_the_command_that_makes_them(rater: Rater) -> None:
    """One line, at once, where a Kafka client would go on asking."""
    for words in (["export"], ["simulate", "--calls", "1"], ["subscribe", "A1", "per-call"], ["tariffs", "publish"]):
        said = rater.run(*words, status=78)
        assert "there is no topic" in said
        assert said.rstrip().endswith("run: rater topics create")
        assert len(said.splitlines()) == 1 + (words[0] == "subscribe"), "which says its id before it writes"
