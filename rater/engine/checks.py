"""What must hold of the topics before a worker starts, and what it says when it does not.

Source: exactly_once.md, "Checked at start". The checks are pure; `rater.kafka.admin` reads the broker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rater.engine.config import MIN_MESSAGE_BYTES
from rater.kafka.admin import TopicSpec, TopicState

MEND = "run: rater topics create"

MUST_MATCH = ("cleanup.policy", "message.timestamp.type")
"""Settings of a topic that decide whether charges are right; the others are advice."""


def problems(specs: Sequence[TopicSpec], states: Mapping[str, TopicState]) -> list[str]:
    """Why the worker must not start, a line each, with what to do; empty where all is well."""
    missing = [spec.name for spec in specs if spec.name not in states]
    found = [f"topics are missing: {', '.join(missing)}; {MEND}"] if missing else []
    for spec in specs:
        state = states.get(spec.name)
        if state is not None:
            found += _wrong(spec, state)
    return found


def _wrong(spec: TopicSpec, state: TopicState) -> list[str]:
    found = []
    if state.partitions != spec.partitions:
        found.append(
            f"{spec.name} has {state.partitions} partitions, not {spec.partitions}: an account's calls, rows and"
            " charges must be in the same partition; set RATER_PARTITIONS to what the log has, or make the topic anew"
        )
    for name in MUST_MATCH:
        wanted, actual = spec.config.get(name), state.config.get(name)
        if wanted is not None and actual != wanted:
            found.append(f"{spec.name} has {name}={actual}, not {wanted}; {MEND}")
    size = int(state.config.get("max.message.bytes", MIN_MESSAGE_BYTES))
    if size < MIN_MESSAGE_BYTES:
        found.append(f"{spec.name} has max.message.bytes={size}, less than the {MIN_MESSAGE_BYTES} needed; {MEND}")
    return found


def weaknesses(specs: Sequence[TopicSpec], states: Mapping[str, TopicState]) -> list[str]:
    """Where an acknowledged charge could be lost with a broker: tolerable in development, an error in production."""
    found = []
    for spec in specs:
        state = states.get(spec.name)
        if state is None:
            continue
        in_sync = state.config.get("min.insync.replicas")  # not every broker tells, and some decide it themselves
        if state.replication < 3 or (in_sync is not None and int(in_sync) < 2):
            minimum = "" if in_sync is None else f", min.insync.replicas={in_sync}"
            found.append(f"{spec.name}: {state.replication} replicas{minimum}; have 3 and 2")
        if state.config.get("unclean.leader.election.enable") == "true":
            found.append(f"{spec.name}: unclean leader election is on; switch it off")
    return found


def largest_batch(states: Mapping[str, TopicState]) -> int:
    """Bytes: the smallest `max.message.bytes` of the topics, so that no batch is refused by any."""
    return min(int(state.config.get("max.message.bytes", 1 << 20)) for state in states.values())
