"""The figures on top of an account's page."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from rater.console.pages.frame import Page
from rater.console.pages.tiles import Tile
from rater.readmodel.figures import money, units
from rater.readmodel.texts import meter_words
from rater.readmodel.views import PeriodView


def account_tiles(page: Page, view: PeriodView, allowances: Mapping[str, int]) -> list[Tile]:
    """So far against the cap, the forecast with its band, and what is left of each allowance."""
    say = page.say
    forecast = [] if view.closed else [_forecast(page, view)]  # what is over is not forecast
    return [_so_far(page, view), *forecast, *_left(page, view, allowances)] + (
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


def _left(page: Page, view: PeriodView, allowances: Mapping[str, int]) -> list[Tile]:
    tiles = []
    for meter, left in view.allowance_left.items():
        whole = allowances.get(meter)
        label = f"{page.say('allowance')}: {meter_words(meter, page.language)}"
        if left == "unlimited":
            tiles.append(Tile(label, page.say("unlimited")))
            continue
        used = None if not whole else float(max(0, min(100, round(100 * (1 - Decimal(left) / whole)))))
        tone = "" if used is None or used < 80 else "bad" if used >= 100 else "warn"
        tiles.append(
            Tile(
                label,
                units(left),
                "",
                "" if whole is None else page.say("left-of-whole", whole=f"{whole:,}"),
                tone,
                used,
            )
        )
    return tiles
