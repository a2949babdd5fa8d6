"""The lines of a charge as they are published (contracts.md)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rater.wire.fields import Count, Figure, Price, Share, StrictModel, VersionedPlanId
from rater.wire.meters import ClassName, LineMeter, UnitName


class ChargeLine(StrictModel):
    """A line: `quantity` = `covered` by the allowance + `billable` at `rate`.

    Minutes are billed seconds / 60 to at most 6 places, for reading only. `repriced_from` marks a quantity that was
    charged before at that rate. The lines `rounding`, `discount` and `minimum` have an amount and nothing else. The
    line `guarantee` of a credit says what connect rate was guaranteed, and the attempts with those of them that were
    connected. A line of a fee, an item or a set-up names its `plan` where it is not the charge's; `days` `of` the
    month's say that it is for a part of the period: then `amount` is `billable` x `rate` x `days` / `of`. `unit` is
    what a meter counts that has a name of its own. `class` is there where a meter has prices by class: the class, or
    `rest`; units that count for one class may take the allowance from another, whose `covered` is then negative.
    """

    meter: LineMeter
    quantity: Figure | None = None
    covered: Figure | None = None
    billable: Figure | None = None
    rate: Price | None = None
    repriced_from: Price | None = None
    amount: Figure
    guaranteed: Share | None = None
    attempts: Count | None = None
    connected: Count | None = None
    plan: VersionedPlanId | None = None
    days: Count | None = None
    of: Annotated[int, Field(ge=1, le=366)] | None = None
    unit: UnitName | None = None
    call_class: ClassName | None = Field(default=None, alias="class")
