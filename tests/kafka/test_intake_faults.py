"""A FreeSWITCH on its worse days, and an intake and a worker that are killed: each call is charged once."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter

from tests.kafka.test_intake import EXAMPLES, until_taken_in
from tests.support.rated import charged_calls, charges_of, until_all_rated
from tests.support.workers import Rater

CALLS = int(os.environ.get("RATER_TEST_RAW", "3000"))
"""The issue's own count is 30,000 and more; `make test-kafka` does with fewer."""
PROFILE = EXAMPLES / "freeswitch-event" / "profile.yaml"
FAULTS = ("--two-legs", "--duplicates", 0.03, "--garbage", 0.01, "--shuffle", 10, "--wrong-keys")


async def test_every_call_is_charged_once(ready: Rater) -> None:
    """And every other record has the outcome that the switch's own truth file says."""
    ready.run_here("topics", "create", "--switch", "fs-2")
    truth = ready.folder / "truth.jsonl"
    intake, worker = ready.intake(PROFILE), ready.worker()
    words = ("--calls", CALLS, "--accounts", 40, "--truth", truth, "--rate", max(500, CALLS // 6), *FAULTS)
    writing = asyncio.create_task(asyncio.to_thread(ready.run, "simulate", "--format", "freeswitch-event", *words))
    for share in (4, 2):
        await until_taken_in(ready, "fs-2", CALLS // share)
        intake.kill()
        worker.kill()
        intake, worker = ready.intake(PROFILE), ready.worker()
    await writing
    lines = [json.loads(line) for line in truth.read_bytes().splitlines()]
    expected = Counter(line["becomes"] for line in lines)
    found = await until_taken_in(ready, "fs-2", len(lines))
    assert {name: count for name, count in found.items() if name != "forwarded"} == expected
    rated = await until_all_rated(ready)
    assert rated["charged"] == expected["call"]
    calls = charged_calls(await charges_of(ready))
    billed = Counter({(line["account"], "fs-2", line["ident"]): 1 for line in lines if line["becomes"] == "call"})
    assert calls == billed
    audit = json.loads(ready.run("audit", "--json"))
    assert audit["residue"] == {"CNY": "0.00"}
