"""The words of the commands' own tables, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rater.readmodel.texts import Language

WORDS: dict[str, tuple[str, str]] = {
    "account": ("account", "账户"),
    "accounts": ("{count} accounts", "{count} 个账户"),
    "after": ("after", "之后"),
    "amount": ("amount", "金额"),
    "before": ("before", "之前"),
    "call": ("call", "通话"),
    "call-of": ("{call_id} of {source}", "{call_id}（{source}）"),
    "calls": ("calls", "通话数"),
    "calls-of-another-class": ("Calls of another class", "分类不同的通话"),
    "change": ("change", "变化"),
    "charges": ("charges", "计费条数"),
    "currency": ("currency", "币种"),
    "more": ("... and {count} more", "……另有 {count} 条"),
    "more-calls": ("... and {count} more: --csv or --json", "……另有 {count} 条，见 --csv 或 --json"),
    "no-other-class": ("the book classes all rated calls as they were", "按此资费表，所有已计费通话的分类不变"),
    "nothing-published": ("nothing was published", "未发布"),
    "period": ("period", "账期"),
    "publish?": ("publish it?", "发布吗？"),
    "re-rated": ("Open periods that the book re-rates", "此资费表将重新计价的未关账期"),
    "re-rates-none": ("it re-rates no open period", "不会重新计价任何未关账期"),
    "started": ("started", "开始时间"),
    "total": ("total", "合计"),
    "under-other": ("Under the other tariff book", "按另一份资费表"),
    "was": ("was", "原分类"),
    "would-be": ("would be", "应为"),
}


def say(word: str, language: Language, **values: object) -> str:
    """A word of these tables."""
    found = WORDS[word][language == "zh"]
    return found.format(**values) if values else found
