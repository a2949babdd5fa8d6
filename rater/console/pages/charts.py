"""The charts, as options of ECharts. Amounts go in as decimals in strings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from rater.readmodel.figures import money
from rater.readmodel.views import ConnectRate, Forecast

LIGHT = {
    "ink": "#1b2330",
    "dim": "#5c6878",
    "line": "#e1e6ed",
    "accent": "#1d5fd1",
    "warn": "#a05a00",
    "bad": "#b3261e",
    "card": "#ffffff",
}
DARK = {
    "ink": "#e7ebf1",
    "dim": "#9ba7b7",
    "line": "#2c3542",
    "accent": "#78a9ff",
    "warn": "#ffb95c",
    "bad": "#ff8a80",
    "card": "#191f28",
}
SERIES = ("#1d5fd1", "#b8620e", "#15805a", "#8e5bd0", "#c2397a", "#4f6f8a", "#7d7a14", "#1f7fa6")
DARK_SERIES = ("#78a9ff", "#f0a35e", "#5fd39a", "#c39bf5", "#f48fbd", "#9fbdd6", "#d6d36a", "#7fd0ef")
FIGURE = (
    "v => v == null ? '-' : Number(v).toLocaleString('en-US', {minimumFractionDigits: 2, maximumFractionDigits: 9})"
)
"""How a figure is shown where the mouse points: as everywhere else."""

Options = dict[str, Any]


def base(*, dark: bool) -> Options:
    """What all charts share."""
    ink = DARK if dark else LIGHT
    thousands = "v => typeof v === 'number' ? v.toLocaleString('en-US') : v"
    axis = {"axisLine": {"lineStyle": {"color": ink["line"]}}, "axisLabel": {"color": ink["dim"]}}
    return {
        "animation": False,
        "aria": {"enabled": True},
        "color": list(DARK_SERIES if dark else SERIES),
        "textStyle": {"color": ink["ink"], "fontFamily": "system-ui, 'Noto Sans CJK SC', sans-serif"},
        "grid": {"left": 8, "right": 14, "top": 30, "bottom": 6, "containLabel": True},
        "legend": {"textStyle": {"color": ink["dim"]}, "top": 0, "itemHeight": 9, "type": "scroll"},
        "tooltip": {
            "trigger": "axis",
            "confine": True,
            "backgroundColor": ink["card"],
            "borderColor": ink["line"],
            "textStyle": {"color": ink["ink"]},
            ":valueFormatter": FIGURE,
        },
        "xAxis": {"type": "category", "axisTick": {"show": False}, **axis},
        "yAxis": _values(ink, axis, thousands),
    }


def _values(ink: Mapping[str, str], axis: Options, formatter: str) -> Options:
    labels = {**axis["axisLabel"], ":formatter": formatter}
    return {"type": "value", "splitLine": {"lineStyle": {"color": ink["line"]}}, **axis, "axisLabel": labels}


def by_minute(name: str, labels: Sequence[str], amounts: Sequence[str], *, dark: bool) -> Options:
    """What was charged in each of the last minutes."""
    options = base(dark=dark) | {"legend": {"show": False}}
    options["grid"]["top"] = 10
    options["xAxis"]["data"] = list(labels)
    options["series"] = [{"type": "bar", "name": name, "data": list(amounts), "barCategoryGap": "15%"}]
    return options


class Names(NamedTuple):
    """What the lines of the days are called."""

    day: str
    so_far: str
    cap: str
    forecast: str
    between: str


class DaySums(NamedTuple):
    """What a day's calls cost, and what fell on it beside: fees, credits, late calls of other months."""

    calls: Decimal = Decimal(0)
    other: Decimal = Decimal(0)


class DaySpan(NamedTuple):
    """The days of a period, and the day that it is."""

    days: Sequence[str]
    today: str


def by_day(
    names: Names,
    span: DaySpan,
    amounts: Mapping[str, DaySums],
    forecast: Forecast | None,
    cap: str | None,
    *,
    dark: bool,
) -> Options:
    """Above what each day's calls cost; below what the month comes to, its cap, and the way to the forecast.

    What it comes to is told up to today, on days without calls too; of a period that is over up to its end.
    """
    options, days = base(dark=dark), span.days
    ink, colour = DARK if dark else LIGHT, options["color"]
    labels = [day[5:] for day in days]
    options["grid"] = [{**options["grid"], "height": "34%"}, {**options["grid"], "top": "56%"}]
    options["xAxis"] = [options["xAxis"] | {"data": labels, "gridIndex": n} for n in range(2)]
    options["yAxis"] = [options["yAxis"] | {"gridIndex": n, "splitNumber": 3} for n in range(2)]
    last = max((number for number, day in enumerate(days) if day in amounts or day <= span.today), default=-1)
    sums = [amounts.get(day, DaySums()) for day in days[: last + 1]]
    so_far = [str(sum(one.calls + one.other for one in sums[: number + 1])) for number in range(last + 1)]
    running = _line(names.so_far, so_far) | {"xAxisIndex": 1, "yAxisIndex": 1}
    if cap is not None:
        label = {"formatter": f"{names.cap} {money(cap)}", "position": "insideEndTop", "color": ink["bad"]}
        rule = {"yAxis": cap, "name": names.cap, "label": label}
        running["markLine"] = {"symbol": "none", "lineStyle": {"color": ink["bad"]}, "data": [rule]}
        options["yAxis"][1][":max"] = f"v => Math.ceil(Math.max(v.max, {cap}) * 1.08)"
    bars = {"type": "bar", "name": names.day, "data": [str(one.calls) for one in sums], "barCategoryGap": "25%"}
    options["series"] = [bars, running]
    if forecast is not None and 0 <= last < len(days) - 1:
        ahead = _ahead(names, so_far[-1], forecast, last, len(days), colour[2])
        options["series"] += [one | {"xAxisIndex": 1, "yAxisIndex": 1} for one in ahead]
    return options


def _ahead(names: Names, now: str, forecast: Forecast, last: int, days: int, colour: str) -> list[Options]:
    """From the last day straight to the forecast, and the band that opens around it."""
    steps = days - 1 - last

    def way(end: str) -> list[str | None]:
        start, far = Decimal(now), Decimal(end) - Decimal(now)
        return [None] * last + [str(round(start + far * step / steps, 2)) for step in range(steps + 1)]

    low, high = way(forecast.low), way(forecast.high)
    wide = [None if b is None or a is None else str(Decimal(b) - Decimal(a)) for a, b in zip(low, high, strict=True)]
    green = {"itemStyle": {"color": colour}}
    unseen = {"stack": "band", "lineStyle": {"opacity": 0}, "tooltip": {"show": False}, "silent": True, **green}
    dashed = {"lineStyle": {"type": "dashed", "width": 2, "color": colour}, **green}
    return [
        _line(names.forecast, way(forecast.total)) | dashed,
        _line("", low) | unseen,
        _line(names.between, wide) | unseen | {"areaStyle": {"opacity": 0.18, "color": colour}},
    ]


def _line(name: str, data: Sequence[str | None]) -> Options:
    return {"type": "line", "name": name, "data": list(data), "symbol": "none", "lineStyle": {"width": 2}}


def rates(names: tuple[str, str], periods: Sequence[str], found: Sequence[ConnectRate], *, dark: bool) -> Options:
    """Connect rates in percent, each with its interval, and the band that is reasonable."""
    options = base(dark=dark)
    options["xAxis"]["data"] = list(periods)
    options["yAxis"] |= {"min": 0, "max": 100}

    def points(shares: Sequence[str | None]) -> list[str]:
        return [str(round(Decimal(share or 0) * 100, 1)) for share in shares]

    low, high = points([one.low for one in found]), points([one.high for one in found])
    wide = [str(Decimal(b) - Decimal(a)) for a, b in zip(low, high, strict=True)]
    unseen = {"type": "bar", "stack": "interval", "barWidth": 6, "silent": True}
    rate = _line(names[0], points([one.rate for one in found])) | {"symbol": "circle", "symbolSize": 9}
    if found:
        low_end, high_end = points(found[-1].band)
        band = [[{"yAxis": low_end}, {"yAxis": high_end}]]
        rate["markArea"] = {"silent": True, "itemStyle": {"color": "#1a9c6b", "opacity": 0.14}, "data": band}
    options["series"] = [
        rate,
        unseen | {"data": low, "itemStyle": {"opacity": 0}, "tooltip": {"show": False}},
        unseen | {"name": names[1], "data": wide, "itemStyle": {"opacity": 0.35}},
    ]
    return options


def stacked(periods: Sequence[str], series: Sequence[tuple[str, Sequence[str]]], *, dark: bool) -> Options:
    """Parts of a whole, period by period."""
    options = base(dark=dark)
    options["xAxis"]["data"] = list(periods)
    options["series"] = [
        {"type": "bar", "stack": "all", "name": name, "data": list(data), "barMaxWidth": 48} for name, data in series
    ]
    return options


def side_by_side(periods: Sequence[str], series: Sequence[tuple[str, Sequence[str]]], *, dark: bool) -> Options:
    """The same months under several plans."""
    options = base(dark=dark)
    options["xAxis"]["data"] = list(periods)
    options["series"] = [{"type": "bar", "name": name, "data": list(data)} for name, data in series]
    return options


def lines(label: str, points: Sequence[int], series: Sequence[tuple[str, Sequence[str]]], *, dark: bool) -> Options:
    """What each plan costs, over a number of units."""
    options = base(dark=dark)
    options["grid"]["bottom"] = 26
    options["xAxis"] |= {"data": list(points), "name": label, "nameLocation": "middle", "nameGap": 26}
    options["series"] = [_line(name, data) for name, data in series]
    return options
