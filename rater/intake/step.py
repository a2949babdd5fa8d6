"""The intake's step: records of a switch -> calls in the log, each to the partition of its account, whatever the
switch did with keys. Pure, as the rater's own step is; a record has exactly one outcome:

| outcome | what it did |
|---|---|
| `call` | a call stands in the log |
| `forwarded` | it went, unchanged, to the partition of its identity: there it is decided whether it is known |
| `skipped:REASON` | it is no call to charge: another leg, another event, a header, a record that came before |
| `rejected:REASON` | no call can be made of it; it stands in the topic of rejected records of switches |

A known identity keeps its account: a record that is sent again after the profile changed is never charged twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from rater.intake.rows import RECORDS, account_of, day_group, fingerprint_of, record_row
from rater.processor.decision import FORWARDED, REJECTED, Rejected
from rater.processor.outputs import first_place, message_headers, rejected_record
from rater.seam.model import Changes, Effects, Head, Output, Record, Rows, Step
from rater.seam.partitions import partition_of
from rater.switches.convert import Converted, convert
from rater.switches.profile import Profile
from rater.switches.raw import NotACall
from rater.wire.events import CDR

CALL = "call"
SKIPPED = "skipped:"
DUPLICATE = "skipped:duplicate"
DAY_MS = 86_400_000
FORGOTTEN_AT_ONCE = 4
"""Rows that a record may clear away: more than it adds, so that they never pile up."""


def make_intake_step(profile: Profile, topic: str, calls: int) -> Step:
    """The step over a switch's topic; `calls` is the number of partitions of the log of calls.

    Outputs go to the roles `calls`, `switch` and `rejected`, of which the last has as many partitions as the log.
    """

    def step(rows: Rows, head: Head, partition: int, records: Iterable[Record]) -> Effects:
        return _Intake(profile, topic, calls, rows, head, partition).run(records)

    return step


class _Intake:
    """A batch on its way through."""

    def __init__(self, profile: Profile, topic: str, calls: int, rows: Rows, head: Head, partition: int) -> None:
        self.profile, self.topic, self.calls = profile, topic, calls
        self.rows, self.head, self.partition = rows, head, partition
        state: dict[str, Any] = head.state or {}
        self.newest: int = state.get("newest", 0)
        self.oldest_day: int | None = state.get("oldest_day")
        self.ambiguous: int = state.get("ambiguous", 0)
        self.changed: dict[bytes, bytes | None] = {}
        self.added: dict[int, set[bytes]] = {}
        """Day -> keys of rows that this batch made and has not cleared away."""
        self.cleared: dict[int, int] = {}
        """Day -> rows of before the batch that it cleared away."""
        self.outputs: list[Output] = []

    def run(self, records: Iterable[Record]) -> Effects:
        outcomes, due = dict(self.head.outcomes), self.head.next_offset
        for record in records:
            self.newest = max(self.newest, record.timestamp)
            outcome = self._decide(record)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            self._forget()
            due = record.offset + 1
        state = {"newest": self.newest, "oldest_day": self.oldest_day, "ambiguous": self.ambiguous}
        changes: Changes = {RECORDS: dict(self.changed)} if self.changed else {}
        return Effects(replace(self.head, next_offset=due, outcomes=outcomes, state=state), changes, self.outputs)

    def _decide(self, record: Record) -> str:
        found = convert(self.profile, record.value)
        if isinstance(found, Converted):
            return self._call(record, found)
        if isinstance(found, NotACall):
            why = Rejected(found.reason, found.detail)
            self.outputs.append(rejected_record(self._place(record), self.partition % self.calls, record, why))
            return REJECTED + found.reason
        return SKIPPED + found.reason

    def _call(self, record: Record, found: Converted) -> str:
        key = found.call.call_id.encode()
        home = partition_of(key, self.head.partitions)
        if home != self.partition:
            marks = self._headers(record, found, CDR)
            self.outputs.append(Output("switch", home, key, record.value, record.timestamp, marks))
            return FORWARDED
        known = self.changed[key] if key in self.changed else self.rows.get(RECORDS, key)
        account, value = found.call.account, found.value
        if known is None:
            day = self.newest // DAY_MS
            self.oldest_day = day if self.oldest_day is None else self.oldest_day
            self.changed[key] = record_row(found.fingerprint, day, account)
            self.added.setdefault(day, set()).add(key)
            self.ambiguous += found.ambiguous
        elif fingerprint_of(known) == found.fingerprint:
            return DUPLICATE
        elif account_of(known) != account:
            account = account_of(known)
            value = found.call.model_copy(update={"account": account}).to_json()
        to = account.encode()
        marks = self._headers(record, found, found.call.type)
        self.outputs.append(Output("calls", partition_of(to, self.calls), to, value, record.timestamp, marks))
        return CALL

    def _place(self, record: Record) -> str:
        return f"{self.topic}/{self.partition}/{record.offset}"

    def _headers(self, record: Record, found: Converted, kind: str) -> tuple[tuple[str, bytes], ...]:
        ident = f"{self.profile.source}:{found.call.call_id}"
        marks = message_headers(self._place(record), record.timestamp, ("ce_type", kind.encode()), ident)
        return (*marks, ("rater-profile", self.profile.hash.encode()), *first_place(record))

    def _forget(self) -> None:
        """Clear away a few rows of the oldest day that is no longer remembered; the same ones however records come."""
        last = self.newest // DAY_MS - self.profile.spec.remember_days
        if self.oldest_day is None or self.oldest_day >= last:
            return
        day, gone = self.oldest_day, self.cleared.get(self.oldest_day, 0)
        there = self.rows.first(RECORDS, day_group(day), gone + FORGOTTEN_AT_ONCE)
        added = self.added.get(day, set())
        keys = sorted({*(key for key in there if key not in self.changed), *added})[:FORGOTTEN_AT_ONCE]
        for key in keys:
            self.changed[key] = None
        self.cleared[day] = gone + sum(key not in added for key in keys)
        added.difference_update(keys)
        if len(keys) < FORGOTTEN_AT_ONCE:
            self.oldest_day = day + 1
