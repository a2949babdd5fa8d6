"""Each record has exactly one outcome: the reasons of rejection one by one, repetitions, conflicts, forwarding."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import Counter
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest

from rater.processor import step as step_module
from rater.processor.replay import Replay
from rater.processor.step import make_step
from rater.seam.model import LogRecord, Output
from rater.seam.partitions import partition_of
from rater.wire.events import CallEnded
from rater.wire.reasons import REASONS
from rater.wire.results import RESULTS
from tests.support.logs import (
    STAMP,
    START,
    Event,
    Log,
    bodies,
    book,
    call,
    published,
    record,
    shipped,
    subscribed,
    tick,
)

FLAT = {"minutes": {"rate": "0.10"}}
DAILY = {"fee": "10", "proration": "daily", **FLAT}

VOID = {"type": "call-voided/1", "account": "A", "source": "pbx-1", "call_id": "c-1", "reason": "test call"}
CREDIT = {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a", "amount": "-1", "reason": "outage"}

ALONE: list[tuple[str, LogRecord]] = [
    ("not-json", LogRecord(9, STAMP, b"A", None)),
    ("not-json", LogRecord(9, STAMP, b"A", b"\xff{")),
    ("unknown-type", LogRecord(9, STAMP, b"A", b'{"type":"call-begun/1"}')),
    ("wrong-shape", LogRecord(9, STAMP, b"A", b"[]")),
    ("wrong-shape", record(9, call("A", 1, color="red"))),
    ("naive-time", record(9, call("A", 1, started_at="2026-11-03T09:00:00"))),
    ("answered-without-time", record(9, call("A", 1, None, disposition="answered"))),
    ("time-without-answer", record(9, call("A", 1, disposition="busy"))),
    ("times-out-of-order", record(9, call("A", 1, started_at="2026-11-03T10:00:00+08:00"))),
    ("too-long-call", record(9, call("A", 1, 86_400))),
    ("record-too-large", LogRecord(9, STAMP, b"A", b" " * 64 * 1024)),
    ("key-mismatch", record(9, call("A", 1))._replace(key=b"B")),
    ("key-mismatch", record(9, call("A", 1))._replace(key=None)),
    ("key-mismatch", record(9, tick("2026-11-01T00:00:00Z"))._replace(key=b"A")),
    ("ends-in-future", record(9, call("A", 1), timestamp=int(START.timestamp() * 1000) - 240_000)),
    ("tick-ahead", record(9, tick("2027-01-15T08:05:00.001Z"))),
    ("stale-book", record(9, published(shipped(close_after="9d")))),
    ("plan-changed", record(9, published(shipped(version=2, plans={"per-minute": FLAT}, default_plan=None)))),
    ("currency-changed", record(9, published(shipped(version=2, currency="JPY", precision=None)))),
    ("currency-changed", record(9, published(shipped(version=2, precision=3)))),
    ("unknown-plan", record(9, subscribed("A", "gold"))),
    ("unknown-call", record(9, VOID)),
    ("unknown-account", record(9, CREDIT)),
]
"""(reason, a record that has nothing else wrong with it) after the shipped book."""


@pytest.mark.parametrize(("reason", "bad"), ALONE, ids=[f"{n}-{reason}" for n, (reason, _) in enumerate(ALONE)])
def test_a_bad_record_is_rejected_with_its_reason_and_the_stream_goes_on(reason: str, bad: LogRecord) -> None:
    """It makes no charge, comes out as received, and the next call is charged."""
    log = Log()
    assert log.feed([bad, record(10, call("Z", 1))])[0]["account"] == "Z"
    [rejected] = [output for output in log.outputs if output.topic == "rejected"]
    body = orjson.loads(rejected.value or b"")
    assert (body["reason"], rejected.key, rejected.timestamp) == (reason, bad.key, bad.timestamp)
    assert body["value"] == (None if bad.value is None else b64encode(bad.value).decode())
    assert dict(rejected.headers)["rater-from"] == b"calls/0/9"
    assert log.outcomes == {"applied": 1, "charged": 1, f"rejected:{reason}": 1}
    assert reason in REASONS


def reasons(words: Event | None, *events: Event) -> list[str]:
    log = Log(words=words)
    log.add(*events)
    return log.rejected


def test_reasons_that_need_a_history() -> None:
    """No book, no plan, an end, a conflict, what needs re-rating, and dates that are a mistake."""
    no_default = book({"p": FLAT, "d": DAILY})
    early, late = "2026-10-15T00:00:00+08:00", "2026-11-20T00:00:00+08:00"
    log = Log(publish=False)
    log.add(call("A", 1), subscribed("A", "p"))
    assert log.rejected == ["no-tariff-book", "no-tariff-book"]
    assert reasons(no_default, call("A", 1)) == ["unknown-account"]
    assert reasons(no_default, subscribed("A", "p", late), call("A", 1)) == ["unknown-account"]
    assert reasons(
        no_default, subscribed("A", "p", early), subscribed("A", None, subscription_id="x"), call("A", 1)
    ) == ["account-ended"]
    assert reasons(None, call("A", 1), call("A", 1, 61)) == ["conflict"]
    assert reasons(None, subscribed("A", "per-call"), subscribed("A", "per-call", late)) == ["conflict"]
    assert reasons(None, call("A", 1), subscribed("A", "per-call", billing_day=15)) == []
    closes = tick("2027-01-12T00:00:00+08:00")
    assert reasons(None, call("A", 1), closes, subscribed("A", "per-call", early)) == ["closed-period"]
    assert reasons(None, subscribed("A", "per-call", "1970-01-02T00:00:00Z"), tick("2026-01-01T00:00:00Z")) == []
    far = datetime.fromisoformat("2999-01-01T00:00:00Z")
    bare = Log(make_step(check_timestamps=False))
    bare.add(subscribed("A", "per-call", early), call("A", 1, start=far))
    assert bare.rejected == ["too-far"]


def test_what_exceeds_the_bounds_of_a_row_is_rejected_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account whose history would not fit its row keeps the history that it has."""
    log = Log()
    log.add(subscribed("A", "per-call"))
    monkeypatch.setattr(step_module, "ROW_BYTES", 600)
    log.add(*(subscribed("A", "per-call", subscription_id=f"s-{n}") for n in range(9)))
    assert log.outcomes["rejected:too-large"] > 0
    assert log.outcomes["applied"] + log.outcomes["rejected:too-large"] == 11
    account = log.replay.rows[0].get("accounts", b"A")
    assert account is not None
    assert len(account.history) == log.outcomes["applied"] - 1


def test_an_error_in_the_rules_rejects_one_record_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of a record's effects never stays: the fee that fell due with it comes with the next call."""
    log = Log()
    log.add(subscribed("A", "hybrid-200", "2026-11-01T00:00:00+08:00"), timestamp=1)
    rate = vars(__import__("rater.processor.call_ended", fromlist=["charge_call"]))["charge_call"]

    broke: list[int] = []

    def broken(*args: Any) -> Any:
        broke.append(1)
        if len(broke) == 1:
            raise ZeroDivisionError("a fault")
        return rate(*args)

    monkeypatch.setattr("rater.processor.call_ended.charge_call", broken)
    charges = log.add(call("A", 1), call("A", 2, start=START + timedelta(hours=1)))
    assert [(charge["seq"], charge["kind"]) for charge in charges] == [(1, "fee"), (2, "usage")]
    [rejected] = bodies(log.outputs, "rejected")
    assert rejected["reason"] == "internal-error"
    assert rejected["detail"].startswith("ZeroDivisionError in test_an_error_in_the_rules_")
    assert rejected["detail"].endswith(".<locals>.broken")


def test_a_lack_of_memory_is_no_fault_of_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends the process; the record is rated after the restart."""

    def starved(*_: Any) -> Any:
        raise MemoryError

    log = Log()
    monkeypatch.setattr("rater.processor.common_prices.cost", starved)
    with pytest.raises(MemoryError):
        log.add(call("A", 1))
    monkeypatch.undo()
    monkeypatch.setattr("rater.processor.call_ended.charge_call", starved)
    with pytest.raises(MemoryError):
        log.add(call("A", 1) | {"caller": "é"})  # not a common call


def test_a_repetition_changes_nothing_however_it_is_written() -> None:
    """Other field order and other offsets of the same instants are the same content."""
    log = Log()
    first = call("A", 1)
    again = dict(reversed(first.items()))
    utc = datetime.fromisoformat("2026-11-03T01:00:00.000000Z").isoformat()
    log.add(first, again, {**first, "started_at": utc}, subscribed("B", "per-call"), subscribed("B", "per-call"))
    assert log.outcomes == {"applied": 2, "charged": 1, "duplicate": 3}
    assert len(log.charges) == 1


def test_null_and_left_out_are_two_things_to_a_subscription() -> None:
    """The same id with a field cleared is a conflict with one that left it out."""
    log = Log()
    log.add(subscribed("A", "per-call"), subscribed("A", "per-call", spend_cap=None))
    assert log.rejected == ["conflict"]


def test_the_source_is_part_of_a_calls_identity() -> None:
    """Two switches may give the same call id."""
    log = Log()
    assert len(log.add(call("A", 1), call("A", 1, source="pbx-2"), call("B", 1))) == 3


def test_a_misplaced_record_goes_to_its_partition_unchanged() -> None:
    """Bytes and key as they were; there it is rated, and nothing of the account stays here."""
    replay = Replay(make_step(), partitions=4)
    home = partition_of(b"A", 4)
    wrong = (home + 1) % 4
    for partition in (home, wrong):
        replay.feed(partition, [record(0, published(shipped()))])
    misplaced = record(1, call("A", 1))
    effects = replay.feed(wrong, [misplaced])
    [output] = effects.outputs
    assert (output.topic, output.partition, output.key, output.value) == ("calls", home, b"A", misplaced.value)
    assert dict(output.headers)["rater-from"] == f"calls/{wrong}/1".encode()
    assert effects.changes == {}
    copy = LogRecord(1, STAMP, output.key, output.value)
    assert len(bodies(replay.feed(home, [copy]).outputs, "charges")) == 1
    assert replay.outcomes() == {"applied": 2, "charged": 1, "forwarded": 1}


def test_misplaced_records_are_forwarded_before_the_state_here_is_asked() -> None:
    """A partition without a book forwards too; the right one decides."""
    replay = Replay(make_step(), partitions=4)
    wrong = (partition_of(b"A", 4) + 1) % 4
    replay.feed(wrong, [record(0, subscribed("A", "per-call"))])
    assert replay.outcomes() == {"forwarded": 1}


def test_unknown_accounts_leave_no_rows() -> None:
    """Garbage does not make the state grow."""
    log = Log(words=book({"p": FLAT}))
    changes = log.replay.step(
        log.replay.rows[0], log.replay.heads[0], 0, [record(1, call(f"X{n}", n)) for n in range(50)]
    ).changes
    assert changes == {}


@pytest.mark.parametrize(
    ("key", "value"), [(b"k" * 70_000, b"v" * 70_000), (b"k", b"v" * 1_000_000), (b"k" * 900_000, None)]
)
def test_a_huge_record_is_told_by_its_digest(key: bytes, value: bytes | None) -> None:
    """What is rejected stays below 512 KiB; above the limits length, SHA-256 and the first KiB tell it."""
    log = Log()
    log.feed([LogRecord(1, STAMP, key, value)])
    [output] = [output for output in log.outputs if output.topic == "rejected"]
    body = orjson.loads(output.value or b"")
    assert body["reason"] == "record-too-large"
    assert len(output.value or b"") + len(output.key or b"") < 512 * 1024
    for data, told in ((key, body["key"]), (value, body["value"])):
        if isinstance(told, dict):
            assert data is not None
            assert (told["length"], told["sha256"]) == (len(data), sha256(data).hexdigest())
            assert b64decode(told["start"]) == data[:1024]
        else:
            assert (None if told is None else b64decode(told)) == data


def test_every_output_holds_to_its_model() -> None:
    """The hot path builds JSON by hand; charges and rejections are what the contracts say."""
    words = book(
        {
            "v": {
                "fee": "7",
                "minutes": {"volume": [{"from": 0, "rate": "0.125", "flat": "9"}, {"from": 3, "rate": "0.1"}]},
            }
        }
    )
    log = Log(words=words)
    calls = (call("A", n, 30 * n, direction="internal") for n in range(6))
    log.add(subscribed("A", "v"), *calls, call("A", 7, None), call("X", 1), call("A", 7, 3))
    log.add({**VOID, "call_id": "c-3"}, CREDIT)
    log.feed([bad._replace(offset=log.offset + n) for n, (_, bad) in enumerate(ALONE)])
    log.add(tick("2027-01-15T00:00:00Z"))
    kinds = Counter(validated(output) for output in log.outputs)
    assert kinds["charge/1"] == 8 + 3 + 2  # two voids and a credit; fees of December and January
    assert kinds["period-closed/1"] == 2
    assert kinds["rejected/1"] == len(log.outputs) - 15


def validated(output: Output) -> str:
    """The output's type, if it is a message of that type, headers and all."""
    value = output.value or b""
    kind = str(orjson.loads(value)["type"])
    RESULTS[kind].model_validate_json(value)
    headers = dict(output.headers)
    assert set(headers) == {"ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "rater-from"}
    assert headers["ce_type"].decode() == kind
    assert datetime.fromisoformat(headers["ce_time"].decode()).timestamp() * 1000 == output.timestamp
    return kind


def test_the_place_of_a_record_carries_the_logs_own_name() -> None:
    """With a prefix on the topics, the header says where to look."""
    log = Log(make_step("prod-calls"))
    log.add(call("A", 1))
    assert dict(log.outputs[0].headers)["rater-from"] == b"prod-calls/0/1"


def test_a_call_is_an_event_of_the_contract() -> None:
    """The helper of these tests writes what the contract reads."""
    CallEnded.model_validate_json(orjson.dumps(call("A", 1)))
