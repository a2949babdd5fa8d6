"""A month of a million charges over 5,000 accounts: what its page reads, and what an export costs a row.

    python -m benchmarks.month [CHARGES]

The baseline is the same rows read from SQLite and thrown away, in the same run. Memory is the process's highest.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import event, insert

from rater.readmodel import tables
from rater.readmodel.exports import FORMATS, exported_charges, exported_periods
from rater.readmodel.month_charges import WantedCharges, month_charges
from rater.readmodel.months import WantedPeriods, month_periods, month_totals
from rater.readmodel.store import Money, Store, put_facts

ACCOUNTS = 5_000
MONTH = "2026-10"
MONEY = Money("CNY", 2)
AT_ONCE = 20_000


def main() -> None:
    """Fill a read model, look at the month, export it in each format."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'month.db'}")
        store.open("")
        fill(store, number)
        read: list[str] = []
        event.listen(store.engine, "before_cursor_execute", lambda *words: read.append(words[2]))
        with store.read() as connection:
            began = time.process_time()
            totals = month_totals(connection, WantedPeriods(MONTH))
            month_periods(connection, WantedPeriods(MONTH), "change", None, 51, descending=True)
            took = time.process_time() - began
            rows_read = sum("FROM charges" in one for one in read)
            print(
                f"the page: {took * 1000:.0f} ms of CPU, {rows_read} statements that read charges; total {totals.total}"
            )
            rows = [("read only", number, *measured(month_charges(connection, WantedCharges(MONTH))))]
            for form in FORMATS:
                charges = exported_charges(month_charges(connection, WantedCharges(MONTH)), form, MONEY)
                rows.append((f"charges, {form}", number, *measured(charges)))
                periods = month_periods(connection, WantedPeriods(MONTH))
                rows.append((f"periods, {form}", ACCOUNTS, *measured(exported_periods(periods, form, MONEY))))
        store.close()
    print(f"{'':20}{'rows':>12}{'CPU us a row':>14}{'memory MB':>11}")
    for name, count, cpu, memory in rows:
        print(f"{name:20}{count:>12,}{cpu / count * 1e6:>14.2f}{memory:>11.0f}")


def measured(pieces: Iterable[object]) -> tuple[float, float]:
    """Seconds of CPU for all pieces, and the most memory that the process had until then, in MB."""
    began = time.process_time()
    for _ in pieces:
        pass
    return time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fill(store: Store, number: int) -> None:
    """So many charges, each account's in turn."""
    each = number // ACCOUNTS
    with store.write() as connection:
        put_facts(connection, {"currency": MONEY.currency, "precision": str(MONEY.precision)})
        batch: list[dict[str, Any]] = []
        for row in charges(each):
            batch.append(row)
            if len(batch) == AT_ONCE:
                connection.execute(insert(tables.charges), batch)
                batch.clear()
        if batch:
            connection.execute(insert(tables.charges), batch)
        connection.execute(insert(tables.periods), list(periods(each)))
        connection.execute(insert(tables.sums), [{"period": MONTH, "total": number * 40, "accounts": ACCOUNTS}])


def charges(each: int) -> Iterator[dict[str, Any]]:
    """Calls of two minutes at 0.20."""
    for account in (f"A{n:06}" for n in range(ACCOUNTS)):
        for seq in range(1, each + 1):
            call = {
                "source": "pbx-1",
                "call_id": f"{account}-{seq:06}",
                "started_at": f"2026-10-{seq % 28 + 1:02}T08:00:00.000000+00:00",
                "direction": "outbound",
                "connected": True,
                "talk_seconds": 107,
                "billed_seconds": 120,
            }
            line = {
                "meter": "minutes",
                "quantity": "2",
                "covered": "0",
                "billable": "2",
                "rate": "0.20",
                "amount": "0.40",
            }
            body = {
                "type": "charge/1",
                "charge_id": f"{account}:{MONTH}:{seq}",
                "account": account,
                "period": MONTH,
                "seq": seq,
                "kind": "usage",
                "plan": "per-minute@1",
                "call": call,
                "lines": [line],
                "amount": "0.40",
                "currency": "CNY",
                "period_total": MONEY.plain(40 * seq),
                "allowance_left": {},
                "late": False,
            }
            yield {
                "account": account,
                "period": MONTH,
                "seq": seq,
                "kind": "usage",
                "amount": 40,
                "at": 1_790_000_000_000_000 + seq,
                "call_id": call["call_id"],
                "direction": "outbound",
                "connected": True,
                "talk": 107,
                "late": False,
                "body": json.dumps(body, separators=(",", ":")),
            }


def periods(each: int) -> Iterator[dict[str, Any]]:
    """A running period an account."""
    counts = dict.fromkeys(("attempts", "connected", "calls"), each)
    rest: dict[str, Any] = {"plan": "per-minute@1", "allowance_left": {}, "closed": False, "touched": 0}
    for account in (f"A{n:06}" for n in range(ACCOUNTS)):
        money = {"total": 40 * each, "summed": 40 * each, "fees": 0, "manual": 0}
        yield {"account": account, "period": MONTH, "seq": each, "talk": 107 * each, **counts, **money, **rest}


if __name__ == "__main__":
    main()
