"""A statement: what an account's period comes to, as an invoice says it.

The charges tell what each event changed; a statement tells the outcome: how many units were paid at which rate in the
end. Re-priced units have moved from one rate to another, and what was taken back is gone. Quantity x rate, rounded, is
a line's amount; a `rounding` line carries what the single charges' rounding left over, so the lines sum to the total.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Any

from sqlalchemy import Connection

from rater.console.queries import charges_of, money_of, period
from rater.console.store import Money
from rater.console.views import PeriodView, StatementLine, StatementView
from rater.core.lines import ADJUSTMENT, FEE, ROUNDING
from rater.core.money import CONTEXT, ZERO, plain, rounded

AT_ONCE = 5000

Group = tuple[str, str, Decimal | None]
"""(plan, meter, rate)"""


def statement(connection: Connection, account: str, name: str) -> StatementView | None:
    """The statement of an account's period with every charge; None where there is no such period."""
    told = period(connection, account, name)
    if told is None:
        return None
    items: list[dict[str, Any]] = []
    while page := charges_of(connection, account, name, len(items), AT_ONCE):
        items += page
    money = money_of(connection)
    with localcontext(CONTEXT):
        lines = summed(items, money, Decimal(told.total))
    return StatementView(period=told, lines=lines, charges=tuple(items))


def summed(charges: Iterable[Mapping[str, Any]], money: Money, total: Decimal) -> tuple[StatementLine, ...]:
    """The charges' lines, net: for each plan the fee, and each meter's units by the rate that they cost in the end."""
    covered: dict[Group, Decimal] = {}
    billed: dict[Group, Decimal] = {}
    manual: dict[str, Decimal] = {}
    for charge in charges:
        plan = charge.get("plan") or ""
        for line in charge["lines"]:
            if line["meter"] == ADJUSTMENT:
                reason = charge.get("reason") or ""
                manual[reason] = manual.get(reason, ZERO) + Decimal(line["amount"])
            elif line["meter"] != ROUNDING:
                _add(plan, line, covered, billed)
    lines = [_line(group, covered.get(group, ZERO), units, money) for group, units in billed.items()]
    lines = [line for line in lines if line.covered != "0" or line.billable != "0"]
    lines.sort(key=lambda line: (line.plan, line.meter != FEE, line.meter, -Decimal(line.rate or 0)))
    lines += [
        StatementLine(
            plan="", meter=ADJUSTMENT, covered="0", billable="0", rate=None, amount=plain(amount), note=reason
        )
        for reason, amount in sorted(manual.items())
    ]
    rest = total - sum((Decimal(line.amount) for line in lines), ZERO)
    if rest:
        lines.append(StatementLine(plan="", meter=ROUNDING, covered="0", billable="0", rate=None, amount=plain(rest)))
    return tuple(lines)


def _add(plan: str, line: Mapping[str, Any], covered: dict[Group, Decimal], billed: dict[Group, Decimal]) -> None:
    group = (plan, line["meter"], Decimal(line["rate"]))
    billed[group] = billed.get(group, ZERO) + Decimal(line["billable"])
    covered[group] = covered.get(group, ZERO) + Decimal(line["covered"])
    if "repriced_from" in line:
        earlier = (plan, line["meter"], Decimal(line["repriced_from"]))
        billed[earlier] = billed.get(earlier, ZERO) - Decimal(line["billable"])


def _line(group: Group, covered: Decimal, billable: Decimal, money: Money) -> StatementLine:
    plan, meter, rate = group
    amount = rounded(billable * (rate or ZERO), money.precision)
    return StatementLine(
        plan=plan,
        meter=meter,
        covered=_short(covered),
        billable=_short(billable),
        rate=None if rate is None else plain(rate),
        amount=plain(amount),
    )


def _short(units: Decimal) -> str:
    """Without places that say nothing: minutes of seconds are cut to 6 places, and their sums show it."""
    near = round(units, 4)
    return plain(near.normalize()) if near else "0"


def by_kind(told: PeriodView) -> dict[str, str]:
    """A period's total in its three parts."""
    total, fees, manual = (Decimal(amount) for amount in (told.total, told.fees, told.manual))
    return {"fees": plain(fees), "usage": plain(total - fees - manual), "adjustments": plain(manual)}
