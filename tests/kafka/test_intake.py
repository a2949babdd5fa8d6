"""Records of switches through their topics on a real Kafka."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from tests.support.rated import charges_of, outcomes_in, until_outcomes, until_rated
from tests.support.reading import values
from tests.support.workers import Rater

EXAMPLES = Path(__file__).parents[2] / "examples" / "switches"
FORMATS = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())


def records_file(name: str) -> Path:
    """The records of a format's example."""
    (found,) = (path for path in (EXAMPLES / name).iterdir() if path.name not in {"profile.yaml", "numbers.csv"})
    return found


def source_of(name: str) -> str:
    """The source that a format's example names."""
    lines = (EXAMPLES / name / "profile.yaml").read_text().splitlines()
    return next(line.removeprefix("source: ") for line in lines if line.startswith("source: "))


async def subscribed(rater: Rater) -> None:
    """The accounts of the examples, as their events say."""
    async with AIOKafkaProducer(bootstrap_servers=rater.settings["bootstrap_servers"]) as producer:
        for event in (EXAMPLES / "events.jsonl").read_bytes().splitlines():
            key = orjson.loads(event)["account"].encode()
            await producer.send_and_wait(f"{rater.settings['topic_prefix']}calls", event, key)


def heads(source: str) -> str:
    """Where the intake of a switch keeps what came of its records."""
    return f"intake-{source}-heads-changelog"


async def until_taken_in(rater: Rater, source: str, records: int) -> dict[str, int]:
    """Wait until so many records have their outcome where they belong; says how they came out.

    Those that were forwarded are counted in the partition that they went to.
    """

    async def taken_in(found: Counter[str]) -> bool:
        return found.total() - found["forwarded"] >= records

    return await until_outcomes(rater, taken_in, f"{records} records of {source}", 240, heads(source))


@pytest.mark.parametrize("name", FORMATS)
async def test_the_topic_gives_the_charges_of_the_file(rater: Rater, name: str) -> None:
    """Byte for byte, whatever the format; and what else was in the file has its outcome."""
    rater.settings["partitions"] = "1"
    profile, file, source = EXAMPLES / name / "profile.yaml", records_file(name), source_of(name)
    rater.run_here("topics", "create", "--switch", source)
    rater.run_here("tariffs", "publish")
    await subscribed(rater)
    rater.run("import", file, "--profile", profile)
    rater.intake(profile)
    rater.worker()
    await until_rated(rater, 9)
    expected = rater.folder / "charges.jsonl"
    words = rater.run("import", file, "--profile", profile, "--rate", "--events", EXAMPLES / "events.jsonl", "--out",
                      expected, "--json", status=None)  # fmt: skip
    assert b"\n".join(values(await charges_of(rater))[0]) == expected.read_bytes().strip()
    assert await outcomes_in(rater, heads(source)) == orjson.loads(words)["outcomes"]
    again = orjson.loads(rater.run("import", file, "--profile", profile, "--json", status=None))
    assert (again["outcomes"], again["bytes_known"]) == ({}, file.stat().st_size)
