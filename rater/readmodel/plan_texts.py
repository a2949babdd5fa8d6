"""A plan as people say it: `100 min included, then 0.15 a min`; in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from rater.rating.book import Item, Meter, Plan, Price
from rater.rating.money import plain
from rater.rating.units import UNITS, Direction, Unit
from rater.readmodel.texts import LANGUAGES, Language


def fee_words(plan: Plan, language: Language = "en") -> str:
    """Fee and items of a month, set-up, discount on usage, minimum, guarantee; `-` without any."""
    zh = language == "zh"
    daily = ("，按天" if zh else ", by days") if plan.proration == "daily" else ""
    words = [f"{plan.fee}{daily}"] if plan.fee else []
    words += [_item_words(name, item, zh=zh) for name, item in plan.items]
    if plan.setup:
        words.append(f"开通费 {plan.setup}" if zh else f"{plan.setup} to set up")
    if plan.discount:
        share = _hundredths(plan.discount)
        words.append(f"用量优惠 {share}%" if zh else f"{share} % off usage")
    if plan.minimum:
        words.append(f"最低消费 {plan.minimum}" if zh else f"at least {plan.minimum}")
    if plan.guarantee is not None:
        rate, credit = _hundredths(plan.guarantee.connect_rate), _hundredths(plan.guarantee.credit)
        words.append(f"接通率低于 {rate}% 退用量费 {credit}%" if zh else f"{credit} % back below {rate} % connected")
    return ("；" if zh else "; ").join(words) or "-"


def plan_words(plan: Plan, language: Language = "en") -> str:
    """A whole plan in a line: its fee, and its meters."""
    at = LANGUAGES.index(language)
    meters = [f"{unit.plural[at]}: {unit_in_words(plan, unit, language)}" for unit in units_of([plan])]
    return "; ".join((fee_words(plan, language), *meters))


def _item_words(name: str, item: Item, *, zh: bool) -> str:
    if item.quantity == 1:
        return f"{name} {item.price}"
    return f"{name} {item.quantity} × {item.price}" if zh else f"{item.quantity} {name} at {item.price}"


def _hundredths(share: Decimal) -> str:
    """A share as a plan says it, in per cent without trailing zeros: 0.10 is 10."""
    return plain((share * 100).normalize())


def units_of(plans: Iterable[Plan]) -> list[Unit]:
    """The units that any of the plans has a meter of, in their order."""
    used = {meter.unit.name for plan in plans for meter in plan.meters}
    return [unit for unit in UNITS if unit.name in used]


_DIRECTIONS: dict[Direction, tuple[str, str]] = {
    "inbound": ("inbound", "呼入"),
    "outbound": ("outbound", "呼出"),
    "internal": ("internal", "内部"),
}


def unit_in_words(plan: Plan, unit: Unit, language: Language = "en") -> str:
    """What a plan's meters of a unit include and cost, in the order in which they count; `-` without one."""
    zh = language == "zh"
    meters = [_named(meter, zh=zh) + meter_in_words(meter, language) for meter in plan.meters_of(unit)]
    return ("；" if zh else "; ").join(meters) or "-"


def _named(meter: Meter, *, zh: bool) -> str:
    """A meter's own name, and the directions that it is for."""
    only = sorted(meter.directions or ())
    directions = ("、" if zh else ", ").join(_DIRECTIONS[one][zh] for one in only)
    if not meter.own_name:
        return (f"{directions}：" if zh else f"{directions} only: ") if only else ""
    said = (f"（{directions}）" if zh else f" ({directions})") if only else ""
    return f"{meter.own_name}{said}{'：' if zh else ': '}"


def meter_in_words(meter: Meter, language: Language = "en") -> str:
    """A meter's allowance and price."""
    zh = language == "zh"
    if meter.price is None:
        return "不限量" if zh else "unlimited"
    unit = meter.unit.single[LANGUAGES.index(language)]
    included = ""
    if meter.allowance:
        included = f"含 {meter.allowance} {unit}，超出 " if zh else f"{meter.allowance} {unit} included, then "
    steps = f" ({meter.increment.first}/{meter.increment.step} s)" if meter.unit.increments else ""
    return included + _price(meter.price, unit, zh=zh) + steps


def _price(price: Price, unit: str, *, zh: bool) -> str:
    bands = price.bands
    if price.kind == "flat":
        said = f"{bands[0].rate} / {unit}" if zh else f"{bands[0].rate} {'an' if unit[0] in 'aeiou' else 'a'} {unit}"
    else:
        how = {("volume", True): "全部按 ", ("graduated", True): "分段 ", ("volume", False): "all at "}
        start = how.get((price.kind, zh), "each band at its own: ")
        said = start + ("；" if zh else "; ").join(
            f"{b.rate} 起于 {b.start}" if zh else f"{b.rate} from {b.start}" for b in bands
        )
    flats = ", ".join(f"{b.flat} {'起于' if zh else 'once from'} {b.start}" for b in bands if b.flat)
    return said + (f"{'，另加 ' if zh else ', plus '}{flats}" if flats else "")
