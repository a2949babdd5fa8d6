"""The charts, as options of ECharts. Amounts go in as decimals in strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LIGHT = {
    "ink": "#1b2330",
    "dim": "#5c6878",
    "line": "#e1e6ed",
    "accent": "#1d5fd1",
    "warn": "#a05a00",
    "bad": "#b3261e",
}
DARK = {"ink": "#e7ebf1", "dim": "#9ba7b7", "line": "#2c3542", "accent": "#78a9ff", "warn": "#ffb95c", "bad": "#ff8a80"}
SERIES = ("#1d5fd1", "#d9822b", "#1a9c6b", "#8e5bd0", "#c2397a", "#5a7d9a", "#a3a02b", "#4aa3c7")

Options = dict[str, Any]


def base(*, dark: bool) -> Options:
    """What all charts share."""
    ink = DARK if dark else LIGHT
    axis = {"axisLine": {"lineStyle": {"color": ink["line"]}}, "axisLabel": {"color": ink["dim"]}}
    return {
        "animation": False,
        "color": list(SERIES),
        "textStyle": {"color": ink["ink"], "fontFamily": "system-ui, 'Noto Sans CJK SC', sans-serif"},
        "grid": {"left": 8, "right": 14, "top": 30, "bottom": 6, "containLabel": True},
        "legend": {"textStyle": {"color": ink["dim"]}, "top": 0, "itemHeight": 9, "type": "scroll"},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {"type": "category", "axisTick": {"show": False}, **axis},
        "yAxis": {"type": "value", "splitLine": {"lineStyle": {"color": ink["line"]}}, **axis},
    }


def by_minute(name: str, labels: Sequence[str], amounts: Sequence[str], *, dark: bool) -> Options:
    """What was charged in each of the last minutes."""
    options = base(dark=dark) | {"legend": {"show": False}}
    options["grid"]["top"] = 10
    options["xAxis"]["data"] = list(labels)
    options["series"] = [{"type": "bar", "name": name, "data": list(amounts), "barCategoryGap": "15%"}]
    return options


def by_day(
    names: tuple[str, str, str],
    days: Sequence[str],
    amounts: Sequence[str],
    so_far: Sequence[str],
    cap: str | None,
    *,
    dark: bool,
) -> Options:
    """Bars for the days, a line for what they come to, and the cap where there is one."""
    ink = DARK if dark else LIGHT
    options = base(dark=dark)
    options["xAxis"]["data"] = [day[5:] for day in days]
    running: Options = {
        "type": "line",
        "name": names[1],
        "data": list(so_far),
        "symbol": "none",
        "lineStyle": {"width": 2},
    }
    if cap is not None:
        line = {"yAxis": cap, "name": names[2], "label": {"formatter": f"{names[2]} {cap}", "position": "insideEndTop"}}
        running["markLine"] = {"symbol": "none", "lineStyle": {"color": ink["bad"]}, "data": [line]}
        options["yAxis"]["max"] = f"function(v) {{ return Math.max(v.max, {cap}) * 1.08; }}"
        options["yAxis"][":max"] = options["yAxis"].pop("max")
    options["series"] = [{"type": "bar", "name": names[0], "data": list(amounts), "barCategoryGap": "25%"}, running]
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
    options["series"] = [
        {"type": "line", "name": name, "data": list(data), "symbol": "none", "lineStyle": {"width": 2}}
        for name, data in series
    ]
    return options
