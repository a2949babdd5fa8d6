"""Who answered a call, and why an answered call is not connected under its plan; in English and Chinese."""

from __future__ import annotations

from rater.rating.units import AnsweredBy, NotConnected
from rater.readmodel.texts import Language

ANSWERERS: dict[AnsweredBy, tuple[str, str]] = {
    "person": ("a person", "人工"),
    "machine": ("a machine", "语音信箱"),
    "fax": ("a fax", "传真"),
    "unknown": ("unknown", "未识别"),
}
WHY_NOT: dict[NotConnected, tuple[str, str]] = {
    "short": ("answered, too short", "已应答，时长不足"),
    "person": ("answered by a person", "由人工应答"),
    "machine": ("answered by a machine", "由语音信箱应答"),
    "fax": ("answered by a fax", "由传真应答"),
    "unknown": ("answered, by whom is unknown", "已应答，应答方未识别"),
}


def answerer(by: AnsweredBy, language: Language = "en") -> str:
    """Who answered."""
    return ANSWERERS[by][language == "zh"]


def why_not(reason: NotConnected, language: Language = "en") -> str:
    """Why an answered call is not connected."""
    return WHY_NOT[reason][language == "zh"]
