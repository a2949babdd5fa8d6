"""The checks at start: each failure is a line that says what to do."""

from __future__ import annotations

from dataclasses import replace

from rater.engine.checks import largest_batch, problems, weaknesses
from rater.kafka.admin import TopicSpec, TopicState

CHANGELOG = TopicSpec("rater-usage-changelog", 4, 3, {"cleanup.policy": "compact"})
LOG = TopicSpec("calls", 4, 3, {"cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime"})
GOOD = {
    "cleanup.policy": "compact",
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": "1048588",
    "min.insync.replicas": "2",
    "unclean.leader.election.enable": "false",
}
STATE = TopicState(4, 3, GOOD, {})
LOG_STATE = replace(STATE, config=GOOD | {"cleanup.policy": "delete"})


def test_topics_as_planned_are_fine() -> None:
    """Nothing to say, nothing weak."""
    states = {CHANGELOG.name: STATE, LOG.name: LOG_STATE}
    assert problems([CHANGELOG, LOG], states) == []
    assert weaknesses([CHANGELOG, LOG], states) == []


def test_missing_topics_are_named_with_the_command() -> None:
    """All that are missing come in one line."""
    (line,) = problems([CHANGELOG, LOG], {})
    assert line == "topics are missing: rater-usage-changelog, calls; run: rater topics create"


def test_a_changelog_that_is_not_only_compacted_is_refused() -> None:
    """`delete` in a changelog's policy would let rows vanish with time."""
    for policy in ("delete", "compact,delete"):
        state = replace(STATE, config=GOOD | {"cleanup.policy": policy})
        (line,) = problems([CHANGELOG], {CHANGELOG.name: state})
        expected = f"rater-usage-changelog has cleanup.policy={policy}, not compact; run: rater topics create"
        assert line == expected


def test_a_compacted_log_or_one_with_create_time_is_refused() -> None:
    """A log that compacts forgets calls; timestamps by producers would let a switch decide what lies in the future."""
    compacted = replace(LOG_STATE, config=GOOD)
    assert "cleanup.policy=compact, not delete" in problems([LOG], {LOG.name: compacted})[0]
    create_time = replace(LOG_STATE, config=dict(LOG_STATE.config) | {"message.timestamp.type": "CreateTime"})
    assert "message.timestamp.type=CreateTime" in problems([LOG], {LOG.name: create_time})[0]


def test_partition_counts_must_agree() -> None:
    """Another number of partitions anywhere would part an account from its rows."""
    (line,) = problems([CHANGELOG], {CHANGELOG.name: replace(STATE, partitions=8)})
    assert "has 8 partitions, not 4" in line


def test_batches_must_fit_every_topic() -> None:
    """The smallest limit decides; one that is too small for a row is refused."""
    small = replace(STATE, config=GOOD | {"max.message.bytes": "700000"})
    tiny = replace(STATE, config=GOOD | {"max.message.bytes": "100000"})
    assert largest_batch({"a": STATE, "b": small}) == 700_000
    assert problems([CHANGELOG], {CHANGELOG.name: small}) == []
    assert "max.message.bytes=100000" in problems([CHANGELOG], {CHANGELOG.name: tiny})[0]


def test_weak_durability_is_told() -> None:
    """Fewer than three replicas, fewer than two in sync, or unclean elections can lose an acknowledged charge."""
    weak = {"min.insync.replicas": "1"}
    for state in (
        replace(STATE, replication=1),
        replace(STATE, config=GOOD | weak),
        replace(STATE, config=GOOD | {"unclean.leader.election.enable": "true"}),
    ):
        assert len(weaknesses([CHANGELOG], {CHANGELOG.name: state})) == 1
