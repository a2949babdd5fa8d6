"""Run by the client's Python: FOLDER of the client, ADDRESS of the console, TOKEN, CHARGES and SUM of the audit."""

import importlib
import sys
import time
from decimal import Decimal
from typing import Any

folder, address, token, charges, total = sys.argv[1:]
sys.path.insert(0, folder)
client = importlib.import_module("consoleclient").AuthenticatedClient(base_url=address, token=token, timeout=60)
models = importlib.import_module("consoleclient.models")


def ask(operation: str, *words: Any, **more: Any) -> Any:
    """An operation's answer."""
    answer = importlib.import_module(f"consoleclient.api.default.{operation}").sync_detailed(
        *words, client=client, **more
    )
    assert answer.status_code == 200, answer
    return answer.parsed


def pages(operation: str, **more: Any) -> Any:
    """Every item of a list."""
    cursor: Any = None
    while True:
        page = ask(operation, **more, **({"cursor": cursor} if cursor else {}))
        yield from page.items
        cursor = page.next_
        if not cursor:
            return


until = time.monotonic() + 60
while ask("get_overview").charges < int(charges):
    assert time.monotonic() < until, "the console does not catch up"
    time.sleep(0.2)
count, summed, by_period = 0, Decimal(0), Decimal(0)
for month in ask("list_months"):
    for charge in pages("list_charges", period=month.month, limit=500):
        count, summed = count + 1, summed + Decimal(charge.amount)
    by_period += sum(Decimal(one.total) for one in pages("list_periods", period=month.month, limit=500))
assert (count, summed, by_period) == (int(charges), Decimal(total), Decimal(total)), (count, summed, by_period)
unknown = importlib.import_module("consoleclient.api.default.get_period").sync_detailed("no", "2026-01", client=client)
assert (unknown.status_code, unknown.parsed.type_) == (404, "urn:rater:unknown"), unknown
print(f"{count:,} charges, {summed}: the audit's")
