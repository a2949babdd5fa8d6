"""An account: the month so far beside allowance and cap, its forecast, each charge line by line, which plan fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import Request
from markupsafe import escape
from nicegui import ui
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from rater.console.pages import charts
from rater.console.pages.account_tiles import account_tiles
from rater.console.pages.frame import Page, card, framed, part
from rater.readmodel import overall, queries
from rater.readmodel.advice import advice_on
from rater.readmodel.advice_texts import advice_words
from rater.readmodel.follower import Live
from rater.readmodel.line_texts import guarantee_words
from rater.readmodel.part_rates import PartRate, of_period
from rater.readmodel.statement import by_kind
from rater.readmodel.store import Store
from rater.readmodel.tariffs import allowances_of
from rater.readmodel.terms import AccountTerms, account_terms
from rater.readmodel.texts import Language, verdict_words
from rater.readmodel.views import AdviceView, DayView, PeriodView

ROWS = 25
LONGEST = 64
MOST = 2**53
DIGITS = 20
"""Charges of a period."""
ONLY = ("usage", "fee", "adjustment", "reversal", "late", "charged")
"""Which charges may be looked at alone."""
HISTORY = 13
"""Periods that the charts show, the newest last."""


class AskedCharges(NamedTuple):
    """What the address asks for."""

    period: str | None
    before: int
    only: str | None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> AskedCharges:
        """From an address; what it says wrong is left out."""
        said = query.get("before", "")
        before = int(said) if said.isascii() and said.isdigit() and len(said) < DIGITS else 0
        return cls(
            query.get("period"), min(before, MOST), next((one for one in ONLY if one == query.get("only")), None)
        )


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
    terms: AccountTerms | None
    rates: list[PartRate]
    """By class and label, as of when the page was opened: all of a period's charges are looked at for it."""


def look(
    connection: Connection,
    account: str,
    asked: AskedCharges,
    language: Language = "en",
    last: AccountPage | None = None,
) -> AccountPage | None:
    """Ask for all of it; None where nothing is known of the account. Advice is taken from `last` where it can be."""
    periods = queries.account_periods(connection, account)
    if not periods:
        return None
    same = last is not None and _past(last.periods) == _past(periods)
    period = next((one for one in periods if one.period == asked.period), periods[0])
    return AccountPage(
        periods,
        period,
        queries.days(connection, account, period.period),
        queries.charges_of(connection, account, period.period, asked.before, ROWS + 1, newest=True, only=asked.only),
        allowances_of(connection, account, period.plan),
        [one for one in overall.alerts_of(connection, account, limit=50) if one["period"] == period.period],
        last.advice if last is not None and same else advice_on(connection, account),
        account_terms(connection, period, periods, language),
        last.rates
        if last is not None and last.period.period == period.period
        else of_period(connection, account, period.period),
    )


def _past(periods: Sequence[PeriodView]) -> list[tuple[str, int, bool] | str | None]:
    """What advice depends on: the months that are over, and the plan."""
    past = [(one.period, one.charges, one.closed) for one in periods if one.closed or one is not periods[0]]
    return [periods[0].plan, *past]


def install(store: Store, live: Live) -> None:
    """Put the page at its place."""

    @ui.page("/account/{account}")
    async def account_page(request: Request, account: str) -> None:
        page, asked = Page(request, store, live), AskedCharges.of(request.query_params)
        account = account[:LONGEST]
        known = await page.ask(lambda connection: queries.account_periods(connection, account))
        if not known:
            raise HTTPException(404)
        if asked.period is not None and asked.period not in {one.period for one in known}:
            with framed(page, "accounts", account), card(page.say("account"), "r-12"):
                part(str(escape(page.say("no-such-period", account=account, period=asked.period[:LONGEST]))))
                part(page.plain("periods", known, account, ""))
            return
        with framed(page, "accounts", account):
            parts = _Parts(page, account)

        last: AccountPage | None = None

        async def refresh() -> None:
            nonlocal last
            last = await page.ask(lambda connection: look(connection, account, asked, page.language, last))
            if last is not None:
                parts.show(last, asked)

        async def go(query: Mapping[str, str]) -> None:
            nonlocal asked
            asked = AskedCharges.of(query)
            await refresh()

        page.in_place((parts.tabs, parts.charges), go)
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
        with card(say("terms"), "r-12"):
            self.terms = part()
        with card(say("advice"), "r-12"):
            self.advice = part()
            self.costs = ui.echart(charts.base(dark=page.dark)).style("height:260px")
        with card(say("charges"), "r-12") as listed:
            listed.props('id="charges"')
            self.charges = part()
        with card(say("history")):
            self.history = ui.echart(charts.base(dark=page.dark)).style("height:240px")
        with card(say("rates-by-period")):
            self.rates = ui.echart(charts.base(dark=page.dark)).style("height:240px")
        with card(say("rates-by-part"), "r-12") as self.by_part_card:
            self.by_part = part()

    def show(self, shown: AccountPage, asked: AskedCharges) -> None:
        """Fill them."""
        page, view = self._page, shown.period
        self.title.set_content(page.render("title", self._account, view))
        self.tabs.set_content(page.plain("periods", shown.periods[:HISTORY], self._account, view.period))
        self.tiles.set_content(page.plain("tiles", account_tiles(page, view, shown.allowances)))
        self.terms.set_content(page.render("terms", shown.terms))
        verdict = verdict_words(view.connect_rate.verdict, page.language)
        guarantee = "" if view.guarantee is None else guarantee_words(view.guarantee, page.language, closed=view.closed)
        self.rate.set_content(page.render("connect", view.connect_rate, verdict, guarantee))
        older = shown.charges[ROWS - 1]["seq"] if len(shown.charges) > ROWS else None
        self.charges.set_content(
            page.render("only", ONLY, asked.only, self._account, view.period)
            + page.render("charges", shown.charges[:ROWS], self._account, view.period, older, asked)
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


def day_chart(page: Page, view: PeriodView, days: Sequence[DayView]) -> charts.Options:
    """Spend by day, what it comes to, the cap, and up to the period's end the forecast with its band."""
    by_day = day_sums(view, days)
    names = charts.Names(
        *(page.say(name) for name in ("day-amount", "running-total", "cap", "forecast-short", "interval"))
    )
    span = charts.DaySpan(period_days(view, list(by_day)), today_in(view))
    return charts.by_day(names, span, by_day, view.forecast, view.spend_cap, dark=page.dark)


def today_in(view: PeriodView) -> str:
    """The day that it is where the account is charged: up to it nothing more is spent than is known."""
    return datetime.now(ZoneInfo(view.time_zone or "UTC")).date().isoformat()


def day_sums(view: PeriodView, days: Sequence[DayView]) -> dict[str, charts.DaySums]:
    """What each day of the period cost; late calls of an earlier month stand on its first day."""
    first = _first_day(view) or date.min
    sums: dict[str, charts.DaySums] = {}
    for day in days:
        at = max(date.fromisoformat(day.day), first).isoformat()
        late = day.day < at
        before, other = sums.get(at, charts.DaySums()), Decimal(day.other)
        calls = Decimal(day.amount) - other
        sums[at] = charts.DaySums(before.calls + (0 if late else calls), before.other + other + (calls if late else 0))
    return sums


def _first_day(view: PeriodView) -> date | None:
    if view.start is None or view.time_zone is None:
        return None
    return datetime.fromisoformat(view.start).astimezone(ZoneInfo(view.time_zone)).date()


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
