"""What single pages say, in English and Chinese; `rater.readmodel.texts` has it too."""

from __future__ import annotations

REJECTED_TEXTS: dict[str, tuple[str, str]] = {
    "rejected-record": ("Rejected record", "异常话单"),
    "resolve": ("What to do", "处理"),
    "state": ("State", "状态"),
    "switch": ("Switch", "交换机"),
    "resolved-by": ("Done by", "处理人"),
    "door-token": ("Token of the door", "接入口令牌"),
    "why": ("Why it is dropped", "放弃原因"),
    "send-again": ("Send again", "重新提交"),
    "drop": ("Drop", "放弃"),
    "door-away": ("The door does not answer.", "接入口无响应。"),
    "door-refuses": ("The door refuses it: {why}", "接入口拒绝了请求：{why}"),
    "not-redrivable": ("It cannot be sent again: {why}", "无法重新提交：{why}"),
    "resolved-n": ("Done: {n}", "已处理：{n}"),
    "state-left": ("Left to do", "待处理"),
    "state-redriven": ("Sent again", "已重新提交"),
    "state-dropped": ("Dropped", "已放弃"),
}

MONTH_TEXTS: dict[str, tuple[str, str]] = {
    "month": ("Month", "月份"),
    "month-before": ("Month before", "上月"),
    "before-it": ("{total} the month before", "上月 {total}"),
    "change": ("Change", "较上月"),
    "closed-periods": ("Closed", "已关账"),
    "all-closed": ("every account is closed", "所有账户均已关账"),
    "some-run": ("the others are still running", "其余仍在进行中"),
    "new-account": ("new", "新账户"),
    "nothing-found": ("Nothing matches. Change the search, or clear it.", "没有符合条件的结果，请修改或清除搜索条件。"),
    "find": ("Find", "查找"),
    "filter": ("Filter", "筛选"),
    "search": ("Any part of an account id", "账户编号的任意部分"),
    "export": ("Export", "导出"),
    "periods": ("Periods", "账期"),
}

FIND_TEXTS: dict[str, tuple[str, str]] = {
    "find-all": ("Account, call id or charge id", "账户、呼叫编号或计费编号"),
    "found": ("Found for {what}", "“{what}”的查找结果"),
    "charge-page": ("Charge", "计费记录"),
    "charge-id": ("Charge id", "计费编号"),
    "call-id": ("Call id", "呼叫编号"),
    "billed-talk": ("Billed", "计费时长"),
    "direction": ("Direction", "方向"),
    "same-call": ("Other charges of this call", "该呼叫的其他计费记录"),
    "how-it-adds-up": ("How it adds up", "金额构成"),
    "page-unknown": ("There is no such page", "页面不存在"),
    "page-unknown-help": (
        "The address is wrong, or what it names was never charged. Look for it by the search on every page.",
        "地址有误，或其所指内容从未产生计费。请使用页面上方的搜索查找。",
    ),
    "page-broken": ("This page broke", "页面出错"),
    "page-broken-help": (
        "That is a fault of the rater; its log says more. Try again, and tell whoever runs it.",
        "这是系统故障，详情见日志。请重试，并告知系统管理员。",
    ),
    "no-such-period": ("{account} has no period {period}. It has:", "{account} 没有账期 {period}，现有账期："),
    "api-docs": ("REST API", "REST API 文档"),
    "api-docs-help": (
        "Amounts are decimals as strings; a list goes on with the cursor in next.",
        "金额为字符串形式的小数；列表用 next 中的游标翻页。",
    ),
    "api-shapes": ("Shapes of answers", "响应结构"),
    "system-theme": ("System", "跟随系统"),
    "pages": ("Pages", "页面"),
}

OVERVIEW_TEXTS: dict[str, tuple[str, str]] = {
    "terms": ("Terms", "计费条款"),
    "no-terms": ("No plan is known for this period.", "该账期没有已知的套餐。"),
    "negotiated": ("negotiated", "专属套餐"),
    "since": ("since {period}", "自 {period} 起"),
    "coming": ("new prices from {day}", "{day} 起执行新价格"),
    "guaranteed-rate": ("Guaranteed connect rate", "保证接通率"),
    "left-of-whole": ("of {whole}", "共 {whole}"),
    "none-running-out": ("No allowance is nearly used up.", "没有即将用完的额度。"),
    "used-of": ("{used} of {whole} {meter} used ({percent} %)", "{meter}已用 {used} / {whole}（{percent}%）"),
    "and-before": ("; {total} the month before", "；上月 {total}"),
    "lag-help": ("calls and events not rated yet", "尚未计费的呼叫和事件"),
    "left-to-do": ("{n} left to do", "待处理 {n} 条"),
    "minutes-up-to": ("Minutes up to", "分钟数上限"),
    "not-free": ("not free", "收费"),
    "received": ("Received", "收到的内容"),
}

STATEMENT_TEXTS: dict[str, tuple[str, str]] = {
    "annex": ("Itemised charges", "计费明细"),
    "annex-has": ("{n} charges; each is listed in the annex.", "共 {n} 条计费，明细见附件。"),
    "statement-number": ("Statement no.", "账单编号"),
    "customer-number": ("Customer no.", "客户编号"),
    "tax-id": ("Tax id", "税号"),
    "issued": ("Issued", "出账日期"),
    "currency": ("Currency", "币种"),
    "of-which": ("of which {part}", "其中{part}"),
    "callee": ("Called", "被叫号码"),
    "statement-counts": (
        "{charges} charges, {calls} connected calls, {minutes} minutes of talk time",
        "计费 {charges} 条，接通 {calls} 次，通话 {minutes} 分钟",
    ),
    "every-charge": (
        "every charge: --items, or --csv, --json, --html FILE",
        "逐条明细：--items，或 --csv、--json、--html FILE",
    ),
}

PAGE_TEXTS = REJECTED_TEXTS | MONTH_TEXTS | FIND_TEXTS | STATEMENT_TEXTS | OVERVIEW_TEXTS
