"""Which plan fits, in sentences; in English and Chinese."""

from __future__ import annotations

from decimal import Decimal

from rater.readmodel.figures import money
from rater.readmodel.texts import Language, in_language
from rater.readmodel.views import AdviceView

_ADVICE: dict[str, tuple[str, str]] = {
    "best": (
        "{plan} is the cheapest over {months}: {total}, in the worst month {worst}.",
        "{months}合计最便宜的是 {plan}：{total}，最高月 {worst}。",
    ),
    "running": (
        "If {period} goes on as so far it comes to {now}; under {best} it would be {cost}, {saves} less.",
        "{period} 若照目前趋势，预计 {now}；改用 {best} 预计 {cost}，少 {saves}。",
    ),
    "on-it": ("The account is on it.", "该账户正在使用此套餐。"),
    "paid-more": (
        "For usage and fees it was charged {paid}, which is {too_much} more; adjustments and credits are left out.",
        "用量与月费实际计费 {paid}，多付 {too_much}；调整与赔付未计入。",
    ),
    "paid-less": (
        "For usage and fees it was charged {paid}, {less} less than under any plan; adjustments are left out.",
        "用量与月费实际计费 {paid}，比资费表中任何套餐都少 {less}；调整与赔付未计入。",
    ),
    "swings": (
        "Its volume swings: the fullest month has at least twice the quietest.",
        "用量波动大：最高月至少是最低月的两倍。",
    ),
    "caps-more": (
        "{package} caps the bad month at {package_worst}; {hybrid} came to {hybrid_worst} in its worst: {caps} more.",
        "{package} 将最高月限制在 {package_worst}；{hybrid} 最高月为 {hybrid_worst}，多 {caps}。",
    ),
    "caps-less": (
        "{package} would cost {package_worst} in its worst month; {hybrid} came to {hybrid_worst}: {caps} less.",
        "{package} 最高月为 {package_worst}；{hybrid} 最高月为 {hybrid_worst}，少 {caps}。",
    ),
    "saves": (
        "{hybrid} follows the volume: in {saves_in} it costs {saves} less than {package}.",
        "{hybrid} 随用量变化：{saves_in} 比 {package} 少 {saves}。",
    ),
    "saves-nothing": ("{hybrid} is cheaper than {package} in no month.", "{hybrid} 没有一个月比 {package} 便宜。"),
}


def advice_words(advice: AdviceView, language: Language = "en") -> list[str]:
    """The advice in sentences: on the months that are over, and on the one that runs."""
    now = advice.running
    said = _of_the_past(advice, language) if advice.offers else []
    if now is None:
        return said
    amounts = {"cost": money(now.cost), "now": money(now.now), "saves": money(now.saves)}
    return [*said, in_language(language, _ADVICE["running"], {"period": now.period, "best": now.best, **amounts})]


def _of_the_past(advice: AdviceView, language: Language) -> list[str]:
    best = advice.offers[0]
    number = len(advice.months)
    months = f"{number} 个月" if language == "zh" else f"{number} month{'s' if number > 1 else ''}"
    values = {"plan": best.plan, "months": months, "total": money(best.total), "worst": money(best.worst)}
    keys = ["best"]
    if advice.current == best.plan:
        keys.append("on-it")
    else:
        keys.append("paid-less" if advice.too_much.startswith("-") else "paid-more")
    values |= {"paid": money(advice.paid), "too_much": money(advice.too_much)}
    values |= {"less": money(advice.too_much.lstrip("-"))}
    if advice.swings:
        keys.append("swings")
    guard = advice.protection
    if guard is not None:
        values |= {name: getattr(guard, name) for name in ("package", "hybrid", "saves_in")}
        values |= {name: money(getattr(guard, name)) for name in ("package_worst", "hybrid_worst", "saves")}
        values |= {"caps": money(guard.caps.lstrip("-"))}
        keys.append("caps-less" if guard.caps.startswith("-") else "caps-more")
        keys.append("saves" if Decimal(guard.saves) > 0 else "saves-nothing")
    return [in_language(language, _ADVICE[key], values) for key in keys]
