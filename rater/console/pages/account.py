"""An account: the month so far beside allowance and cap, its forecast, each charge line by line, which plan fits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import Request
from markupsafe import escape
from nicegui import ui
from sqlalchemy import Connection

from rater.console.pages import charts
from rater.console.pages.frame import Page, card, framed, part
from rater.console.pages.overview import Tile
from rater.readmodel import overall, queries
from rater.readmodel.advice import advice_on
from rater.readmodel.figures import money
from rater.readmodel.follower import Live
from rater.readmodel.line_texts import guarantee_words
from rater.readmodel.part_rates import PartRate, of_period
from rater.readmodel.statement import by_kind
from rater.readmodel.store import Store
from rater.readmodel.tariffs import plan_of
from rater.readmodel.texts import advice_words, meter_words, verdict_words
from rater.readmodel.views import AdviceView, DayView, PeriodView

ROWS = 25
LONGEST = 64
MOST = 2**53
"""Charges of a period."""
HISTORY = 13
"""Periods that the charts show, the newest last."""


class AccountPage(NamedTuple):
    """What the page shows, of one moment."""

    periods: list[PeriodView]
    period: PeriodView
    days: list[DayView]
    charges: list[dict[str, Any]]
    allowances: dict[str, int]
    """Meter -> units that the period's plan includes."""
    alerts: list[dict[str, Any]]
    advice: AdviceView | None
    rates: list[PartRate]
    """By class and label, as of when the page was opened: all of a period's charges are looked at for it."""


def look(
    connection: Connection, account: str, name: str | None, before: int, last: AccountPage | None = None
) -> AccountPage | None:
    """Ask for all of it; None where nothing is known of the account. Advice is taken from `last` where it can be."""
    periods = queries.account_periods(connection, account)
    if not periods:
        return None
    same = last is not None and _past(last.periods) == _past(periods)
    period = next((one for one in periods if one.period == name), periods[0])
    plan = plan_of(connection, period.plan)
    return AccountPage(
        periods,
        period,
        queries.days(connection, account, period.period),
        queries.charges_of(connection, account, period.period, before, ROWS + 1, newest=True),
        {} if plan is None else {meter.name: meter.allowance for meter in plan.meters if meter.allowance},
        [one for one in overall.alerts_of(connection, account, limit=50) if one["period"] == period.period],
        last.advice if last is not None and same else advice_on(connection, account),
        of_period(connection, account, period.period) if last is None else last.rates,
    )


def _past(periods: Sequence[PeriodView]) -> list[tuple[str, int, bool] | str | None]:
    """What advice depends on: the months that are over, and the plan."""
    past = [(one.period, one.charges, one.closed) for one in periods if one.closed or one is not periods[0]]
    return [periods[0].plan, *past]


def install(store: Store, live: Live) -> None:
    """Put the page at its place."""

    @ui.page("/account/{account}")
    async def account_page(request: Request, account: str, period: str | None = None, before: int = 0) -> None:
        page = Page(request, store, live)
        account, before = account[:LONGEST], min(max(before, 0), MOST)
        if await page.ask(lambda connection: look(connection, account, period, before)) is None:
            with framed(page, "accounts"), card(page.say("account"), "r-12"):
                part(str(escape(page.say("unknown-account", account=account))))
            return
        with framed(page, "accounts"):
            parts = _Parts(page, account)

        last: AccountPage | None = None

        async def refresh() -> None:
            nonlocal last
            last = await page.ask(lambda connection: look(connection, account, period, before, last))
            if last is not None:
                parts.show(last, newest=not before)

        await refresh()
        page.refreshing(refresh)


class _Parts:
    """The places on the page that change."""

    def __init__(self, page: Page, account: str) -> None:
        self._page, self._account, say = page, account, page.say
        with ui.element("div").classes("r-12"):
            self.title, self.tabs = part(), part().style("margin-top:.6rem")
        self.tiles = part().classes("r-12")
        with card(say("by-day"), "r-8"):
            self.days = ui.echart(charts.base(dark=page.dark)).style("height:280px")
        with ui.element("div").classes("r-4 r-stack"):
            with card(say("connect-rate"), ""):
                self.rate = part()
            with card(say("alerts"), ""):
                self.alerts = part()
        with card(say("advice"), "r-12"):
            self.advice = part()
            self.costs = ui.echart(charts.base(dark=page.dark)).style("height:260px")
        with card(say("charges"), "r-12"):
            self.charges = part()
        with card(say("history")):
            self.history = ui.echart(charts.base(dark=page.dark)).style("height:240px")
        with card(say("rates-by-period")):
            self.rates = ui.echart(charts.base(dark=page.dark)).style("height:240px")
        with card(say("rates-by-part"), "r-12") as self.by_part_card:
            self.by_part = part()

    def show(self, shown: AccountPage, *, newest: bool) -> None:
        """Fill them."""
        page, view = self._page, shown.period
        self.title.set_content(page.render("title", self._account, view))
        self.tabs.set_content(page.plain("periods", shown.periods[:HISTORY], self._account, view.period))
        self.tiles.set_content(page.plain("tiles", figures(page, shown)))
        verdict = verdict_words(view.connect_rate.verdict, page.language)
        guarantee = "" if view.guarantee is None else guarantee_words(view.guarantee, page.language)
        self.rate.set_content(page.render("connect", view.connect_rate, verdict, guarantee))
        older = shown.charges[ROWS - 1]["seq"] if len(shown.charges) > ROWS else None
        self.charges.set_content(
            page.render("charges", shown.charges[:ROWS], self._account, view.period, older, not newest)
        )
        _redraw(self.days, day_chart(page, view, shown.days))
        self.alerts.set_content(page.render("alert_texts", shown.alerts))
        _redraw(self.history, history_chart(page, shown.periods))
        _redraw(self.rates, rates_chart(page, shown.periods))
        self.by_part_card.set_visibility(bool(shown.rates))
        self.by_part.set_content(page.render("part_rates", shown.rates))
        advice = shown.advice
        sentences = [] if advice is None else advice_words(advice, page.language)
        self.advice.set_content(page.render("advice", sentences, advice))
        compared = advice is not None and bool(advice.offers)  # else it speaks of the month that runs alone
        self.costs.set_visibility(compared)
        if advice is not None and compared:
            _redraw(self.costs, advice_chart(page, advice))


def _redraw(chart: ui.echart, options: charts.Options) -> None:
    if chart.options != options:
        chart.options.clear()
        chart.options.update(options)
        chart.update()


def figures(page: Page, shown: AccountPage) -> list[Tile]:
    """So far against the cap, the forecast with its band, and what is left of each allowance."""
    view, say = shown.period, page.say
    forecast = [] if view.closed else [_forecast(page, view)]  # what is over is not forecast
    return [_so_far(page, view), *forecast, *_left(page, shown)] + (
        [] if view.allowance_left else [Tile(say("allowance"), "-", note=say("no-allowance"))]
    )


def _so_far(page: Page, view: PeriodView) -> Tile:
    say = page.say
    name = say("total" if view.closed else "so-far")
    if view.spend_cap is None:
        return Tile(name, money(view.total), view.currency, say("no-cap"))
    total, cap = Decimal(view.total), Decimal(view.spend_cap)
    share = round(100 * total / cap) if cap else 100
    tone = "bad" if total >= cap else "warn" if share >= 80 else ""
    note = f"{share} % {say('of-cap')} {money(cap)}"
    return Tile(name, money(view.total), view.currency, note, tone, float(min(share, 100)))


def _forecast(page: Page, view: PeriodView) -> Tile:
    say, forecast = page.say, view.forecast
    if forecast is None:
        return Tile(say("forecast"), "-", note=say("no-forecast"))
    beyond = view.spend_cap is not None and Decimal(forecast.total) > Decimal(view.spend_cap)
    note = say("between", low=money(forecast.low), high=money(forecast.high))
    return Tile(say("forecast"), money(forecast.total), view.currency, note, "bad" if beyond else "")


def _left(page: Page, shown: AccountPage) -> list[Tile]:
    tiles = []
    for meter, left in shown.period.allowance_left.items():
        whole = shown.allowances.get(meter)
        label = f"{page.say('allowance')}: {meter_words(meter, page.language)}"
        if left == "unlimited":
            tiles.append(Tile(label, page.say("unlimited")))
            continue
        used = None if not whole else float(max(0, min(100, round(100 * (1 - Decimal(left) / whole)))))
        tone = "" if used is None or used < 80 else "bad" if used >= 100 else "warn"
        tiles.append(Tile(label, left, "", "" if whole is None else f"/ {whole}", tone, used))
    return tiles


def day_chart(page: Page, view: PeriodView, days: Sequence[DayView]) -> charts.Options:
    """Spend by day, what it comes to, the cap, and up to the period's end the forecast with its band."""
    by_day = {day.day: Decimal(day.amount) for day in days}
    names = charts.Names(
        *(page.say(name) for name in ("day-amount", "running-total", "cap", "forecast-short", "interval"))
    )
    return charts.by_day(names, period_days(view, list(by_day)), by_day, view.forecast, view.spend_cap, dark=page.dark)


def period_days(view: PeriodView, known: Sequence[str]) -> list[str]:
    """The period's local days; those up to the last known one where the period's bounds are not known."""
    if not known:
        return []
    first = date.fromisoformat(min(known))
    last = date.fromisoformat(max(known))
    if view.start is not None and view.end is not None and view.time_zone is not None:
        zone = ZoneInfo(view.time_zone)
        first = min(first, datetime.fromisoformat(view.start).astimezone(zone).date())
        last = max(last, (datetime.fromisoformat(view.end).astimezone(zone) - timedelta(seconds=1)).date())
    return [(first + timedelta(days=n)).isoformat() for n in range(min((last - first).days, 62) + 1)]


def rates_chart(page: Page, periods: Sequence[PeriodView]) -> charts.Options:
    """Each period's connect rate with its interval, beside the band."""
    shown = [one for one in reversed(periods[:HISTORY]) if one.connect_rate.rate is not None]
    names = (page.say("connect-rate"), page.say("interval"))
    return charts.rates(names, [one.period for one in shown], [one.connect_rate for one in shown], dark=page.dark)


def history_chart(page: Page, periods: Sequence[PeriodView]) -> charts.Options:
    """Fees, usage and adjustments of each period."""
    shown = list(reversed(periods[:HISTORY]))
    parts = [by_kind(one) for one in shown]
    series = [(page.say(name), [part[name] for part in parts]) for name in ("fees", "usage", "adjustments")]
    return charts.stacked([one.period for one in shown], series, dark=page.dark)


def advice_chart(page: Page, advice: AdviceView) -> charts.Options:
    """Every plan's cost by month."""
    periods = [month.period for month in advice.months][-HISTORY:]
    series = [(offer.plan, offer.costs[-HISTORY:]) for offer in advice.offers]
    return charts.side_by_side(periods, series, dark=page.dark)
