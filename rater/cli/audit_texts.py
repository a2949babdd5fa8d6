"""The words of the audit's report, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rater.readmodel.texts import Language

AUDIT: dict[str, tuple[str, str]] = {
    "title": ("Audit: the log replayed, against what was published", "审计：重放日志，与已发布内容逐字节比对"),
    "records": ("records in the log", "日志记录数"),
    "outcomes": ("sum of the outcomes", "处理结果合计"),
    "waiting": ("records not rated yet", "尚未处理的记录"),
    "charges": ("charges", "计费条数"),
    "rejected": ("rejected", "拒收"),
    "alerts": ("alerts", "告警"),
    "closed": ("periods closed", "已关账期"),
    "gaps": ("gaps in the charges' numbers", "计费序号缺口"),
    "sum": ("sum of the charges, {currency}", "计费合计，{currency}"),
    "due": ("price of the final usage and fees, {currency}", "按最终用量与费用应计，{currency}"),
    "residue": ("residue, {currency}", "差额，{currency}"),
    "findings": ("First findings", "发现的问题"),
    "what": ("what", "类型"),
    "where": ("where", "位置"),
    "about": ("about", "说明"),
    "more": ("... and {count} more", "……另有 {count} 条"),
    "off": ("The books do not hold.", "账目不符。"),
    "unproven": (
        "Nothing is off in what could be looked at, but not all could be proved.",
        "可核查的部分没有问题，但未能全部证明。",
    ),
    "proved": (
        "Proved: every record has its outcome, and every charge is, byte for byte, what the log says.",
        "已证明：每条记录都有处理结果，每笔计费都与日志逐字节一致。",
    ),
    "missing": ("the log asks for it, and it was not published", "日志要求，但未发布"),
    "repeated": ("published once more", "重复发布"),
    "no-cause": ("published, and nothing in the log asks for it", "已发布，但日志中没有依据"),
    "changed": ("published otherwise than the log says", "发布内容与日志不一致"),
    "gap": ("a charge's number does not follow the one before it", "计费序号不连续"),
    "no-outcome": ("records that the heads count no outcome for, or too many", "记录没有处理结果，或处理结果多于一个"),
    "state": ("what the head says is not what the log says", "分区状态与日志不一致"),
    "lost": ("records that are gone from the log before they were rated", "记录在处理前已从日志中删除"),
    "forward": (
        "records forwarded to another partition that did not arrive, or arrived without being sent",
        "转发到其他分区的记录未到达，或未经转发而到达",
    ),
    "books": (
        "charges that do not hold by themselves: numbers, sums, identities, closings, keys",
        "计费自身不一致：序号、合计、标识、关账或键",
    ),
    "internal-error": ("a record that the rules failed on: it is not charged", "规则处理失败的记录：未计费"),
}


def audit_text(word: str, language: Language, **values: object) -> str:
    """A word of the report; of a kind of finding, what it means."""
    found = AUDIT[word][language == "zh"]
    return found.format(**values) if values else found
