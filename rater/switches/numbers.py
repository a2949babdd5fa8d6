"""Phone numbers as switches write them, as E.164 by the library phonenumbers."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

LONGEST = 40
"""Characters of what may be a number: longer ones are addresses, and stay as written."""
LOCAL = 6
"""Digits that a number within an area has at least; shorter ones are short codes and extensions."""
_SCHEMES = ("sips:", "sip:", "tel:")


@lru_cache(maxsize=65_536)
def e164(text: str, country: str, area: str | None) -> str:
    """The number in E.164 as seen from a country (`CN`) and an area in it (`10`), an address by its user part.

    What is no number there (extensions, short codes, `anonymous`) stays as it is written.
    """
    spoken = _spoken(text)
    digits = sum(sign.isdigit() for sign in spoken)
    if not digits or len(spoken) > LONGEST or any(sign.isalpha() for sign in spoken):
        return text
    number = _valid(spoken, country)
    if number is None and area is not None and digits >= LOCAL and spoken[0] not in "+0":
        number = _valid(area + spoken, country) or _valid(f"0{area}{spoken}", country)
    return number or text


def _valid(spoken: str, country: str) -> str | None:
    """A number that the country's plan has; of another country, one of a length that its plan has: plans grow."""
    try:
        number = phonenumbers.parse(spoken, country)
    except phonenumbers.NumberParseException:
        return None
    abroad = number.country_code != phonenumbers.country_code_for_region(country)
    length = phonenumbers.is_possible_number_with_reason(number)
    if not phonenumbers.is_valid_number(number) and not (abroad and length == ValidationResult.IS_POSSIBLE):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _spoken(text: str) -> str:
    lowered = text.lower()
    for scheme in _SCHEMES:
        if lowered.startswith(scheme):
            return text[len(scheme) :].partition("@")[0].partition(";")[0]
    return text.partition("@")[0]
