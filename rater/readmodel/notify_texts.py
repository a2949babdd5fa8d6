"""What people are told by chat, mail and webhooks, in a sentence; in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rater.readmodel.figures import money
from rater.readmodel.reason_texts import reason_text
from rater.readmodel.texts import LANGUAGES, Language, alert_words, meter_words

_TEXTS: dict[str, tuple[str, str]] = {
    "alert.raised": ("{account}, {period}: {words}", "{account}，{period}：{words}"),
    "period.closed": (
        "{account}, {period} is closed: {total} {currency}",
        "{account}，{period} 已关账：{total} {currency}",
    ),
    "charge.created": (
        "{account}, {period}: {amount} {currency}, {total} in all",
        "{account}，{period}：{amount} {currency}，累计 {total}",
    ),
    "record.rejected": ("a record was rejected: {meaning} ({detail})", "记录被拒收：{meaning}（{detail}）"),
    "allowance": (
        "{account}, {period}: {percent} % of the {meter} are used (threshold {name})",
        "{account}，{period}：{meter}额度已用 {percent}%（阈值 {name}）",
    ),
    "spend": (
        "{account}, {period}: {total} {currency} of spend, the threshold is {limit} ({name})",
        "{account}，{period}：消费 {total} {currency}，达到阈值 {limit}（{name}）",
    ),
    "calls_a_minute": (
        "{account}: {calls} calls in a minute, {usual} are usual ({name})",
        "{account}：一分钟内 {calls} 次呼叫，平时为 {usual} 次（{name}）",
    ),
    "rejected_a_minute": (
        "{rejected} records rejected in a minute ({name})",
        "一分钟内拒收 {rejected} 条记录（{name}）",
    ),
}


def notify_words(event: str, account: str | None, data: Mapping[str, Any], language: Language) -> str:
    """An event in a sentence; `data` is what it carries."""
    said = data["kind"] if event == "threshold.reached" else event
    values: dict[str, Any] = {"account": account, **data}
    values |= {name: money(data[name]) for name in ("total", "amount", "limit") if name in data and _is_money(said)}
    if event == "alert.raised":
        values["words"] = alert_words(data, language)
    elif event == "charge.created":
        values["total"] = money(data["period_total"])
    elif event == "record.rejected":
        values["meaning"] = reason_text(data["reason"], language).meaning
    elif said == "allowance":
        values["meter"] = meter_words(data["meter"], language)
    return _TEXTS[said][LANGUAGES.index(language)].format(**values)


def _is_money(said: str) -> bool:
    return said in {"period.closed", "charge.created", "spend"}
