"""A charge's lines, and how a guarantee stands, in words; in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rater.rating.book import REST
from rater.rating.lines import FLAT, GUARANTEE, UNPRICED, is_fee
from rater.rating.units import BY_NAME
from rater.readmodel.figures import money, units
from rater.readmodel.texts import Language, meter_words, percent, text
from rater.readmodel.views import ExplainedLine, ExplanationView, GuaranteeState, StatementLine


def line_words(line: Mapping[str, Any], language: Language = "en") -> str:
    """A charge's line in a sentence, without its amount: `49 earlier min re-priced from 0.20 to 0.18`."""
    meter = line["meter"]
    if meter in UNPRICED:
        return meter_words(meter, language)
    if meter == GUARANTEE:
        return _guarantee_line(line, language)
    zh = language == "zh"
    if "rate" not in line:  # more lines than are listed one by one
        name, whole = meter_words(meter, language), units(line["quantity"])
        return f"{name}：多个价格，合计 {whole}" if zh else f"{name}: {whole} in all, at several rates"
    if is_fee(meter) or meter.endswith(FLAT):
        return _fee_line(line, language)
    names = [*([meter] if "unit" in line else []), *([_part(line["class"], language)] if "class" in line else [])]
    return (f"{' '.join(names)}{'：' if zh else ': '}" if names else "") + _units_line(line, zh=zh)


def _units_line(line: Mapping[str, Any], *, zh: bool) -> str:
    """So many units of a meter, and at what rate."""
    unit = BY_NAME[line.get("unit", line["meter"])].single[zh]
    billed, rate = units(line["billable"]), money(line["rate"])
    many = _plural(billed, unit)
    if "repriced_from" in line:
        before = money(line["repriced_from"])
        if zh:
            return f"此前 {billed} {unit}由 {before} 重新计价为 {rate}"
        return f"{billed} earlier {many} re-priced from {before} to {rate}"
    if line["quantity"] == "0" and line["covered"].startswith("-"):  # other units took the allowance
        return f"{billed} {unit}不再含在额度内 × {rate}" if zh else f"{billed} {many} no longer covered, at {rate}"
    parts = []
    if line["covered"] != "0":
        covered = units(line["covered"])
        parts.append(
            f"额度内 {covered} {unit}" if zh else f"{covered} {_plural(covered, unit)} covered by the allowance"
        )
    if line["billable"] != "0" or not parts:
        parts.append(f"{billed} {unit} × {rate}" if zh else f"{billed} {many} at {rate}")
    return ("，" if zh else ", ").join(parts)


def _plural(units: str, unit: str) -> str:
    """`1 call`, `2 calls`, `2 min`."""
    return unit if unit == "min" or units in {"1", "-1"} else f"{unit}s"


def _fee_line(line: Mapping[str, Any], language: Language) -> str:
    """A fee, an item, a set-up or a flat: of which plan, for how many days, and whether it is taken back."""
    name, rate, quantity = meter_words(line["meter"], language), money(line["rate"]), Decimal(line["billable"])
    many, plan = abs(quantity) != 1, line.get("plan")
    days = days_words(line.get("days"), line.get("of"), language)
    if language == "zh":
        said = f"{name} {f'{abs(quantity):,} × {rate}' if many else rate}{days}{f'（{plan}）' if plan else ''}"
        return f"退回{said}" if quantity < 0 else said
    said = f"{abs(quantity):,} {name} at {rate}" if many else f"{name} of {rate}"
    return f"{said}{days}{f' ({plan})' if plan else ''}{' taken back' if quantity < 0 else ''}"


def days_words(days: int | None, of: int | None, language: Language = "en") -> str:
    """For which part of a month something is due, to stand behind it; nothing where it is for the whole period."""
    if not of:
        return ""
    return f"，{days}/{of} 天" if language == "zh" else f", {days} of {of} days"


def statement_words(line: StatementLine, language: Language = "en") -> str:
    """What a line of a statement is for."""
    part = (
        (f"（{_part(line.part, language)}）" if language == "zh" else f" ({_part(line.part, language)})")
        if line.part
        else ""
    )
    return line.note or meter_words(line.meter, language) + part + days_words(line.days, line.of, language)


def _part(name: str, language: Language) -> str:
    """A class that has a price of its own in a meter, or the rest."""
    return text(language, "rest") if name == REST else name


def explained(charge: Mapping[str, Any], language: Language = "en") -> ExplanationView:
    """A charge in words."""
    lines = tuple(ExplainedLine(words=line_words(line, language), amount=line["amount"]) for line in charge["lines"])
    return ExplanationView(
        charge_id=charge["charge_id"],
        kind=text(language, f"{charge['kind']}-kind"),
        plan=charge.get("plan"),
        lines=lines,
        amount=charge["amount"],
        currency=charge["currency"],
        period_total=charge["period_total"],
    )


def _guarantee_line(line: Mapping[str, Any], language: Language) -> str:
    rate, attempts, connected = percent(line["guaranteed"]), line["attempts"], line["connected"]
    if language == "zh":
        return f"保证接通率 {rate}：外呼 {attempts} 次，接通 {connected} 次"
    return f"connect rate guaranteed {rate}: {connected} of {attempts} connected"


def guarantee_words(state: GuaranteeState, language: Language = "en", *, closed: bool = False) -> str:
    """How a plan's guarantee stands, and what closing would give back, or gave back."""
    rate, attempts, few, credit = (
        percent(state.connect_rate),
        state.attempts,
        state.from_attempts,
        Decimal(state.credit),
    )
    if attempts < few and not credit:
        if language == "zh":
            return f"保证接通率 {rate}，满 {few} 次外呼起计；目前 {attempts} 次"
        return f"guaranteed {rate} from {few} attempts on; {attempts} so far"
    back = money(-credit)
    if language == "zh":
        given = f"关账时已退还 {back}" if closed else f"按目前关账时退还 {back}"
        return f"保证接通率 {rate}：外呼 {attempts} 次，接通 {state.connected} 次；{given}"
    given = f"{back} was given back at closing" if closed else f"as it stands {back} is given back at closing"
    return f"guaranteed {rate}: {state.connected} of {attempts} connected; {given}"
