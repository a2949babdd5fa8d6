"""The formats, each with what reads a record of it. A new one is a line here and a name in `FormatName`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, Literal, NamedTuple

from rater.switches import asterisk, freeswitch, mapped, sip_acc
from rater.switches.profile import Profile
from rater.switches.profile_words import FormatName, ProfileWords
from rater.switches.raw import RawCall

Reader = Callable[[bytes, Profile], RawCall]
"""A record to its call; raises `PassedOver` or `Unreadable`."""
Framing = Literal["json", "csv", "blocks"]
"""How records stand in a file: JSON values, lines of CSV (a quoted one may go on), or blocks between empty lines."""


class Format(NamedTuple):
    """A format of records."""

    read: Reader
    framing: Framing


FORMATS: Final[dict[FormatName, Format]] = {
    "freeswitch-json": Format(freeswitch.read_json, "json"),
    "freeswitch-event": Format(freeswitch.read_event, "json"),
    "asterisk-csv": Format(asterisk.read_csv, "csv"),
    "asterisk-json": Format(asterisk.read_json, "json"),
    "asterisk-ami": Format(asterisk.read_ami, "blocks"),
    "opensips-acc": Format(sip_acc.read_opensips, "csv"),
    "kamailio-acc": Format(sip_acc.read_kamailio, "csv"),
    "csv": Format(mapped.read_csv, "csv"),
    "json": Format(mapped.read_json, "json"),
}
"""Every format but `call-ended`, whose records are calls already (`rater.switches.convert`)."""


def columns_of(spec: ProfileWords) -> Collection[int]:
    """How many columns a line of CSV of the switch may have; none where the format is no CSV."""
    if spec.columns is not None:
        return (len(spec.columns),)
    return {"asterisk-csv": asterisk.LAYOUTS, "opensips-acc": sip_acc.OPENSIPS, "kamailio-acc": sip_acc.KAMAILIO}.get(
        spec.format, ()
    )


def framing_of(name: FormatName) -> Framing:
    """How records of a format stand in a file; a file that begins with JSON has JSON in it whatever the format."""
    return FORMATS[name].framing if name in FORMATS else "json"
