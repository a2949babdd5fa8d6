"""Asterisk: Master.csv of cdr_csv, JSON with its columns (cdr_adaptive and modules for Kafka), and AMI's event Cdr.

Source: cdr_csv.c (columns, loguniqueid, loguserfield, newcdrcolumns), cdr_manager.c, cdr.h (dispositions).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping

from rater.switches.profile import Profile
from rater.switches.raw import PassedOver, RawCall, Unreadable
from rater.switches.record_text import flat, json_of, needed, text_of
from rater.switches.timed import together
from rater.switches.times import microseconds
from rater.wire.fields import Disposition

COLUMNS = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata",
    "start", "answer", "end", "duration", "billsec", "disposition", "amaflags",
)  # fmt: skip
NEWER = ("peeraccount", "linkedid", "sequence")
LAYOUTS: dict[int, tuple[str, ...]] = {
    16: COLUMNS,
    17: (*COLUMNS, "uniqueid"),
    18: (*COLUMNS, "uniqueid", "userfield"),
    19: (*COLUMNS, *NEWER),
    20: (*COLUMNS, "uniqueid", *NEWER),
    21: (*COLUMNS, "uniqueid", "userfield", *NEWER),
}
"""How many columns a line has -> which: cdr.conf leaves some out."""
DISPOSITIONS: dict[str, Disposition] = {
    "ANSWERED": "answered",
    "NO ANSWER": "no-answer",
    "NOANSWER": "no-answer",
    "BUSY": "busy",
    "FAILED": "failed",
    "CONGESTION": "failed",
    "CANCEL": "cancelled",
    # as the numbers of cdr.h
    "0": "no-answer",
    "1": "no-answer",
    "2": "failed",
    "4": "busy",
    "8": "answered",
    "16": "failed",
}
_AMI = {
    "AccountCode": "accountcode",
    "Source": "src",
    "Destination": "dst",
    "DestinationContext": "dcontext",
    "CallerID": "clid",
    "Channel": "channel",
    "DestinationChannel": "dstchannel",
    "LastApplication": "lastapp",
    "LastData": "lastdata",
    "StartTime": "start",
    "AnswerTime": "answer",
    "EndTime": "end",
    "Duration": "duration",
    "BillableSeconds": "billsec",
    "Disposition": "disposition",
    "AMAFlags": "amaflags",
    "UniqueID": "uniqueid",
    "UserField": "userfield",
}
"""AMI's names -> those of the columns."""


def read_csv(data: bytes, profile: Profile) -> RawCall:
    """A line of Master.csv. Raises `PassedOver` for an empty line or a header, and `Unreadable`."""
    return _call(row_of(data, profile, LAYOUTS), profile)


def row_of(data: bytes, profile: Profile, layouts: Mapping[int, tuple[str, ...]]) -> dict[str, str]:
    """A line of CSV by its columns: the profile's, or those of the layout with as many.

    Raises `PassedOver` for an empty line and for one that repeats the names of the columns, and `Unreadable`.
    """
    text = text_of(data).strip("\r\n")
    if not text.strip():
        raise PassedOver("empty")
    try:
        rows = list(csv.reader([*text.splitlines(keepends=True)], delimiter=profile.spec.delimiter, strict=True))
    except csv.Error as error:
        raise Unreadable("wrong-shape", f"no line of CSV: {error}") from error
    if len(rows) != 1:
        raise Unreadable("wrong-shape", f"{len(rows)} lines of CSV in one record")
    row = rows[0]
    columns = profile.spec.columns or layouts.get(len(row))
    if columns is None or len(row) != len(columns):
        wanted = len(columns) if columns else " or ".join(map(str, layouts))
        raise Unreadable("wrong-shape", f"a line of {len(row)} columns, not {wanted}")
    if [one.strip().lower() for one in row] == [one.lower() for one in columns]:
        raise PassedOver("header")
    return dict(zip(columns, row, strict=True))


def read_json(data: bytes, profile: Profile) -> RawCall:
    """A JSON object with the columns as its members. Raises `Unreadable`."""
    return _call({_AMI.get(name, name.lower()): text for name, text in flat(json_of(data)).items()}, profile)


def read_ami(data: bytes, profile: Profile) -> RawCall:
    """An event Cdr of the Manager Interface, as its lines `Name: value` or as JSON.

    Raises `PassedOver` for other events, and `Unreadable`.
    """
    fields = flat(json_of(data)) if data.lstrip()[:1] == b"{" else _headers(text_of(data))
    if fields.get("Event", "Cdr") != "Cdr":
        raise PassedOver("other-event")
    return _call({_AMI.get(name, name): text for name, text in fields.items()}, profile)


def _headers(text: str) -> dict[str, str]:
    lines = [line.partition(":") for line in text.splitlines() if line.strip()]
    if not lines or any(not colon for _, colon, _ in lines):
        raise Unreadable("wrong-shape", "no event of the Manager Interface: lines of Name: value")
    return {name.strip(): value.strip() for name, _, value in lines}


def _call(fields: Mapping[str, str], profile: Profile) -> RawCall:
    words, times = profile.spec.fields, profile.times
    disposition = _disposition(needed(fields, "disposition"), profile)
    start = times.read(needed(fields, "start"), "start")
    found = together(
        start,
        times.read(fields.get("answer", ""), "answer"),
        times.read(fields.get("end", ""), "end"),
        duration=_seconds(fields, "duration"),
        talk=_seconds(fields, "billsec"),
        answered=disposition == "answered",
    )
    return RawCall(
        ident=_identity(fields, profile),
        fields=fields,
        caller=fields.get(words.caller or "src", ""),
        callee=fields.get(words.callee or "dst", ""),
        started=found.started,
        answered=found.answered,
        ended=found.ended,
        disposition=disposition,
        ambiguous=found.ambiguous,
    )


def _disposition(text: str, profile: Profile) -> Disposition:
    found = profile.disposition_of(text) or DISPOSITIONS.get(text.upper())
    if found is None:
        raise Unreadable("wrong-shape", "disposition: none that is known; the profile may say it under dispositions")
    return found


def _seconds(fields: Mapping[str, str], name: str) -> int | None:
    text = fields.get(name, "").strip()
    return microseconds(text, 1_000_000, name) if text else None


def _identity(fields: Mapping[str, str], profile: Profile) -> str:
    """Uniqueid and sequence, where there is one; else uniqueid, channel and start: ids repeat, and calls fork."""
    unique = fields.get("uniqueid", "").strip()
    if unique and profile.spec.unique_ids:
        return unique
    if unique and (sequence := fields.get("sequence", "").strip()):
        return f"{unique}/{sequence}"
    start = "".join(sign for sign in needed(fields, "start") if sign.isalnum())
    return "/".join(part for part in (unique, needed(fields, "channel"), start) if part)
