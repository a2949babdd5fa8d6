"""The language of who looks: as they chose, else as their browser asks."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from rater.readmodel.texts import LANGUAGES, Language

CHOSEN = "rater_lang"
"""The cookie."""


def language_of(request: HTTPConnection, asked: str | None = None) -> Language:
    """`asked` if it is one of ours, else the cookie's, else the best of Accept-Language that we have; else English."""
    accepted = request.headers.get("accept-language", "")
    ranked = sorted((_quality(one) for one in accepted.split(",")), key=lambda one: -one[0])
    wishes = [asked, request.cookies.get(CHOSEN), *(name for quality, name in ranked if quality)]
    return next((language for wish in wishes for language in LANGUAGES if language == wish), "en")


def _quality(said: str) -> tuple[float, str]:
    """How much a language is wanted (0 to 1), and its first part: `zh-CN;q=0.8` is (0.8, zh)."""
    name, _, weight = said.partition(";q=")
    try:
        return float(weight or 1), name.strip().lower().partition("-")[0]
    except ValueError:
        return 0.0, ""
