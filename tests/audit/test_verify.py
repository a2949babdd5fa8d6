"""The verifier for those who do not trust us: one short file, which needs the charges and nothing else."""

from __future__ import annotations

import ast
import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from rater.audit import verify
from tests.support.logs import Event, Log, call, subscribed

FILE = Path(verify.__file__)
CHARGES: list[Event] = Log().add(subscribed("A", "hybrid-200"), *(call("A", n, 60 * n) for n in range(1, 9)))


def verified(charges: list[Any]) -> tuple[int, str]:
    """Exit status and words of the file, run by itself in an empty place of Python's."""
    lines = b"".join(orjson.dumps(charge) + b"\n" for charge in charges)
    done = subprocess.run([sys.executable, "-I", str(FILE)], input=lines, capture_output=True, check=False)
    return done.returncode, done.stdout.decode()


def test_it_is_short_and_stands_alone() -> None:
    """About 90 lines, and nothing but the standard library."""
    source = FILE.read_text()
    assert len(source.splitlines()) <= 95
    used = {
        alias.name.split(".")[0] if isinstance(node, ast.Import) else (node.module or "").split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert used <= set(sys.stdlib_module_names)


def test_right_charges_pass() -> None:
    """What the rules make holds by itself."""
    status, told = verified(CHARGES)
    sum_ = CHARGES[-1]["period_total"]
    assert (status, told) == (0, f"9 charges, 1 periods, sum {sum_}: nothing wrong\n")


def amount(charges: list[Event]) -> None:
    charges[3]["amount"] = "0.01"


def line(charges: list[Event]) -> None:
    charges[3]["lines"][0]["amount"] = "7.00"


def gone(charges: list[Event]) -> None:
    del charges[3]


def again(charges: list[Event]) -> None:
    charges.insert(4, charges[3])


def swapped(charges: list[Event]) -> None:
    charges[3], charges[4] = charges[4], charges[3]


def total(charges: list[Event]) -> None:
    charges[-1]["period_total"] = "1.00"


def closing(charges: list[Event], **changes: object) -> Event:
    """The closing of the account's month, with something changed."""
    seq, total_ = charges[-1]["seq"], charges[-1]["period_total"]
    times = {"start": "2026-11-01T00:00:00+08:00", "end": "2026-12-01T00:00:00+08:00"}
    words = {"type": "period-closed/1", "account": "A", "period": "2026-11", "last_seq": seq, "total": total_}
    return {**words, **times, **changes}


def closed_wrong(charges: list[Event]) -> None:
    charges.append(closing(charges, total="0.00"))


def closed_with_another_number(charges: list[Event]) -> None:
    charges.append(closing(charges, last_seq=8))


def closed_twice(charges: list[Event]) -> None:
    charges += [closing(charges), closing(charges)]


def charged_after_closing(charges: list[Event]) -> None:
    charges.insert(8, closing(charges[:8]))


def charged_in_two_periods(charges: list[Event]) -> None:
    other = copy.deepcopy(charges[1])
    other |= {"charge_id": "A:2026-11-15:1", "period": "2026-11-15", "seq": 1, "period_total": other["amount"]}
    charges.append(other)


def periods_that_overlap(charges: list[Event]) -> None:
    charges.append(closing(charges))
    times = {"start": "2026-11-15T00:00:00+08:00", "end": "2026-12-15T00:00:00+08:00"}
    charges.append(closing(charges[:-1], period="2026-11-15", last_seq=0, total="0", **times))


def call_twice(charges: list[Event]) -> None:
    charges[4]["call"] = charges[3]["call"]


def another_id(charges: list[Event]) -> None:
    charges[4]["charge_id"] = charges[3]["charge_id"]


def charged_into_what_is_closed(charges: list[Event]) -> None:
    """A new period over one that is closed: its calls started before the closing's end."""
    charges.append(closing(charges))
    other = copy.deepcopy(charges[1])
    other["call"] |= {"call_id": "other"}
    other |= {"charge_id": "A:2026-11-15:1", "period": "2026-11-15", "seq": 1, "period_total": other["amount"]}
    charges.append(other)


HARMS = [
    *(amount, line, gone, again, swapped, total, call_twice, closed_wrong, closed_with_another_number),
    *(closed_twice, charged_after_closing, charged_in_two_periods, periods_that_overlap),
    *(another_id, charged_into_what_is_closed),
]


@pytest.mark.parametrize("harm", HARMS)
def test_every_harm_is_seen(harm: Callable[[list[Event]], None]) -> None:
    """A charge that is changed, lost, repeated, moved, or of a call that was charged before."""
    charges = copy.deepcopy(CHARGES)
    harm(charges)
    status, told = verified(charges)
    assert status == 1
    assert "A:2026-11" in told
