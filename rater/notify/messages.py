"""What is told: a message of one of the rater's topics, with an id by which it is known again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from rater.notify.notify_file import EventGroup
from rater.readmodel.notify_texts import notify_words
from rater.readmodel.reason_texts import reason_text
from rater.readmodel.texts import Language

TOPICS: dict[EventGroup, tuple[str, ...]] = {
    "alerts": ("alerts",),
    "closings": ("charges",),
    "rejections": ("rejected", "rejected-cdrs"),
    "charges": ("charges",),
    "thresholds": ("spend", "charges", "rejected", "rejected-cdrs"),
}
"""What is told -> the topics that it is known from, by their roles."""


class Notification(NamedTuple):
    """One thing that somebody is told."""

    ident: str
    """The same whenever it is told again."""
    event: str
    """`alert.raised`, `period.closed`, `record.rejected`, `charge.created`, `threshold.reached`."""
    at: str
    """RFC 3339: when the rater wrote what it is about."""
    account: str | None
    data: Mapping[str, Any]
    """The message as it came; of a rejected record its reason and place, never its content."""

    def body(self) -> bytes:
        """What a webhook gets."""
        words = {"id": self.ident, "type": self.event, "timestamp": self.at, "account": self.account}
        return orjson.dumps(words | {"text": self.text("en"), "data": self.data})

    def text(self, language: Language) -> str:
        """It in a sentence."""
        return notify_words(self.event, self.account, self.data, language)


class Source(NamedTuple):
    """Where a message stands: its topic's role, partition and offset, and the record's time in ms."""

    role: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    first: str | None = None
    """Of a rejection that was a redriven record's: the place of its first one."""


def told_of(source: Source, value: bytes | None, at: str) -> tuple[EventGroup, Notification] | None:
    """What a message tells, and to which group of events it belongs; None for one that nobody is told of."""
    if value is None or source.role == "spend":
        return None
    body = orjson.loads(value)
    match body["type"]:
        case "alert/1":
            return "alerts", Notification(body["alert_id"], "alert.raised", at, body["account"], body)
        case "period-closed/1":
            ident = f"closed:{body['account']}:{body['period']}"
            return "closings", Notification(ident, "period.closed", at, body["account"], body)
        case "charge/1":
            return "charges", Notification(body["charge_id"], "charge.created", at, body["account"], body)
        case "rejected/1":
            return "rejections", _rejected(source, body, at)
    return None


def _rejected(source: Source, body: Mapping[str, Any], at: str) -> Notification:
    ident = f"{source.topic}/{source.partition}/{source.offset}"
    texts = reason_text(body["reason"], "en")
    data = {
        "rejection": ident,
        "place": source.first,
        "reason": body["reason"],
        "detail": body["detail"],
        "meaning": texts.meaning,
        "what_to_do": texts.what_to_do,
    }
    return Notification(ident, "record.rejected", at, None, data)
