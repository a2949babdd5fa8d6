"""Why a record was rejected and what to do about it, in the language of whoever looks."""

from __future__ import annotations

from rater.readmodel.texts import Language
from rater.wire.reasons import REASONS, Reason, ReasonText

_RESEND = "修正发送方，然后重新发送该事件"

CHINESE: dict[Reason, ReasonText] = {
    "not-json": ReasonText("内容为空，或不是 UTF-8 编码的 JSON", _RESEND),
    "unknown-type": ReasonText("事件没有类型，或类型不被识别", f"{_RESEND}，或升级 rater"),
    "wrong-shape": ReasonText("字段缺失、未知、重复或取值错误", _RESEND),
    "naive-time": ReasonText("时间没有 UTC 偏移量", f"{_RESEND}，时间写作 2026-11-01T08:00:00+08:00"),
    "answered-without-time": ReasonText("已接通的通话缺少 answered_at", _RESEND),
    "time-without-answer": ReasonText("未接通的通话带有 answered_at", _RESEND),
    "times-out-of-order": ReasonText("通话在接通前结束，或在开始前接通", "检查交换机时钟，然后发送正确的事件"),
    "too-long-call": ReasonText("通话超过 24 小时，很可能漏记了挂机", "查明实际结束时间，然后发送正确的事件"),
    "record-too-large": ReasonText("记录超过 rater 可读取的大小", _RESEND),
    "key-mismatch": ReasonText("记录的键与内容中的账户不一致", f"{_RESEND}，以账户为键"),
    "ends-in-future": ReasonText("通话结束时间比 broker 收到的时间晚 5 分钟以上", "检查交换机时钟，然后发送正确的事件"),
    "tick-ahead": ReasonText(
        "时钟事件比 broker 的时钟快 5 分钟以上", "检查 worker 与 broker 的时钟；如属有意：rater tick --at"
    ),
    "no-tariff-book": ReasonText(
        "在此记录之前没有发布资费表", "rater tariffs publish FILE，然后 rater rejected redrive"
    ),
    "stale-book": ReasonText("资费表的版本不高于上一版", "使用下一个版本号，然后重新发布"),
    "reach-back-units": ReasonText(
        "套餐版本要求追溯生效，但计量方式与被替换的版本不同",
        "保持计量项、计费步长、方向、分类和折算方式不变；计量方式的改变只能从之后的生效时间起适用",
    ),
    "plan-changed": ReasonText("修改了已发布的套餐，但没有注明生效时间", "用 effective 注明生效时间，然后重新发布"),
    "currency-changed": ReasonText("币种或精度与首个资费表不同", "保持不变；其他币种需另设一套 rater"),
    "class-changed": ReasonText(
        "缺少已发布的呼叫类别，或更改了其上级类别", "保留全部类别及其 within；类别所含的通话可以调整"
    ),
    "unknown-account": ReasonText("账户没有订阅，且资费表没有默认套餐", "rater subscribe，然后 rater rejected redrive"),
    "unknown-plan": ReasonText("资费表中没有届时生效的该套餐", "发布含该套餐的资费表，或改订现有套餐"),
    "unknown-class": ReasonText("套餐使用了资费表中没有的呼叫类别", "发布含该类别的资费表，或改用已有类别"),
    "unknown-item": ReasonText("所填数量对应的项目不在该套餐中", "填写套餐所含的项目，或为账户自有项目写明单价和数量"),
    "account-ended": ReasonText("通话开始前账户的订阅已终止", "如需继续服务，重新订阅，然后 rater rejected redrive"),
    "conflict": ReasonText("标识相同但内容不同的事件此前已生效", "以首个事件为准；更正通话请先作废，再以新的 id 发送"),
    "unknown-call": ReasonText("要作废的通话从未计费", "待该通话到达后 rater rejected redrive"),
    "closed-period": ReasonText("事件涉及已关账的账期", "用 account-adjusted 补记差额"),
    "late": ReasonText("通话所属账期已关账，且资费表规定 late: reject", "用 account-adjusted 补记金额"),
    "late-no-plan": ReasonText("迟到的通话，且账户没有带套餐的未关账账期", "先订阅账户，然后 rater rejected redrive"),
    "too-old": ReasonText("通话早于去重记录的保留期，可能是重复", "确认从未计费后，用 account-adjusted 补记金额"),
    "too-far": ReasonText("日期过于超前，一条记录会触发过多到期费用", "检查日期，然后发送正确的事件"),
    "too-large": ReasonText("该事件的影响超过一条记录的上限", "请上报；如可拆分，请拆分事件"),
    "too-many-changes": ReasonText("账户在该账期内或总体上的订阅数已达上限", "改从更晚的账期起生效，或合并多次变更"),
    "too-many-calls": ReasonText(
        "订阅迟到，所涉账期的通话过多，无法一次重新计费", "改从该账期结束时起生效，并用 account-adjusted 补记差额"
    ),
    "ambiguous-period": ReasonText("新的时区或账单日会使账户的两个账期同名", "改从下一账期起生效"),
    "no-account": ReasonText("交换机话单中找不到账户", "在配置文件的 account 中补充规则，然后 rater rejected redrive"),
    "no-direction": ReasonText(
        "配置文件未说明该话单的呼叫方向", '在配置文件的 direction 中补充该取值或 "*"，然后 rater rejected redrive'
    ),
    "no-end": ReasonText("话单既无结束时间也无时长", "让交换机按整通呼叫出话单，设置见 docs/switches.md"),
    "wrong-source": ReasonText("呼叫的来源不是发送它的交换机", "每台交换机只写入以自己命名的主题"),
    "internal-error": ReasonText("rater 内部错误；未产生任何费用", "请连同该事件上报；升级后 rater rejected redrive"),
}


def reason_text(reason: str, language: Language = "en") -> ReasonText:
    """What a reason means and what to do; empty for a reason of a later version."""
    texts = CHINESE if language == "zh" else REASONS
    return {str(known): text for known, text in texts.items()}.get(reason, ReasonText("", ""))
