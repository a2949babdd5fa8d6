"""What the step costs: microseconds of CPU a call, by part. `python -m benchmarks.step [--profile]`.

40,000 calls of 10,000 accounts, skewed, on the hybrid plans, in batches of 2,000: parsing, rating, charges and their
encoding; and the encoding of the changed rows. No Kafka.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import random
from collections.abc import Callable
from statistics import median
from time import process_time

import orjson

from benchmarks import mix
from rater.processor.replay import Replay
from rater.processor.rows import TABLES
from rater.processor.step import make_step
from rater.seam.model import Changes, LogRecord
from rater.wire.parse import parse

ACCOUNTS = 10_000
CALLS = 40_000
BATCH = 2_000
STAMP = 1_793_500_000_000
"""2026-11-01T02:26:40Z in milliseconds."""

_HYBRID = {"minutes": {"allowance": 50, "rate": "0.18"}, "calls": {"rate": "2.50"}, "fee": "200.00"}
BOOK = {"version": 1, "currency": "CNY", "time_zone": "Asia/Shanghai", "plans": {"hybrid-200": _HYBRID}}


def _record(offset: int, account: str | None, event: dict[str, object]) -> LogRecord:
    key = None if account is None else account.encode()
    return LogRecord(offset, STAMP + offset, key, orjson.dumps(event))


def _prepared() -> Replay:
    replay = Replay(make_step())
    records = [_record(0, None, {"type": "tariffs-published/1", "book": BOOK})]
    for number in range(ACCOUNTS):
        account = f"A{number:06d}"
        event: dict[str, object] = {
            "type": "account-subscribed/1",
            "account": account,
            "subscription_id": f"s-{number}",
            "plan": "hybrid-200",
            "from": "2026-11-01T00:00:00+08:00",
        }
        records.append(_record(number + 1, account, event))
    replay.feed(0, records)
    return replay


def _calls(seed: int) -> list[LogRecord]:
    rng = random.Random(seed)
    records = []
    for number in range(CALLS):
        account = f"A{int(ACCOUNTS * rng.random() ** 3):06d}"
        records.append(_record(ACCOUNTS + 1 + number, account, mix.call(rng, account, f"c-{number:07d}")))
    return records


def _timed(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return process_time() - began


def _encode(changes: Changes) -> None:
    for table in TABLES:
        for row in changes.get(table.name, {}).values():
            table.encode(row)


def _fold(replay: Replay, records: list[LogRecord]) -> dict[str, list[float]]:
    """Microseconds a call by part, batch by batch."""
    spent: dict[str, list[float]] = {"parse": [], "step": [], "encode rows": []}
    for start in range(0, CALLS, BATCH):
        batch = records[start : start + BATCH]
        spent["parse"].append(_timed(lambda batch=batch: [parse(record.value) for record in batch]))  # type: ignore[misc]
        began = process_time()
        effects = replay.feed(0, batch)
        spent["step"].append(process_time() - began)
        spent["encode rows"].append(_timed(lambda effects=effects: _encode(effects.changes)))  # type: ignore[misc]
    return {part: [seconds / BATCH * 1e6 for seconds in batches] for part, batches in spent.items()}


def main() -> None:
    """Print microseconds a call by part; `step` contains its own parsing."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--profile", action="store_true", help="also print where the step spends its time")
    options.add_argument("--repeats", type=int, default=3)
    chosen = options.parse_args()
    gc.set_threshold(100_000, 20, 20)  # as the worker does
    spent: dict[str, list[float]] = {}
    for seed in range(chosen.repeats):
        replay, records = _prepared(), _calls(seed)
        gc.freeze()
        for part, batches in _fold(replay, records).items():
            spent.setdefault(part, []).extend(batches)
        assert replay.outcomes()["charged"] == CALLS
    print("microseconds of CPU a call          best batch   median batch   (parsing is in the step)")
    for part, batches in spent.items():
        print(f"{part:35} {min(batches):10.1f} {median(batches):14.1f}")
    if chosen.profile:
        profile = cProfile.Profile()
        replay, records = _prepared(), _calls(0)
        profile.runcall(_fold, replay, records)
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
