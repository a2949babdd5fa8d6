"""Thresholds of one's own: told once, at the message that reaches them; what was known before is not told again."""

from __future__ import annotations

from typing import Any

import pytest

from rater.notify.messages import Notification, Source, told_of
from rater.notify.notify_file import NotifyWords, ThresholdWords
from rater.notify.thresholds import Thresholds
from rater.wire.tariff_file import load_words

AT = "2026-11-03T00:00:00.000+00:00"


def thresholds(*lines: str) -> Thresholds:
    return Thresholds([words(line) for line in lines])


def words(line: str) -> ThresholdWords:
    found = load_words(NotifyWords, f"{{targets: [{TARGET}], thresholds: [{{{line}}}]}}".encode())
    assert isinstance(found, NotifyWords), found
    return found.thresholds[0]


TARGET = "{name: a, apprise_in: RATER_NOTIFY_A, events: [thresholds]}"


def spend(total: str, left: str, used: str, account: str = "A", period: str = "2026-11") -> dict[str, Any]:
    body = {"type": "spend/1", "account": account, "period": period, "total": total, "currency": "CNY"}
    return body | {"minutes": used, "connected_calls": 3, "allowance_left": {"minutes": left}}


def charge(account: str = "A", kind: str = "usage") -> dict[str, Any]:
    return {"type": "charge/1", "account": account, "kind": kind}


def idents(found: list[Notification]) -> list[str]:
    return [one.ident for one in found]


@pytest.mark.parametrize(
    ("left", "used", "reached"),
    [("26", "24", False), ("25", "25", True), ("0", "60", True), ("unlimited", "99", False), ("50", "0", False)],
)
def test_an_allowance_is_reached_by_its_percent(left: str, used: str, *, reached: bool) -> None:
    ours = thresholds("name: half, allowance: 50")
    told = idents(ours.take("spend", spend("1.00", left, used), 0, AT))
    assert told == (["threshold:half:A:2026-11:minutes"] if reached else [])


def test_spend_is_told_once_a_period_and_account() -> None:
    ours = thresholds('name: much, spend: "100.00"', 'name: one, account: B, spend: "50.00"')
    steps = [
        ("99.99", "A", []),
        ("100.00", "A", ["much:A:2026-11"]),
        ("140.00", "A", []),
        ("60.00", "B", ["one:B:2026-11"]),
    ]
    for total, account, told in steps:
        found = idents(ours.take("spend", spend(total, "50", "0", account), 0, AT))
        assert found == [f"threshold:{one}" for one in told], (total, account)
    assert idents(ours.take("spend", spend("100.00", "50", "0", period="2026-12"), 0, AT)) == [
        "threshold:much:A:2026-12"
    ]


def test_calls_a_minute_are_measured_against_the_usual() -> None:
    ours = thresholds('name: burst, calls_a_minute: {times: "3", at_least: 5}')

    def minute(number: int, calls: int, account: str = "A") -> list[str]:
        return [one for _ in range(calls) for one in idents(ours.take("charges", charge(account), number * 60_000, AT))]

    assert minute(0, 40) == []  # nothing is unusual before a minute was
    ours = thresholds('name: burst, calls_a_minute: {times: "3", at_least: 5}')
    for number in range(30):
        assert minute(number, 2) == []
    assert minute(30, 5) == []
    assert minute(31, 40) == ["threshold:burst:A:31"]
    assert minute(32, 4, "B") == []
    assert idents(ours.take("charges", charge(kind="fee"), 33 * 60_000, AT)) == []


def test_few_calls_are_never_a_burst() -> None:
    ours = thresholds('name: burst, calls_a_minute: {times: "3", at_least: 10}')
    for number in range(5):
        ours.take("charges", charge(), number * 60_000, AT)
    assert [one for _ in range(9) for one in ours.take("charges", charge(), 6 * 60_000, AT)] == []


def test_rejected_records_of_a_minute_are_counted_over_all() -> None:
    ours = thresholds("name: bad, rejected_a_minute: 3")
    body = {"type": "rejected/1", "reason": "wrong-shape", "detail": ""}
    told = [idents(ours.take(role, body, 60_000 + n, AT)) for n, role in enumerate(["rejected", "rejected-cdrs"] * 2)]
    assert told == [[], [], ["threshold:bad:1"], []]
    assert idents(ours.take("rejected", body, 120_000, AT)) == []


def test_what_was_known_is_not_told_again() -> None:
    """A process that starts anew reads what was before its position, and says nothing of it."""
    messages = [spend("100.00", "25", "25"), spend("120.00", "0", "50")]
    lines = ('name: much, spend: "100.00"', "name: half, allowance: 50")
    first = thresholds(*lines)
    told = [one for body in messages for one in idents(first.take("spend", body, 0, AT))]
    assert sorted(told) == ["threshold:half:A:2026-11:minutes", "threshold:much:A:2026-11"]
    again = thresholds(*lines)
    again.take("spend", messages[0], 0, AT)
    assert again.take("spend", messages[1], 0, AT) == []


@pytest.mark.parametrize(
    ("body", "group", "ident", "says"),
    [
        (
            b'{"type":"period-closed/1","account":"A","period":"2026-10","total":"1234.50","currency":"CNY"}',
            "closings",
            "closed:A:2026-10",
            ("A, 2026-10 is closed: 1,234.50 CNY", "已关账：1,234.50 CNY"),
        ),
        (
            (
                b'{"type":"charge/1","charge_id":"A:2026-10:3","account":"A","period":"2026-10","amount":"0.40",'
                b'"period_total":"1.20","currency":"CNY"}'
            ),
            "charges",
            "A:2026-10:3",
            ("0.40 CNY, 1.20 in all", "累计 1.20"),
        ),
        (
            (
                b'{"type":"alert/1","alert_id":"A:2026-10:spend-cap-reached","account":"A","period":"2026-10",'
                b'"kind":"spend-cap-reached","value":"500.00","limit":"500.00","at":"2026-10-03T00:00:00+00:00"}'
            ),
            "alerts",
            "A:2026-10:spend-cap-reached",
            ("500", "500"),
        ),
        (
            b'{"type":"rejected/1","reason":"wrong-shape","detail":"callee: missing","key":null,"value":"c2VjcmV0"}',
            "rejections",
            "rejected/2/7",
            ("callee: missing", "callee: missing"),
        ),
    ],
)
def test_each_message_is_told_in_words(body: bytes, group: str, ident: str, says: tuple[str, str]) -> None:
    found = told_of(Source("x", "rejected", 2, 7, 0, "calls/1/3"), body, AT)
    assert found is not None
    assert (found[0], found[1].ident) == (group, ident)
    assert says[0] in found[1].text("en")
    assert says[1] in found[1].text("zh")
    assert b"c2VjcmV0" not in found[1].body()


WRONG = [
    ("targets: []", "targets"),
    ("targets: [{name: a, events: [alerts]}]", "webhook or apprise_in"),
    ("targets: [{name: a, webhook: 'https://x', events: [alerts]}]", "secret_in"),
    ("targets: [{name: a, apprise_in: HOME, events: [alerts]}]", "RATER_NOTIFY_"),
    (f"targets: [{TARGET}, {TARGET}]", "twice"),
    (f"{{targets: [{TARGET}], thresholds: [{{name: x}}]}}", "one of"),
    (f"{{targets: [{TARGET}], thresholds: [{{name: x, account: A, rejected_a_minute: 3}}]}}", "leave account out"),
]


@pytest.mark.parametrize(("text", "says"), WRONG, ids=[says for _, says in WRONG])
def test_a_wrong_file_says_what_and_where(text: str, says: str) -> None:
    found = load_words(NotifyWords, text.encode())
    assert not isinstance(found, NotifyWords)
    assert any(says in str(one) for one in found), found
