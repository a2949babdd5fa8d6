"""Large amounts and quantities are read at a glance: thousands are marked wherever people read them."""

from __future__ import annotations

import pytest

from rater.readmodel.advice_texts import advice_words
from rater.readmodel.line_texts import line_words
from rater.readmodel.plan_texts import plan_words
from rater.readmodel.views import AdviceView, MonthView, OfferView, RunningView
from rater.wire.tariff_book import PlanWords

PLAN = PlanWords.model_validate(
    {
        "fee": "12500.00",
        "items": {"line": {"price": "1000.00", "quantity": 1200}},
        "minutes": {
            "allowance": 100000,
            "increment": "30/6",
            "graduated": (
                {"from": 0, "rate": "0.140"},
                {"from": 5000, "rate": "0.11", "flat": "2000.00"},
                {"from": 50000, "rate": "0.10"},
            ),
        },
        "calls": {"volume": ({"from": 0, "rate": "2.00"}, {"from": 1500, "rate": "1.80"})},
    }
).to_core("large")


def test_plans() -> None:
    assert plan_words(PLAN) == (
        "monthly fee: 12,500.00; line: 1,200 × 1,000.00; "
        "minutes: 100,000 min included, then min 1-5,000 0.140 each; min 5,001-50,000 0.11 each; "
        "from min 50,001 on 0.10 each, plus 2,000.00 once from 5,000, billed for 30 s at least, then per started 6 s; "
        "connected calls: 0-1,499 calls 2.00 each; from 1,500, all calls 1.80"
    )
    assert plan_words(PLAN, "zh") == (
        "月费：12,500.00；line：1,200 × 1,000.00；"
        "分钟：含 100,000 分钟，超出部分：第 1-5,000 分钟 0.140/分钟；第 5,001-50,000 分钟 0.11/分钟；"
        "第 50,001 分钟起 0.10/分钟，另加：满 5,000 分钟一次性 2,000.00，"
        "最低按 30 秒计费，之后每 6 秒计费，不足按 6 秒计；"
        "接通次数：0-1,499 次 2.00/次；满 1,500 次起全部 1.80/次"
    )


@pytest.mark.parametrize(
    ("line", "english", "chinese"),
    [
        (
            {"quantity": "3500", "covered": "1200", "billable": "2300", "rate": "1500.00"},
            "1,200 min covered by the allowance, 2,300 min at 1,500.00",
            "额度内 1,200 分钟，2,300 分钟 × 1,500.00",
        ),
        (
            {"quantity": "0", "covered": "0", "billable": "4999", "rate": "0.18", "repriced_from": "0.20"},
            "4,999 earlier min re-priced from 0.20 to 0.18",
            "此前 4,999 分钟由 0.20 重新计价为 0.18",
        ),
    ],
)
def test_lines(line: dict[str, str], english: str, chinese: str) -> None:
    whole = {"meter": "minutes", "amount": "0.00", **line}
    assert (line_words(whole), line_words(whole, "zh")) == (english, chinese)


def test_advice() -> None:
    found = AdviceView(
        account="A",
        currency="CNY",
        months=(MonthView(period="2026-10", paid="14000.00", connected_calls=1, talk_seconds=60),),
        offers=(OfferView(plan="p", kind="usage", costs=("12500.00",), total="12500.00", worst="12500.00"),),
        best="p",
        current="q",
        paid="14000.00",
        too_much="1500.00",
        swings=False,
        protection=None,
        running=RunningView(period="2026-11", best="p", cost="2000.00", now="3000.00", saves="1000.00"),
    )
    assert advice_words(found) == [
        "p is the cheapest over 1 month: 12,500.00, in the worst month 12,500.00.",
        "For usage and fees it was charged 14,000.00, which is 1,500.00 more; adjustments and credits are left out.",
        "If 2026-11 goes on as so far it comes to 3,000.00; under p it would be 2,000.00, 1,000.00 less.",
    ]
