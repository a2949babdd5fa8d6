"""Workers with names of their own (`RATER_INSTANCE_ID`): one that comes back quickly gets its partitions at once."""

from __future__ import annotations

import re
from collections import Counter

from tests.kafka.test_exactly_once import CONTROL, assert_all_charged_once, assert_not_done, simulating
from tests.support.rated import until_charged, until_rated
from tests.support.workers import Rater, Worker

REPLACED = 75
"""The exit status of a worker whose place somebody else has taken."""


def assignments(worker: Worker) -> int:
    """How often it was given partitions."""
    return len(re.findall("assigned partitions", worker.text()))


async def test_a_named_worker_killed_and_started_again(ready: Rater) -> None:
    """It has its partitions long before its session would have ended, and nobody else is disturbed."""
    calls = 30_000
    ready.settings["session_timeout"] = "30"
    doomed, other = ready.worker(instance_id="one"), ready.worker(instance_id="two")
    other.until(lambda: len(other.rates() or ()) == 2, "has its half")
    doomed.until(lambda: len(doomed.rates() or ()) == 2, "has its half")
    theirs, before = doomed.rates(), assignments(other)
    async with simulating(ready, calls, "--rate", 1500):
        for share in (0.1, 0.3, 0.5):
            await until_charged(ready, int(share * calls))
            doomed.kill()
            await assert_not_done(ready, calls + CONTROL)
            doomed = ready.worker(instance_id="one")
            assert doomed.rates() == theirs
    found = await until_rated(ready, calls + CONTROL)
    assert found == Counter(charged=calls, applied=CONTROL)
    assert assignments(other) == before
    await assert_all_charged_once(ready, calls)


async def test_a_name_is_given_to_two_workers(ready: Rater) -> None:
    """The one who came first ends and says why; the other rates everything."""
    first = ready.worker(instance_id="one")
    second = ready.worker(instance_id="one")
    assert second.rates() == {0, 1, 2, 3}
    assert first.wait() == REPLACED
    assert "two workers have the same RATER_INSTANCE_ID" in first.text()
