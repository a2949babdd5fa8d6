"""A plan as people say it: `100 min included, then 0.15 a min`; in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from rater.rating.book import REST, Band, Connected, Meter, Plan, Price
from rater.rating.lines import DISCOUNT, FEE, SETUP
from rater.rating.money import plain
from rater.rating.units import ANSWERED_BY
from rater.readmodel.answer_texts import answerer
from rater.readmodel.figures import money
from rater.readmodel.texts import Language, meter_words, text


class Term(NamedTuple):
    """One thing that a plan says, as a customer reads it: what it is for, and what it costs or gives."""

    what: str
    price: str


def plan_terms(plan: Plan, language: Language = "en") -> list[Term]:
    """All that a plan says: fee, items, set-up, discount, minimum and guarantee, then its meters in their order."""
    return [*_fixed_terms(plan, language), *(_meter_term(plan, meter, language) for meter in plan.meters)]


def plan_words(plan: Plan, language: Language = "en") -> str:
    """A whole plan in a line."""
    between, after = ("：", "；") if language == "zh" else (": ", "; ")
    return after.join(f"{term.what}{between}{term.price}" for term in plan_terms(plan, language))


def _fixed_terms(plan: Plan, language: Language) -> Iterator[Term]:
    zh = language == "zh"
    if plan.fee:
        daily = ("，按天" if zh else ", by days") if plan.proration == "daily" else ""
        yield Term(meter_words(FEE, language), f"{money(plan.fee)}{daily}")
    for name, item in plan.items:
        many = "" if item.quantity == 1 else f"{item.quantity:,} × "
        yield Term(name, f"{many}{money(item.price)}")
    if plan.setup:
        yield Term(meter_words(SETUP, language), money(plan.setup))
    if plan.discount:
        share = _hundredths(plan.discount)
        yield Term(meter_words(DISCOUNT, language), f"用量优惠 {share}%" if zh else f"{share} % off usage")
    if plan.minimum:
        yield Term("最低消费" if zh else "minimum", money(plan.minimum))
    if plan.connected is not None:
        yield Term("接通" if zh else "connected", _meaning(plan.connected, language))
    if plan.guarantee is not None:
        rate, credit = _hundredths(plan.guarantee.connect_rate), _hundredths(plan.guarantee.credit)
        back = f"接通率低于 {rate}% 退用量费 {credit}%" if zh else f"{credit} % of usage back below {rate} % connected"
        yield Term("保证接通率" if zh else "guarantee", back)


def _meaning(connected: Connected, language: Language) -> str:
    """Which answered calls are connected."""
    said = [text(language, "talks-at-least", seconds=connected.min_talk)] if connected.min_talk else []
    if len(connected.answered_by) < len(ANSWERED_BY):
        by = [answerer(one, language) for one in ANSWERED_BY if one in connected.answered_by]
        said.append(text(language, "answered-by", by=("、" if language == "zh" else ", ").join(by)))
    return ("，" if language == "zh" else ", ").join(said) or text(language, "any-answer")


def _meter_term(plan: Plan, meter: Meter, language: Language) -> Term:
    zh = language == "zh"
    what = meter.unit.plural[zh]
    only = [text(language, one) for one in sorted(meter.directions or ())] + sorted(meter.classes or ())
    only = [] if only == [meter.own_name] else only
    if meter.shared or meter.part:
        only = (
            [_part(one.part, language) for one in _covered(plan, meter)]
            if meter.shared
            else [_part(meter.part, language)]
        )
    if meter.portion is not None:
        start, end = meter.portion
        seconds = text(language, "seconds-on", start=start)
        only.append(seconds if end is None else text(language, "seconds", start=start, end=end))
    if meter.own_name:
        what = f"{what} {meter.own_name}"
    elif len(plan.meters_of(meter.unit)) > 1 and not only:
        only = ["其他" if zh else "all others"]
    told = ("、" if zh else ", ").join(only)
    return Term(f"{what}{(f'（{told}）' if zh else f' ({told})') if told else ''}", meter_in_words(meter, language))


def _covered(plan: Plan, allowance: Meter) -> tuple[Meter, ...]:
    """The parts that a shared allowance covers, in their order."""
    return next(pool.parts for pool in plan.pools if pool.allowance.slot == allowance.slot)


def _part(name: str, language: Language) -> str:
    return text(language, "rest") if name == REST else name


def _hundredths(share: Decimal) -> str:
    """A share as a plan says it, in per cent without trailing zeros: 0.10 is 10."""
    return plain((share * 100).normalize())


def meter_in_words(meter: Meter, language: Language = "en") -> str:
    """A meter's allowance and price."""
    zh = language == "zh"
    if meter.shared:
        single = meter.unit.single[zh]
        return (
            f"含 {meter.allowance:,} {single}，按此顺序抵扣"
            if zh
            else f"{meter.allowance:,} {single} included, in this order"
        )
    if meter.price is None:
        return "不限量" if zh else "unlimited"
    unit = meter.unit.single[zh]
    included = ""
    if meter.allowance:
        beyond = "超出部分 " if meter.price.kind == "flat" else "超出部分："
        included = (
            f"含 {meter.allowance:,} {unit}，{beyond}" if zh else f"{_many(meter.allowance, unit)} included, then "
        )
    steps = _steps(meter.increment.first, meter.increment.step, zh=zh) if meter.unit.increments else ""
    return included + _price(meter.price, unit, zh=zh) + steps


def _steps(first: int, step: int, *, zh: bool) -> str:
    """How seconds are rounded up."""
    if first == step:
        how = {60: ("per started minute", "不足一分钟按一分钟计"), 1: ("per second", "按秒计费")}
        said = how.get(step, (f"per started {step} s", f"每 {step} 秒计费，不足按 {step} 秒计"))
        return f"，{said[1]}" if zh else f", billed {said[0]}"
    if zh:
        return f"，最低按 {first} 秒计费，之后每 {step} 秒计费，不足按 {step} 秒计"
    return f", billed for {first} s at least, then per started {step} s"


def _many(number: int, unit: str) -> str:
    """`50 calls`, `1 call`, `50 min`."""
    return f"{number:,} {unit if number == 1 else _plural(unit)}"


def _price(price: Price, unit: str, *, zh: bool) -> str:
    bands = price.bands
    if price.kind == "flat":
        rate, article = money(bands[0].rate), "an" if unit[0] in "aeiou" else "a"
        said = f"{rate}/{unit}" if zh else f"{rate} {article} {unit}"
    else:
        ends = [*(band.start for band in bands[1:]), None]
        one = _volume if price.kind == "volume" else _graduated
        parts = [one(band, end, unit, zh=zh) for band, end in zip(bands, ends, strict=True)]
        said = ("；" if zh else "; ").join(parts)
    flats = ("，" if zh else ", ").join(_once(band, unit, zh=zh) for band in bands if band.flat)
    return said + (f"{'，另加：' if zh else ', plus '}{flats}" if flats else "")


def _once(band: Band, unit: str, *, zh: bool) -> str:
    """What is due when the band is reached."""
    flat = money(band.flat)
    return f"满 {band.start:,} {unit}一次性 {flat}" if zh else f"{flat} once from {band.start:,}"


def _volume(band: Band, end: int | None, unit: str, *, zh: bool) -> str:
    """All units at the rate of the band that is reached."""
    rate = money(band.rate)
    if end is None:
        said = f"满 {band.start:,} {unit}起全部 {rate}/{unit}"
        return said if zh else f"from {band.start:,}, all {_plural(unit)} {rate}"
    to = f"{band.start:,}-{end - 1:,}"
    return f"{to} {unit} {rate}/{unit}" if zh else f"{to} {_plural(unit)} {rate} each"


def _graduated(band: Band, end: int | None, unit: str, *, zh: bool) -> str:
    """Each unit at the rate of its own band."""
    first, rate = band.start + 1, money(band.rate)
    if end is None:
        return f"第 {first:,} {unit}起 {rate}/{unit}" if zh else f"from {unit} {first:,} on {rate} each"
    to = f"{first:,}-{end:,}"
    return f"第 {to} {unit} {rate}/{unit}" if zh else f"{_plural(unit)} {to} {rate} each"


def _plural(unit: str) -> str:
    return unit if unit == "min" else f"{unit}s"
