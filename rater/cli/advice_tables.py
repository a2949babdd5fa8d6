"""Advice as tables for people: a row a plan, then a row a month, which fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext

from rich.table import Table

from rater.cli.shown import plain, show_table, terminal, visible
from rater.rating.money import CONTEXT
from rater.readmodel.advice_texts import advice_words
from rater.readmodel.figures import money
from rater.readmodel.texts import Language, in_language
from rater.readmodel.views import AdviceView, OfferView, WhatIfView

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("{account}: what each plan would have cost, {currency}", "{account}：各套餐历史费用比较，{currency}"),
    "what-if": ("What a month would cost, {currency}", "每月费用估算，{currency}"),
    "months": ("the months", "各月明细"),
    "plan": ("plan", "套餐"),
    "total": ("total", "合计"),
    "average": ("average", "月均"),
    "dearest": ("dearest month", "最高月"),
    "quietest": ("cheapest month", "最低月"),
    "now": ("now", "当前"),
    "month": ("month", "月份"),
    "minutes": ("minutes", "分钟"),
    "calls": ("calls", "接通次数"),
    "n-minutes": ("{n} minutes", "{n} 分钟"),
    "n-calls": ("{n} calls", "接通 {n} 次"),
    "charged": ("charged", "实际计费"),
    "counted": (
        "Minutes are billed minutes; each meter of a plan is taken to count all of them. Items are in, set-up is not.",
        "分钟为计费分钟，假定每个计量项计入全部用量；含项目费，不含开通费。",
    ),
}


def say(word: str, language: Language, **values: str) -> str:
    """A word of these tables."""
    return in_language(language, _WORDS[word], values)


def print_advice(found: AdviceView, language: Language) -> None:
    """The plans, the months, and what is to be said of them."""
    table = _plans(say("title", language, account=found.account, currency=found.currency), language)
    for offer in found.offers:
        mark = f" ({say('now', language)})" if offer.plan == found.current else ""
        style = "bold green" if offer.plan == found.best else ""
        table.add_row(plain(f"{offer.plan}{mark}", style), *(plain(cost, style) for cost in _figures(offer)))
    show_table(table)
    show_table(_months(found, language))
    print_sentences(found, language)


def print_sentences(found: AdviceView, language: Language) -> None:
    """What is to be said of the plans."""
    for sentence in advice_words(found, language):
        terminal().print(visible(sentence), markup=False)


def _plans(title: str, language: Language) -> Table:
    table = Table(title=plain(title), title_justify="left")
    table.add_column(say("plan", language))
    for name in ("total", "average", "dearest", "quietest"):
        table.add_column(say(name, language), justify="right")
    return table


def _figures(offer: OfferView) -> Sequence[str]:
    with localcontext(CONTEXT):
        costs = [Decimal(cost) for cost in offer.costs]
        average = (Decimal(offer.total) / len(costs)).quantize(costs[0])
    return [money(amount) for amount in (Decimal(offer.total), average, max(costs), min(costs))]


def _months(found: AdviceView, language: Language) -> Table:
    """What each month had, what was charged for it, and what the best plan and the one now would have cost."""
    shown = [offer for offer in found.offers if offer.plan in {found.best, found.current}]
    table = Table(title=say("months", language), title_justify="left")
    table.add_column(say("month", language))
    for name in ("minutes", "calls", "charged"):
        table.add_column(say(name, language), justify="right")
    for offer in shown:
        table.add_column(plain(offer.plan), justify="right")
    for number, month in enumerate(found.months):
        minutes = f"{month.talk_seconds / 60:,.0f}"
        costs = (money(offer.costs[number]) for offer in shown)
        table.add_row(month.period, minutes, f"{month.connected_calls:,}", money(month.paid), *costs)
    return table


def print_what_if(found: WhatIfView, language: Language) -> None:
    """A row a plan, a column for each of the months that were thought of."""
    table = Table(title=plain(say("what-if", language, currency=found.currency)), title_justify="left")
    table.add_column(say("plan", language))
    for month in found.months:
        heads = (say("n-minutes", language, n=f"{month.minutes:,}"), say("n-calls", language, n=f"{month.calls:,}"))
        table.add_column("\n".join(heads), justify="right")
    for number, offer in enumerate(found.offers):
        style = "" if number else "bold green"
        table.add_row(plain(offer.plan, style), *(plain(money(cost), style) for cost in offer.costs))
    show_table(table)
    terminal().print(say("counted", language), markup=False, style="dim")
