"""Lines and verdicts in plain English, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_METERS = {
    "minutes": "minutes",
    "minutes-flat": "minutes, once for the band",
    "connected-calls": "connected calls",
    "connected-calls-flat": "connected calls, once for the band",
    "fee": "monthly fee",
    "adjustment": "adjustment",
    "rounding": "rounding",
}
_ONE = {"minutes": "min", "connected-calls": "call"}

VERDICTS = {
    "no-attempts": "there was no outbound call",
    "too-few": "too few attempts to judge",
    "below": "too low: the whole interval lies below the band",
    "within": "reasonable: the whole interval lies within the band",
    "borderline": "on the edge: the interval crosses an end of the band; more calls will tell",
    "above": "suspiciously high: answering machines or false answer signals may count as answers",
}


def meter_words(meter: str) -> str:
    """A meter's name for people."""
    return _METERS.get(meter, meter)


def line_words(line: Mapping[str, Any]) -> str:
    """A charge's line in a sentence, without its amount: `49 min, re-priced from 0.20 to 0.18`."""
    meter = line["meter"]
    if meter in {"adjustment", "rounding"}:
        return meter_words(meter)
    if meter == "fee" or meter.endswith("-flat"):
        return f"{meter_words(meter)} of {line['rate']}" + (" taken back" if line["billable"].startswith("-") else "")
    unit = _ONE[meter]
    if "repriced_from" in line:
        return f"{line['billable']} {unit} of before, re-priced from {line['repriced_from']} to {line['rate']}"
    parts = []
    if line["covered"] != "0":
        parts.append(f"{line['covered']} {unit} covered by the allowance")
    if line["billable"] != "0" or not parts:
        parts.append(f"{line['billable']} {unit} at {line['rate']}")
    return ", ".join(parts)
