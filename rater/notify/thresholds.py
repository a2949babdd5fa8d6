"""Thresholds of one's own: what has been reached, by the messages of the topics in their order.

Each is told once: for an account's period, or for a minute. What has been told is known from the topics themselves, so
a process that starts anew reads them up to where it was, and says nothing of what it had said (`Thresholds.known`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rater.notify.messages import Notification
from rater.notify.notify_file import RateWords, ThresholdWords

MINUTE_MS = 60_000
USUAL_OVER = 60
"""Minutes with calls whose mean, the newer ones weighing more, is what is usual for an account."""
ACCOUNTS = 100_000
"""Whose minutes are remembered; the one that was quiet longest is forgotten."""


REMEMBERED = 1_000_000
"""Of what has been told; the oldest are forgotten."""


class Thresholds:
    """The thresholds, and what was reached of them."""

    def __init__(self, thresholds: Sequence[ThresholdWords]) -> None:
        self._of_periods = [one for one in thresholds if one.allowance is not None or one.spend is not None]
        self._of_calls = [one for one in thresholds if one.calls_a_minute is not None]
        self._of_rejections = [one for one in thresholds if one.rejected_a_minute is not None]
        self._told: dict[str, None] = {}
        self._minutes: dict[str, _Minute] = {}
        self._rejected = _Minute()

    def take(self, role: str, body: Mapping[str, Any], timestamp: int, at: str) -> list[Notification]:
        """What a message brings about; `timestamp` is its record's time in ms, `at` the same in words."""
        match role, body["type"]:
            case "spend", "spend/1":
                found = self._of_spend(body, at)
            case "charges", "charge/1":
                found = self._of_call(body, timestamp, at)
            case (("rejected" | "rejected-cdrs"), _):
                found = self._of_rejection(timestamp, at)
            case _:
                return []
        return [one for one in found if self._is_new(one.ident)]

    def _is_new(self, ident: str) -> bool:
        if ident in self._told:
            return False
        self._told[ident] = None
        while len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        return True

    def _of_spend(self, body: Mapping[str, Any], at: str) -> Iterator[Notification]:
        account, period = body["account"], body["period"]
        for one in self._of_periods:
            if one.account not in {None, account}:
                continue
            told = {"name": one.name, "period": period, "currency": body["currency"]}
            if one.spend is not None and Decimal(body["total"]) >= Decimal(one.spend):
                data = told | {"kind": "spend", "total": body["total"], "limit": one.spend}
                yield _reached(f"threshold:{one.name}:{account}:{period}", account, data, at)
            for meter, left in body["allowance_left"].items():
                percent = _used(body, meter, left)
                if one.allowance is not None and percent is not None and percent >= one.allowance:
                    data = told | {"kind": "allowance", "meter": meter, "percent": str(percent), "left": left}
                    yield _reached(f"threshold:{one.name}:{account}:{period}:{meter}", account, data, at)

    def _of_call(self, body: Mapping[str, Any], timestamp: int, at: str) -> Iterator[Notification]:
        if body["kind"] != "usage" or not self._of_calls:
            return
        account = body["account"]
        minute = self._minutes.pop(account, None) or _Minute()
        self._minutes[account] = minute  # the one that was quiet longest is the first
        while len(self._minutes) > ACCOUNTS:
            del self._minutes[next(iter(self._minutes))]
        minute.count_one(timestamp)
        for one in self._of_calls:
            rate = one.calls_a_minute
            if rate is not None and one.account in {None, account} and minute.beyond(rate):
                calls = {"calls": minute.count, "usual": str(round(minute.usual or Decimal(0), 1))}
                data = {"name": one.name, "kind": "calls_a_minute", **calls}
                yield _reached(f"threshold:{one.name}:{account}:{minute.number}", account, data, at)

    def _of_rejection(self, timestamp: int, at: str) -> Iterator[Notification]:
        self._rejected.count_one(timestamp)
        for one in self._of_rejections:
            if one.rejected_a_minute is not None and self._rejected.count >= one.rejected_a_minute:
                data = {"name": one.name, "kind": "rejected_a_minute", "rejected": self._rejected.count}
                yield _reached(f"threshold:{one.name}:{self._rejected.number}", None, data, at)


class _Minute:
    """What came in the newest minute, and what is usual."""

    def __init__(self) -> None:
        self.number = -1
        self.count = 0
        self.usual: Decimal | None = None
        """The mean of the minutes before that had something; None before the first is over."""

    def count_one(self, timestamp: int) -> None:
        number = timestamp // MINUTE_MS
        if number > self.number:
            if self.count:
                usual = Decimal(self.count) if self.usual is None else self.usual
                self.usual = usual + (self.count - usual) / USUAL_OVER
            self.number, self.count = number, 0
        self.count += 1  # what comes late counts in the newest minute

    def beyond(self, rate: RateWords) -> bool:
        """Whether the minute has so many times the usual; nothing is unusual before a minute was."""
        return self.usual is not None and self.count >= max(Decimal(rate.times) * self.usual, Decimal(rate.at_least))


def _used(body: Mapping[str, Any], meter: str, left: str) -> int | None:
    """Percent of an allowance that are used, rounded down; None where it is unlimited, or its use is not told."""
    if left == "unlimited":
        return None
    if Decimal(left) <= 0:
        return 100
    said = {"minutes": body["minutes"], "calls": body["connected_calls"]} | (body.get("used") or {})
    if meter not in said:
        return None
    used = Decimal(said[meter])
    return int(100 * used / (used + Decimal(left)))


def _reached(ident: str, account: str | None, data: Mapping[str, Any], at: str) -> Notification:
    return Notification(ident, "threshold.reached", at, account, data)
