"""The audit's own eyes: what was published, looked at by itself, whatever the replay says of it.

A replay runs the rules, and a fault of the rules is in both of what it compares. What is looked at here knows no rule:
numbers, sums, identities, closings, keys and partitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from rater.audit.report import Report
from rater.audit.verify import Verifier
from rater.processor.rows import CALLS, USAGE
from rater.seam.partitions import partition_of
from rater.seam.rows import PartitionRows


class Eyes:
    """Looks at the charges of one partition in their order, from the rows of an origin on."""

    def __init__(self, report: Report, topic: str, partition: int, partitions: int, rows: PartitionRows) -> None:
        self._report, self._place = report, f"{topic}/{partition}"
        self._partition, self._partitions = partition, partitions
        self._verifier = Verifier()
        for usage_key, usage in rows.table(USAGE).items():
            account, _, period = usage_key.decode().partition("\x1f")
            self._verifier.last[account, period] = usage.seq
            self._verifier.totals[account, period] = usage.total
        for call_key in rows.table(CALLS):
            account, source, call_id = call_key.decode().split("\x1f")
            self._verifier.calls.add(hash((account, source, call_id)))

    def look(self, records: Iterable[Any]) -> None:
        """The next published charges."""
        for record in records:
            place = f"{self._place}/{record.offset}"
            try:
                charge = orjson.loads(record.value)
                faults = list(self._verifier.faults(charge))
                faults += self._key(record.key, str(charge["account"]))
            except (ValueError, TypeError, KeyError, ArithmeticError) as error:
                faults = [f"not a charge that can be read: {type(error).__name__}"]
            for fault in faults:
                self._report.add_finding("books", place, fault)

    def _key(self, key: bytes | None, account: str) -> list[str]:
        if key != account.encode():
            return [f"the key is not the account {account}"]
        home = partition_of(key, self._partitions)
        return [] if home == self._partition else [f"charges of {account} belong into partition {home}"]
