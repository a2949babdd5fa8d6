"""A statement: what an account's period comes to, as an invoice says it.

The charges tell what each event changed; a statement tells the outcome: how many units were paid at which rate in the
end. Re-priced units have moved from one rate to another, and what was taken back is gone. Quantity x rate, rounded, is
a line's amount; a `rounding` line carries what the single charges' rounding left over, so the lines sum to the total.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

import orjson
from sqlalchemy import Connection

from rater.rating.lines import ADJUSTMENT, FEE, ROUNDING, SETUP, is_fee
from rater.rating.money import CONTEXT, ZERO, plain, rounded
from rater.readmodel.queries import charges_of, closed_at, money_of, period
from rater.readmodel.store import Money
from rater.readmodel.views import PeriodView, StatementLine, dumped

AT_ONCE = 1000
"""Charges that are read at once."""

Group = tuple[str, str, Decimal]
"""(meter, class or "", rate). Units of two plans with one rate stand together: a re-rating moves them in one charge."""
FeeGroup = tuple[str, str, Decimal, int, int, Decimal]
"""(plan, meter, rate, days, of, quantity) of a fee, an item or a set-up; of 0 where it is for the whole period.

10 seats for half a month and 25 for the other half are two lines, as they were agreed."""


class Sums:
    """What the charges' lines come to, group by group."""

    def __init__(self) -> None:
        self.covered: dict[Group, Decimal] = defaultdict(Decimal)
        self.billable: dict[Group, Decimal] = defaultdict(Decimal)
        self.plans: dict[Group, set[str]] = defaultdict(set)
        self.summed_up: dict[str, Decimal] = defaultdict(Decimal)
        """Meter -> amount of lines without a rate, which stand for more lines than a charge tells one by one."""
        self.fees: dict[FeeGroup, tuple[Decimal, Decimal]] = {}
        """Quantity and amount."""
        self.manual: dict[str, Decimal] = defaultdict(Decimal)
        """Reason -> amount of manual adjustments."""

    def add(self, charge: Mapping[str, Any]) -> None:
        """Add a charge's lines."""
        for line in charge["lines"]:
            if line["meter"] == ADJUSTMENT:
                self.manual[charge.get("reason") or ""] += Decimal(line["amount"])
            elif line["meter"] == ROUNDING:
                continue
            elif "rate" in line and is_fee(line["meter"]):
                self._add_fee(charge, line)
            elif "rate" in line:
                self._add(charge, line)
            else:
                self.summed_up[line["meter"]] += Decimal(line["amount"])

    def _add_fee(self, charge: Mapping[str, Any], line: Mapping[str, Any]) -> None:
        plan = line.get("plan") or charge.get("plan") or ""
        more = Decimal(line["billable"])
        group = (plan, line["meter"], Decimal(line["rate"]), line.get("days", 0), line.get("of", 0), abs(more))
        quantity, amount = self.fees.get(group, (ZERO, ZERO))
        self.fees[group] = (quantity + more, amount + Decimal(line["amount"]))

    def _add(self, charge: Mapping[str, Any], line: Mapping[str, Any]) -> None:
        part = line.get("class", "")
        group = (line["meter"], part, Decimal(line["rate"]))
        self.billable[group] += Decimal(line["billable"])
        self.covered[group] += Decimal(line["covered"])
        if charge["kind"] == "usage":
            self.plans[group].add(charge.get("plan") or "")
        if "repriced_from" in line:
            self.billable[line["meter"], part, Decimal(line["repriced_from"])] -= Decimal(line["billable"])


@dataclass(frozen=True, slots=True)
class Statement:
    """A period, its lines, and its charges, which are read a page at a time: a period may have a million.

    It is good for as long as its connection sees the moment at which it was made.
    """

    connection: Connection
    period: PeriodView
    lines: tuple[StatementLine, ...]
    closed_at: int | None = None
    """The record time of the period's closing in ms; None while it runs."""

    @property
    def charges(self) -> Iterator[dict[str, Any]]:
        """Every charge as its message, by its number."""
        return each_charge(self.connection, self.period.account, self.period.period)

    @property
    def summary(self) -> dict[str, Any]:
        """The statement without its charges, for JSON. Charges never change, so it tells statements apart."""
        return {"period": self.period, "lines": self.lines}

    def as_json(self) -> Iterator[bytes]:
        """A `StatementView` as JSON, in pieces."""
        yield orjson.dumps(self.summary, default=dumped).removesuffix(b"}") + b',"charges":['
        comma = b""
        for charge in self.charges:
            yield comma + orjson.dumps(charge)
            comma = b","
        yield b"]}"


def each_charge(connection: Connection, account: str, name: str) -> Iterator[dict[str, Any]]:
    """The charges of a period by their numbers."""
    after = 0
    while page := charges_of(connection, account, name, after, AT_ONCE):
        yield from page
        after = page[-1]["seq"]


def statement(connection: Connection, account: str, name: str) -> Statement | None:
    """The statement of an account's period; None where there is no such period."""
    view = period(connection, account, name)
    if view is None:
        return None
    money = money_of(connection)
    with localcontext(CONTEXT):
        lines = summed(each_charge(connection, account, name), money, Decimal(view.total))
    return Statement(connection, view, lines, closed_at(connection, account, name))


def summed(charges: Iterable[Mapping[str, Any]], money: Money, total: Decimal) -> tuple[StatementLine, ...]:
    """The charges' lines, net: what is due by plan and days, and each meter's units by the rate that they cost."""
    sums = Sums()
    for charge in charges:
        sums.add(charge)
    lines = [_line(sums, group, money) for group in sums.billable]
    lines = [line for line in lines if line.covered != "0" or line.billable != "0"]
    lines.sort(key=lambda line: (line.meter, line.part, line.plan, -Decimal(line.rate or 0)))
    fees = [_fee(group, *sums.fees[group]) for group in sorted(sums.fees, key=_order) if any(sums.fees[group])]
    lines = fees + lines
    lines += [_amount(meter, amount) for meter, amount in sorted(sums.summed_up.items()) if amount]
    lines += [_amount(ADJUSTMENT, amount, reason) for reason, amount in sorted(sums.manual.items())]
    rest = total - sum((Decimal(line.amount) for line in lines), ZERO)
    return (*lines, _amount(ROUNDING, rest)) if rest else tuple(lines)


def _order(group: FeeGroup) -> tuple[object, ...]:
    plan, meter, rate, days, _, quantity = group
    return (meter != FEE, meter == SETUP, meter, plan, -rate, -days, quantity)


def _fee(group: FeeGroup, quantity: Decimal, amount: Decimal) -> StatementLine:
    plan, meter, rate, days, of, _ = group
    return StatementLine(
        plan=plan,
        meter=meter,
        covered="0",
        billable=_short(quantity),
        rate=plain(rate),
        amount=plain(amount),
        days=days if of else None,
        of=of or None,
    )


def _line(sums: Sums, group: Group, money: Money) -> StatementLine:
    meter, part, rate = group
    billable = sums.billable[group]
    return StatementLine(
        plan=", ".join(sorted(sums.plans[group])),
        meter=meter,
        covered=_short(sums.covered[group]),
        billable=_short(billable),
        rate=plain(rate),
        amount=plain(rounded(billable * rate, money.precision)),
        part=part,
    )


def _amount(meter: str, amount: Decimal, note: str = "") -> StatementLine:
    return StatementLine(plan="", meter=meter, covered="0", billable="0", rate=None, amount=plain(amount), note=note)


def _short(units: Decimal) -> str:
    """Without places that say nothing: minutes of seconds are cut to 6 places, and their sums show it."""
    near = round(units, 4)
    return plain(near.normalize()) if near else "0"


def by_kind(view: PeriodView) -> dict[str, str]:
    """A period's total in its three parts."""
    total, fees, manual = (Decimal(amount) for amount in (view.total, view.fees, view.manual))
    return {"fees": plain(fees), "usage": plain(total - fees - manual), "adjustments": plain(manual)}
