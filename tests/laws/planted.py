"""Bugs to be planted in the rules, each with the law that must catch it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_HALF_DOWN, Decimal
from itertools import count
from typing import Any

import pytest

import rater.processor.call_ended
import rater.processor.call_voided
import rater.processor.decision
import rater.processor.due
import rater.processor.outputs
import rater.processor.overlay
import rater.processor.rows
import rater.processor.step
import rater.processor.usage_rows
import rater.rating.amendments
import rater.rating.calendar
import rater.rating.fees
import rater.rating.pricing
import rater.rating.rerating
import rater.rating.units
import rater.rating.usage
import rater.tools.log_file
from rater.processor.decision import DUPLICATE, Decision
from rater.processor.outputs import headers
from rater.rating.account import PlanInterval, in_force, plan_intervals
from rater.rating.book import Meter
from rater.rating.calendar import period_at
from rater.rating.catalog import Tariffs
from rater.rating.charging import charge_call
from rater.rating.corrections import reverse_call
from rater.rating.fees import charge_fee
from rater.rating.instant import instant
from rater.rating.rerating import _counted
from rater.rating.units import MINUTES, Call, Counts, Increment, billed_seconds
from rater.rating.usage import Segment, Usage
from rater.rating.zones import zone
from rater.seam.model import LogRecord
from rater.wire.parse import parse
from tests.laws import laws, life
from tests.laws.laws import Law
from tests.support.mutate import plant

Patch = pytest.MonkeyPatch
Bug = Callable[[Patch], None]


# --- money


def band_too_late(patch: Patch) -> None:
    """A volume band is reached only beyond its `from`: 50 minutes still cost 0.20."""

    def reached(price: Any, quanta: int, per: int) -> Any:
        return [band for band in price.bands if band.start * per < quanta or not band.start][-1]

    patch.setattr(rater.rating.pricing, "reached", reached)


def fee_again(patch: Patch) -> None:
    """A fee is charged again when a plan changes inside its period."""

    def again(account: Any, usage: Usage, shown: int, ledger: Any, _was: Any) -> Any:
        return charge_fee(account, usage._replace(fees=Decimal(0)), shown, ledger, [])

    patch.setattr(rater.rating.fees, "charge_fee", again)


def half_down(patch: Patch) -> None:
    """Half a cent is rounded down."""
    patch.setattr(
        rater.rating.usage,
        "rounded",
        lambda amount, places: amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_DOWN),
    )


def rounded_each_call(patch: Patch) -> None:
    """A charge is R of the difference, and not the difference of R: it drifts."""
    cost = rater.rating.usage.cost

    def drifting(plan: Any, counts: Counts, precision: int) -> Decimal:
        return cost(plan, counts, 9).quantize(Decimal(1).scaleb(-precision), "ROUND_UP")

    patch.setattr(rater.rating.usage, "cost", drifting)


def allowance_forgotten(patch: Patch) -> None:
    """The included units are charged."""
    patch.setattr(rater.rating.pricing, "billable", lambda _, quanta: quanta)


def directions_forgotten(patch: Patch) -> None:
    """A meter counts all directions, whatever it names."""
    patch.setattr(Meter, "selects", lambda *_: True)


def minimum_forgotten(patch: Patch) -> None:
    """The shortest billed call is forgotten."""

    def billed(talk: int, said: Increment) -> int:
        return billed_seconds(talk, Increment(said.first, said.step))

    patch.setattr(rater.rating.units, "billed_seconds", billed)


def newest_version_at_once(patch: Patch) -> None:
    """A plan's new version rates segments that began before it took effect."""
    patch.setattr(Tariffs, "version_at", lambda self, name, _: len(self.effective.get(name, ())) or None)


def change_at_once(patch: Patch) -> None:
    """A plan that ends inside a period ends at once."""

    def ended(history: Any, period: Any, default: Any, proration_of: Any) -> Any:
        found = in_force(history, period.end - 1)
        if found is not None and found.plan is None:
            return (PlanInterval(period.start, None),)
        return plan_intervals(history, period, default, proration_of)

    patch.setattr(rater.rating.charging, "plan_intervals", ended)


def prices_fall(patch: Patch) -> None:
    """Prices fall with use."""
    priced = rater.rating.pricing.price_of
    patch.setattr(rater.rating.pricing, "price_of", lambda *given: -priced(*given))


def no_rounding_line(patch: Patch) -> None:
    """What rounding left over is dropped."""
    patch.setattr(rater.rating.usage, "settled", lambda lines, _: lines)


# --- time


def months_in_utc(patch: Patch) -> None:
    """Months begin at midnight in Greenwich."""
    real = rater.rating.calendar._period_of_utc_day
    patch.setattr(
        rater.rating.calendar,
        "_period_of_utc_day",
        lambda calendar, *given: real(calendar._replace(zone="UTC"), *given),
    )


def second_midnight(patch: Patch) -> None:
    """Where midnight comes twice, or never, the later reading is taken."""

    def midnight(day: Any, calendar: Any) -> int:
        return instant(datetime(day.year, day.month, day.day, tzinfo=zone(calendar.zone), fold=1))

    patch.setattr(rater.rating.calendar, "_midnight", midnight)
    patch.setattr(rater.rating.calendar, "_period_of_utc_day", rater.rating.calendar._period_of_utc_day.__wrapped__)


def a_day_later(patch: Patch) -> None:
    """A call is put into the period of the day after its start."""
    patch.setattr(
        rater.processor.call_ended, "period_at", lambda calendar, at: period_at(calendar, at + 86_400_000_000)
    )


# --- identity and outcomes


def conflict_as_duplicate(patch: Patch) -> None:
    """A known call with other content passes for a repetition."""
    patch.setattr(rater.processor.call_ended, "_again", lambda *_: Decision(DUPLICATE))


def times_as_they_were_written(patch: Patch) -> None:
    """A repetition whose times are written with another offset is a conflict."""
    remembered = rater.processor.call_ended._remembered

    def as_written(event: Any, *given: Any) -> Any:
        return remembered(event, *given)._replace(caller=f"{event.caller} {event.started_at.isoformat()}")

    patch.setattr(rater.processor.call_ended, "_remembered", as_written)


def no_identity(patch: Patch) -> None:
    """Calls are remembered under a key that never comes again."""
    numbers = count()
    patch.setattr(rater.processor.call_ended, "call_key", lambda account, *_: b"%b\x1f%d" % (account, next(numbers)))


def rejected_as_charged(patch: Patch) -> None:
    """A rejection is counted as a charge."""
    rejected = rater.processor.step._rejected
    patch.setattr(rater.processor.step, "_rejected", lambda *given: rejected(*given)._replace(outcome="charged"))


def parser_that_raises(patch: Patch) -> None:
    """The parser raises where bytes are no UTF-8; the step saves the stream, yet an error in the rules is seen."""
    patch.setattr(rater.processor.step, "parse", lambda value: parse(value.decode().encode() if value else value))


# --- what depends on what


def every_other_free(patch: Patch) -> None:
    """Every other call of a period, as they come in, is taken for unanswered."""

    def charged(plan: Any, usage: Usage, index: int, taken: Call, precision: int) -> Any:
        call = Call(taken.direction, False, 0) if usage.seq % 2 else taken  # noqa: FBT003
        return charge_call(plan, usage, index, call, precision)

    patch.setattr(rater.processor.call_ended, "charge_call", charged)


def one_usage_for_all(patch: Patch) -> None:
    """The account is left out of the key of the usage."""
    for module in (rater.processor.call_ended, rater.processor.decision):
        patch.setattr(module, "usage_key", lambda _, period: period.encode())


def ids_by_chance(patch: Patch) -> None:
    """A message's id comes from outside of the log."""
    chance = random.Random()
    patch.setattr(
        rater.processor.outputs,
        "headers",
        lambda scope, record, kind, _: headers(scope, record, kind, str(chance.random())),
    )


def headers_from_a_set(patch: Patch) -> None:
    """Headers are in the order of a set, which differs from process to process."""
    patch.setattr(rater.processor.outputs, "headers", lambda *given: tuple(set(headers(*given))))


def calls_lost_on_disk(patch: Patch) -> None:
    """The count of connected calls does not survive the changelog."""
    patch.setattr(
        rater.processor.usage_rows,
        "Segment",
        lambda at, plan, own, counts, cost: Segment(at, plan, own, (counts[0], 0, *counts[2:]), cost),
    )


def stamps_lost_in_the_file(patch: Patch) -> None:
    """An exported record has lost its timestamp."""
    patch.setattr(rater.tools.log_file, "LogRecord", lambda offset, _, *rest: LogRecord(offset, 0, *rest))


# --- an account's life


def voids_keep_the_call(patch: Patch) -> None:
    """A void takes the minutes back and leaves the connected call."""

    def reverse(plan: Any, usage: Usage, index: int, call: Call, precision: int) -> Any:
        minutes = replace(plan, meters=tuple(one for one in plan.meters if one.unit is MINUTES))
        return reverse_call(minutes, usage, index, call, precision)

    patch.setattr(rater.processor.call_voided, "reverse_call", reverse)


def attempts_stay(patch: Patch) -> None:
    """A void leaves the attempt."""

    def reverse(plan: Any, usage: Usage, *given: Any) -> Any:
        found = reverse_call(plan, usage, *given)
        return found._replace(usage=found.usage._replace(attempts=usage.attempts))

    patch.setattr(rater.processor.call_voided, "reverse_call", reverse)


def late_plans_are_for_the_future(patch: Patch) -> None:
    """A late subscription leaves what was charged as it is."""
    patch.setattr(rater.rating.amendments, "_same", lambda _old, _new: True)


def calls_counted_twice(patch: Patch) -> None:
    """Re-rating counts a call once more than there is."""
    patch.setattr(rater.rating.rerating, "_kept", lambda *_: None)
    plant(patch, _counted, "times * units", "(times + 1) * units")


def sums_of_other_units(patch: Patch) -> None:
    """Re-rating takes what the old plan's meters counted, though the new plan's would have counted otherwise."""
    patch.setattr(rater.rating.rerating, "_alike", lambda _old, _new: True)


def closed_again(patch: Patch) -> None:
    """The total of a closing leaves out the fees."""
    words = rater.processor.outputs.closed_words
    patch.setattr(
        rater.processor.due,
        "closed_words",
        lambda closing, *given: words(
            closing._replace(usage=closing.usage._replace(total=closing.usage.total - closing.usage.fees)), *given
        ),
    )


def identities_kept(patch: Patch) -> None:
    """What is remembered of a period that is forgotten stays."""
    patch.setattr(rater.processor.overlay.Overlay, "first", lambda *_: ())


BUGS: list[tuple[Bug, Law]] = [
    (band_too_late, laws.conservation),
    (fee_again, laws.conservation),
    (half_down, laws.conservation),
    (rounded_each_call, laws.conservation),
    (allowance_forgotten, laws.conservation),
    (directions_forgotten, laws.conservation),
    (minimum_forgotten, laws.conservation),
    (newest_version_at_once, laws.conservation),
    (months_in_utc, laws.conservation),
    (second_midnight, laws.conservation),
    (change_at_once, laws.agrees_with_the_model),
    (conflict_as_duplicate, laws.agrees_with_the_model),
    (times_as_they_were_written, laws.agrees_with_the_model),
    (no_identity, laws.idempotence),
    (every_other_free, laws.order),
    (one_usage_for_all, laws.isolation),
    (ids_by_chance, laws.replay),
    (calls_lost_on_disk, laws.batching),
    (stamps_lost_in_the_file, laws.file),
    (parser_that_raises, laws.totality),
    (prices_fall, laws.monotonic),
    (a_day_later, laws.period),
    (second_midnight, laws.period),
    (no_rounding_line, laws.explanation),
    (rejected_as_charged, laws.outcomes),
    (voids_keep_the_call, life.void),
    (attempts_stay, life.void),
    (late_plans_are_for_the_future, life.history),
    (calls_counted_twice, life.history),
    (sums_of_other_units, life.history),
    (closed_again, life.closing),
    (identities_kept, life.closing),
]
