"""What people read, in English and Chinese: labels, verdicts, and alerts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from rater.rating.lines import FLAT, ITEM
from rater.rating.money import plain
from rater.rating.units import UNITS
from rater.readmodel.figures import money
from rater.readmodel.page_texts import PAGE_TEXTS

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

TEXTS: dict[str, tuple[str, str]] = {
    "rater": ("rater", "rater 计费"),
    "overview": ("Overview", "总览"),
    "accounts": ("Accounts", "账户"),
    "account": ("Account", "账户"),
    "plans": ("Plans", "套餐"),
    "plan": ("Plan", "套餐"),
    "price": ("Price", "价格"),
    "rejected": ("Rejected", "异常话单"),
    "alerts": ("Alerts", "告警"),
    "log-in": ("Log in", "登录"),
    "log-out": ("Log out", "退出"),
    "token": ("Token", "令牌"),
    "token-help": ("Access token", "访问令牌"),
    "wrong-token": ("That token is not known, or has expired.", "令牌不正确或已过期。"),
    "too-many": ("Too many wrong tokens. Try again in {seconds} s.", "错误次数过多，请在 {seconds} 秒后重试。"),
    "read-only": ("Read only", "只读"),
    "light": ("Light", "浅色"),
    "dark": ("Dark", "深色"),
    "other-language": ("中文", "English"),
    "charged-today": ("Charged today", "今日计费金额"),
    "period-total": ("Period", "账期"),
    "charges-a-second": ("Charges per second", "每秒计费条数"),
    "charges": ("Charges", "计费记录"),
    "n-charges": ("{n} charges", "{n} 条计费"),
    "n-accounts": ("{n} accounts", "{n} 个账户"),
    "now": ("now", "当前"),
    "rates-by-period": ("Connect rate by period", "各账期接通率"),
    "interval": ("95 % interval", "95% 区间"),
    "lag": ("Waiting", "待计费"),
    "residue": ("Difference", "差额"),
    "residue-help": ("charges less the totals; must be 0", "计费之和减各账期合计，应为 0"),
    "by-minute": ("Charged in each minute of the last hour", "最近一小时每分钟计费金额"),
    "top-accounts": ("Top accounts", "消费最高的账户"),
    "bundles": ("Allowances running out", "即将用完的额度"),
    "by-reason": ("Rejected, by reason", "异常原因"),
    **PAGE_TEXTS,
    "none": ("None", "无"),
    "stale": ("Kafka is not answering: figures are as of the last contact.", "Kafka 无响应：数据截至最后一次连接。"),
    "behind": ("{n} messages are still being read: figures grow.", "正在读取，还有 {n} 条消息：数据仍在增长。"),
    "period": ("Period", "账期"),
    "total": ("Total", "合计"),
    "closed": ("closed", "已关账"),
    "running": ("running", "进行中"),
    "more": ("More", "更多"),
    "newest": ("Newest", "最新"),
    "so-far": ("So far", "本期累计"),
    "cap": ("Spend cap", "消费上限"),
    "no-cap": ("no cap", "无上限"),
    "of-cap": ("of the cap", "（上限）"),
    "forecast": ("Forecast for the period's end", "期末预测"),
    "forecast-short": ("forecast", "预测"),
    "no-forecast": ("from the third day on", "第三天起提供"),
    "between": ("95 %: {low} to {high}", "95% 区间：{low} 至 {high}"),
    "allowance": ("Allowance left", "剩余额度"),
    "no-allowance": ("The plan has none", "该套餐不含额度"),
    "unlimited": ("unlimited", "不限量"),
    "connect-rate": ("Connect rate", "接通率"),
    "connect-rate-title": (
        "{account}: outbound calls that were connected; reasonable is {low} to {high}",
        "{account}：外呼接通率，合理范围为 {low} 至 {high}",
    ),
    "attempts": ("Attempts", "呼叫次数"),
    "connected": ("Connected", "接通"),
    "share": ("Rate", "接通率"),
    "verdict": ("Verdict", "判断"),
    "class": ("Class", "类别"),
    "explained-call": (
        "call {call_id} of {source}, {direction}{of}, {started_at}: {state}",
        "通话 {call_id}（{source}），{direction}{of}，{started_at}：{state}",
    ),
    "explained-class": (", class {name}", "，类别 {name}"),
    "explained-talk": ("{talk} s of talk, {billed} s billed", "通话 {talk} 秒，计费 {billed} 秒"),
    "explained-head": ("{kind}{late}, under {plan}", "{kind}{late}，套餐 {plan}"),
    "explained-late": (", late", "，迟到"),
    "no-plan": ("no plan", "无"),
    "total-after": ("the period's total after it", "此后本期合计"),
    "left-of": ("left of the allowance: {left} {meter}", "剩余额度：{left} {meter}"),
    "seconds": ("seconds {start} to {end} of a call", "每通第 {start} 至 {end} 秒"),
    "seconds-on": ("from second {start} of a call on", "每通第 {start} 秒起"),
    "inbound": ("inbound", "呼入"),
    "outbound": ("outbound", "呼出"),
    "internal": ("internal", "内部"),
    "adjustment_id": ("adjustment id", "调整编号"),
    "subscription_id": ("subscription id", "订阅编号"),
    "rates-by-part": ("Connect rates by class and label", "按分类和标签的接通率"),
    "by": ("By", "维度"),
    "rest": ("all others", "其他"),
    "talks-at-least": ("{seconds} s of talk", "通话满 {seconds} 秒"),
    "answered-by": ("answered by {by}", "应答方：{by}"),
    "any-answer": ("any answered call", "凡应答即接通"),
    "reached-by": ("re-rated by tariff book {version}", "按第 {version} 版资费表追溯重算"),
    "of-attempts": ("{connected} of {attempts} outbound calls", "外呼 {attempts} 次，接通 {connected} 次"),
    "band": ("reasonable: {low} to {high}", "合理范围：{low} 至 {high}"),
    "by-day": ("Spend by day", "每日消费"),
    "day-amount": ("of the day", "当日"),
    "running-total": ("so far", "累计"),
    "history": ("By period", "各账期"),
    "fees": ("Fees", "固定费用"),
    "usage": ("Usage", "用量"),
    "adjustments": ("Adjustments", "调整"),
    "statement": ("Statement", "账单"),
    "not-final": ("running, not final", "进行中，非最终"),
    "what": ("What", "项目"),
    "included": ("Included", "额度内"),
    "billed": ("Billed", "计费量"),
    "rate": ("Rate", "单价"),
    "advice": ("Which plan fits", "套餐建议"),
    "no-advice": ("No month is over yet: there is nothing to compare.", "尚无完整账期，无法比较。"),
    "paid": ("was charged", "实际计费"),
    "worst": ("Worst month", "最高月"),
    "no": ("No.", "序号"),
    "kind": ("Kind", "类型"),
    "started": ("Started", "开始时间"),
    "call": ("Call or reason", "呼叫或原因"),
    "talk": ("Talk", "通话时长"),
    "amount": ("Amount", "金额"),
    "minutes": ("Minutes", "分钟"),
    "break-even": ("What a month costs, by its minutes", "月费用随分钟数的变化"),
    "calls-chosen": ("Connected calls in the month", "当月接通次数"),
    "default": ("default", "默认"),
    "book": ("Tariff book, version {version}", "资费表 第 {version} 版"),
    "no-book": ("No tariff book was published yet.", "尚未发布资费表。"),
    "reason": ("Reason", "原因"),
    "detail": ("What is wrong", "说明"),
    "place": ("Place in the log", "日志位置"),
    "at": ("At", "时间"),
    "all": ("All", "全部"),
    "usage-kind": ("usage", "用量"),
    "fee-kind": ("fee", "月费"),
    "adjustment-kind": ("adjustment", "调整"),
    "reversal-kind": ("reversal", "冲正"),
    "minimum-kind": ("minimum", "最低消费"),
    "credit-kind": ("credit", "赔付"),
    "not-connected": ("not connected: free", "未接通：免费"),
    "late": ("late", "迟到"),
    "nothing-to-pay": ("nothing to pay", "无需付费"),
}

_METERS: dict[str, tuple[str, str]] = {
    **{unit.name: unit.plural for unit in UNITS},
    **{f"{u.name}-flat": (f"{u.plural[0]}, once for the band", f"{u.plural[1]}档位一次性费用") for u in UNITS},
    "fee": ("monthly fee", "月费"),
    "setup": ("set-up fee", "开通费"),
    "discount": ("discount", "折扣"),
    "minimum": ("up to the minimum", "最低消费补足"),
    "guarantee": ("connect rate below the guarantee", "接通率未达保证"),
    "adjustment": ("adjustment", "调整"),
    "rounding": ("rounding", "舍入"),
}

_VERDICTS: dict[str, tuple[str, str]] = {
    "no-attempts": ("there was no outbound call", "无外呼"),
    "too-few": ("too few attempts to judge", "外呼次数太少，无法判断"),
    "below": ("too low: the whole interval lies below the band", "偏低：整个区间低于合理范围"),
    "within": ("reasonable: the whole interval lies within the band", "合理：整个区间在合理范围内"),
    "borderline": (
        "on the edge: the interval crosses an end of the band; more calls will tell",
        "临界：区间跨越合理范围边界，需更多数据",
    ),
    "above": (
        "suspiciously high: answering machines or false answer signals may count as answers",
        "异常偏高：可能将语音信箱或虚假应答计为接通",
    ),
}

_ALERTS: dict[str, tuple[str, str]] = {
    "allowance-80": ("{value} of {whole} {meter} used ({share} %)", "{meter}已用 {value} / {whole}（{share}%）"),
    "allowance-100": ("{value} of {whole} {meter} used ({share} %)", "{meter}已用 {value} / {whole}（{share}%）"),
    "spend-cap-reached": ("the spend cap is reached: {value} of {limit}", "已达消费上限：{value} / {limit}"),
    "forecast-beyond-cap": ("the forecast {value} is beyond the cap {limit}", "预测 {value} 将超过上限 {limit}"),
    "connect-rate-below-guarantee": (
        "the connect rate {value} is below the guaranteed {limit}",
        "接通率 {value} 低于保证值 {limit}",
    ),
}


def text(language: Language, key: str, **values: object) -> str:
    """A label."""
    return in_language(language, TEXTS[key], values)


def meter_words(meter: str, language: Language = "en") -> str:
    """A meter's name."""
    name = meter.removeprefix(ITEM).removesuffix(FLAT)
    said = (f"{name}, once for the band", f"{name}档位一次性费用") if meter.endswith(FLAT) else (name, name)
    return in_language(language, _METERS.get(meter, said), {})


def verdict_words(verdict: str, language: Language = "en") -> str:
    """What is to be thought of a connect rate."""
    return in_language(language, _VERDICTS[verdict], {})


def alert_words(alert: Mapping[str, Any], language: Language = "en") -> str:
    """An alert in a sentence."""
    meter = meter_words(alert["meter"], language) if "meter" in alert else ""
    shares = alert["kind"] == "connect-rate-below-guarantee"
    show = percent if shares else money
    shown = {name: show(alert[name]) for name in ("value", "limit")}
    if meter:
        whole = Decimal(alert["limit"]) * (100 if alert["kind"] == "allowance-100" else 125) / 100
        shown |= {"whole": money(plain(whole)), "share": str(int(100 * Decimal(alert["value"]) / whole))}
    return in_language(language, _ALERTS[alert["kind"]], {"meter": meter, **shown})


def percent(share: str | None) -> str:
    """A share for people: 0.8189 is 81.9 %."""
    return "-" if share is None else f"{Decimal(share) * 100:.1f} %"


def in_language(language: Language, pair: tuple[str, str], values: Mapping[str, object]) -> str:
    """A text of a pair of English and Chinese, with its values."""
    said = pair[LANGUAGES.index(language)]
    return said.format(**values) if values else said
