#!/usr/bin/env python3
"""Whether charges hold by themselves. For whoever does not trust the rater: one file, and none of its rules.

`python verify.py charges.jsonl`, or charges on standard input: one JSON object a line, an account's in their order.
Each account's period counts its charges 1, 2, 3; `period_total` is their sum so far; the lines of a charge sum to its
amount; a call (account, source, call id) is charged once, in whatever period; a period is closed once, nothing comes
after that, and none overlaps one that is closed. Exit status 1 when anything is wrong.
"""

import fileinput
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any


class Verifier:
    """What was seen of the charges so far."""

    def __init__(self) -> None:
        self.last: dict[tuple[str, str], int] = defaultdict(int)
        self.totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.calls: set[int] = set()
        """Hashes, for there are millions: two of 10,000,000 calls share one by chance in one of 300,000 audits."""
        self.closed: set[tuple[str, str]] = set()
        self.ends: dict[str, datetime] = {}
        self.charges = 0

    def faults(self, charge: dict[str, Any]) -> Iterator[str]:
        """What is wrong with the next charge, seen from those before it."""
        place = (charge["account"], charge["period"])
        if place in self.closed:
            yield f"{':'.join(place)}: {charge.get('charge_id', 'a second closing')} comes after the period was closed"
        if charge["type"] == "period-closed/1":
            yield from self._closing(charge, place)
            if (charge["last_seq"], Decimal(charge["total"])) != (self.last[place], self.totals[place]):
                yield f"{':'.join(place)}: closed with another number or total than its charges have"
            return
        amount = Decimal(charge["amount"])
        due, total = self.last[place] + 1, self.totals[place] + amount
        self.charges += 1
        self.last[place], self.totals[place] = charge["seq"], Decimal(charge["period_total"])
        if charge["charge_id"] != f"{place[0]}:{place[1]}:{charge['seq']}":
            yield f"{charge['charge_id']}: it stands for charge {charge['seq']} of {':'.join(place)}"
        if charge["seq"] != due:
            yield f"{charge['charge_id']}: seq {due} was due"
        if self.totals[place] != total:
            yield f"{charge['charge_id']}: period_total {self.totals[place]} should be {total}"
        if sum((Decimal(line["amount"]) for line in charge["lines"]), Decimal(0)) != amount:
            yield f"{charge['charge_id']}: the lines do not sum to {amount}"
        if charge["kind"] == "usage" and "call" in charge:
            yield from self._call(charge, charge["call"])

    def _call(self, charge: dict[str, Any], said: dict[str, Any]) -> Iterator[str]:
        """A call is charged once, and not into time that is closed, unless it says that it is late."""
        end = self.ends.get(charge["account"])
        if not charge["late"] and end is not None and datetime.fromisoformat(said["started_at"]) < end:
            yield f"{charge['charge_id']}: its call started in a period that was closed before"
        call = hash((charge["account"], said["source"], said["call_id"]))
        if call in self.calls:
            yield f"{charge['charge_id']}: call {said['call_id']} of {said['source']} is charged again"
        self.calls.add(call)

    def _closing(self, charge: dict[str, Any], place: tuple[str, str]) -> Iterator[str]:
        """A period that closes begins where the account's last closed one ended, or later."""
        start, end = (datetime.fromisoformat(charge[name]) for name in ("start", "end"))
        before = self.ends.get(place[0])
        if before is not None and start < before:
            yield f"{':'.join(place)}: it begins at {start.isoformat()}, within a period that was closed before"
        self.ends[place[0]] = end if before is None else max(before, end)
        self.closed.add(place)


def main(lines: Iterable[str]) -> int:
    """Print every fault and a summary; gives the exit status."""
    verifier, wrong = Verifier(), 0
    for line in lines:
        for fault in verifier.faults(json.loads(line)):
            wrong += 1
            print(fault)
    total = sum(verifier.totals.values(), Decimal(0))
    print(f"{verifier.charges} charges, {len(verifier.totals)} periods, sum {total}: {wrong or 'nothing'} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    with fileinput.input(encoding="utf-8") as given:
        sys.exit(main(given))
