"""Who drains the log in `make bench`: the rater, and what it is measured against."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers import build

ROOT = Path(__file__).parents[1]
COMMIT_MS = 1000
"""Milliseconds between two commits of a peer: longer ones than their defaults, which makes them quicker."""
BATCHES = "producer.batch.size=131072;producer.linger.ms=100;consumer.max.poll.records=5000"
"""What makes Kafka Streams quickest here, beside its record cache (its own default is 16 KiB)."""


class Place(NamedTuple):
    """Where a contender works."""

    address: str
    prefix: str
    """Of all its topics, and of its group."""
    folder: Path
    """For its local state; gone afterwards."""

    @property
    def peer_env(self) -> dict[str, str]:
        """The settings that the peers share."""
        names = {"CALLS_TOPIC": f"{self.prefix}calls", "CHARGES_TOPIC": f"{self.prefix}charges"}
        return {"BOOTSTRAP": self.address, "STATE_DIR": str(self.folder / f"{self.prefix}state"), **names}


class Contender(NamedTuple):
    """A way to drain the log."""

    key: str
    """What the command line calls it."""
    name: str
    guarantee: str
    command: Callable[[Place], list[str]]
    env: Callable[[Place], Mapping[str, str]] = lambda _: {}
    share: float = 1
    """Of the calls that it drains: slow ones need not drain all to show their rate."""
    spend: bool = True
    """Of the rater: does it publish `spend`, the snapshots for dashboards?"""
    controls: bool = True
    """Does its log begin with the tariff book? The peers have their plan in their code."""
    prepare: Callable[[], object] = lambda: None
    """What must be made before, once."""


def _python(*words: str) -> Callable[[Place], list[str]]:
    return lambda place: [sys.executable, *(word.format(**place._asdict()) for word in words)]


def rater(key: str, name: str, *words: str, spend: bool) -> Contender:
    """A rater; `words` run its worker."""
    return Contender(key, name, "exactly once", _python("-m", *words, "worker"), spend=spend)


def earlier(commit: str, tree: Path) -> Contender:
    """The rater of an earlier commit, whose files are in a folder; charges alone."""
    name = f"rater at {commit}, charges alone"
    return rater(commit, name, "tests.support.other_version", str(tree), spend=False)


FLOOR = Contender(
    "floor",
    "aiokafka alone, copying each call",
    "none",
    _python("-m", "benchmarks.baselines.floor", "{address}", "{prefix}"),
)
PLAIN = Contender(
    "faust",
    "plain Faust agent, a table write and a send a call",
    "at least once",
    _python("-m", "benchmarks.baselines.plain_faust", "{address}", "{prefix}"),
    share=0.1,
)
CHARGES = rater("charges", "rater: charges, remembered calls, alerts", "rater", spend=False)
RATER = rater("rater", "rater: the same and spend for dashboards", "rater", spend=True)
KSTREAMS = Contender(
    "kafka-streams",
    "Kafka Streams 4.1, RocksDB and cache, 128 KiB batches",
    "exactly once",
    lambda _: [
        "java",
        "-Xmx1g",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        build.kafka_streams(),
        "peers.Rater",
    ],
    lambda place: place.peer_env | {"APP_ID": f"{place.prefix}streams", "COMMIT_MS": str(COMMIT_MS), "EXTRA": BATCHES},
    controls=False,
    prepare=build.kafka_streams,
)
QUIX = Contender(
    "quix",
    "Quix Streams 3.28, RocksDB",
    "exactly once",
    lambda _: [build.quix(), str(ROOT / "benchmarks" / "peers" / "quix_rater.py")],
    lambda place: place.peer_env | {"GROUP": f"{place.prefix}quix", "COMMIT_S": str(COMMIT_MS / 1000)},
    controls=False,
    prepare=build.quix,
)
ALL = (CHARGES, RATER, KSTREAMS, QUIX, FLOOR, PLAIN)
