"""What the messages are written with: strict texts that are read as instants, decimals and ids, each of limited size.

Everything is closed, frozen and strict: a number is no time, `"1"` is no 1, an unknown field is an error. In JSON an
instant and a decimal are strings only; in Python a model also takes aware datetimes, Decimals, and ints for decimals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from rater.rating import limits
from rater.rating.zones import zone


class StrictModel(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, serialize_by_alias=True)


class Message(StrictModel):
    """A message: what stands in a record's value."""

    def to_json(self) -> bytes:
        """The message as JSON in UTF-8: what was said, and null where null was said."""
        return self.model_dump_json(exclude_unset=True).encode()


def _moment(text: str) -> datetime:
    """The instant, in the standard library's own zone: arithmetic on pydantic's zones costs five times as much."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise PydanticCustomError("datetime_parsing", "no such time") from error
    if moment.tzinfo is None:
        raise PydanticCustomError("timezone_aware", "no offset")
    return moment


_READERS: dict[str, Callable[[CoreSchema], CoreSchema]] = {
    "decimal": lambda text: core_schema.chain_schema([text, core_schema.decimal_schema(strict=False)]),
    "instant": lambda text: core_schema.no_info_after_validator_function(_moment, text),
}


@dataclass(frozen=True, slots=True)
class Written:
    """An annotation: in JSON a string of this pattern, in Python what `target` reads from it.

    The pattern is compiled and takes linear time, whatever the text.
    """

    pattern: str
    """As it is read; `said` is what the JSON Schema tells where it is stricter."""
    longest: int
    target: Literal["decimal", "instant"]
    write: Callable[[Any], Any]
    meaning: str
    format: str | None = None
    said: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """How it is read and written."""
        text = core_schema.str_schema(pattern=self.pattern, max_length=self.longest, strict=True)
        read = _READERS[self.target](text)
        return core_schema.json_or_python_schema(
            json_schema=read,
            python_schema=core_schema.no_info_before_validator_function(self.write, read),
            serialization=core_schema.plain_serializer_function_ser_schema(self.write, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """What the JSON Schema says of it."""
        pattern = self.said or self.pattern
        described = {"type": "string", "pattern": pattern, "maxLength": self.longest, "description": self.meaning}
        return described if self.format is None else {**described, "format": self.format}


def plain(number: Any) -> Any:
    """A decimal or an int as a plain string, never with an exponent; anything else as it is."""
    if isinstance(number, Decimal) and number.is_finite():
        return f"{number:f}"
    return str(number) if isinstance(number, int) and not isinstance(number, bool) else number


def _rfc3339(moment: Any) -> Any:
    return moment.isoformat() if isinstance(moment, datetime) else moment


_TIME = (
    r"^(19[7-9][0-9]|2[0-9]{3})-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?$"
)
# All that one version of Python reads and another does not is said here: T24:00:00 is a time from 3.14 on.
# The offset is optional in what is read, so that a time without one is refused for that reason and no other.
_AWARE = _TIME.removesuffix("?$") + "$"

Instant = Annotated[
    datetime,
    Written(_TIME, 35, "instant", _rfc3339, "an RFC 3339 time with an offset, from 1970 to 2999", "date-time", _AWARE),
]
"""An aware datetime: RFC 3339 with `T`, seconds and an offset; digits beyond microseconds are cut off."""


def _decimal(pattern: str, longest: int, meaning: str) -> Written:
    return Written(pattern, longest, "decimal", plain, meaning)


Money = Annotated[
    Decimal,
    _decimal(
        r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,9})?$",
        23,
        "an amount of money as a string, with at most 12 digits before the point and 9 after",
    ),
]
"""An amount that comes in: at most 12 digits before the point and 9 behind it, so that no sum of them is ever cut."""

Price = Annotated[
    Decimal,
    _decimal(
        r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,9})?$",
        22,
        "an amount of 0 or more as a string, with at most 12 digits before the point and 9 after",
    ),
]
"""A rate, a fee, a flat, a cap: not negative."""

Discount = Annotated[
    Decimal,
    _decimal(r"^(0(\.[0-9]{1,4})?|1(\.0{1,4})?)$", 6, "a share from 0 to 1, as a string: 0.10 is 10 % off"),
]
"""A share that is taken off a price, at most 4 places."""

Share = Annotated[
    Decimal,
    _decimal(r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$", 8, "a share from 0 to 1, as a string: 0.75 is 75 %"),
]
"""A share from 0 to 1, at most 6 places."""

Figure = Annotated[
    Decimal,
    _decimal(r"^-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,9})?$", 51, "a number, as a string; it may be negative"),
]
"""An amount or quantity that goes out: sums are wider than what comes in."""

PRINTABLE = r"^[^\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]*$"
"""Text of one line that shows as it is: no control characters, and none that nobody sees. Said by their numbers, so
that no version of Unicode decides."""

ACCOUNT_ID = rf"^[A-Za-z0-9._+-]{{1,{limits.ACCOUNT_ID}}}$"

AccountId = Annotated[str, Field(pattern=ACCOUNT_ID, max_length=limits.ACCOUNT_ID)]
"""An account's id, and the ids that people give: subscriptions, adjustments, plans, sources."""

Id = AccountId

CallId = Annotated[str, Field(pattern=rf"^[!-~]{{1,{limits.CALL_ID}}}$", max_length=limits.CALL_ID)]
"""A switch's id of a call: printable ASCII without spaces (a UUID, `1469118934.19`, a SIP Call-ID)."""

Source = Annotated[str, Field(pattern=rf"^[!-~]{{1,{limits.SOURCE}}}$", max_length=limits.SOURCE)]
"""The switch's name."""

Number = Annotated[str, Field(pattern=PRINTABLE, max_length=limits.PHONE_NUMBER)]
"""A phone number or SIP address as the switch wrote it; empty where it was withheld."""

Note = Annotated[str, Field(pattern=PRINTABLE, min_length=1, max_length=limits.NOTE)]
"""What a person wrote."""

KeptNote = Annotated[str, Field(min_length=1, max_length=limits.NOTE)]
"""A note as a charge carries it; earlier versions took any characters."""

VersionedPlanId = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9._+-]{1,64}@[1-9][0-9]{0,8}$", max_length=limits.VERSIONED_PLAN_ID)
]
"""A plan with its version, `hybrid-200@1`."""

BookVersion = Annotated[int, Field(ge=1, le=999_999_999)]
"""The version of a tariff book."""

PeriodName = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$", max_length=limits.PERIOD_NAME)]
"""A period's name: `2026-11`, or `2026-11-15` where the billing day is not 1."""

CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$", max_length=3)]

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""A number of things. Above 2^53 - 1 a JavaScript reader would get another number."""

LABEL_NAME = r"[a-z][a-z0-9_]{0,31}"
LabelName = Annotated[str, Field(pattern=f"^{LABEL_NAME}$", max_length=32)]
LabelValue = Annotated[str, Field(pattern=PRINTABLE, min_length=1, max_length=limits.LABEL)]
Labels = Annotated[
    dict[LabelName, LabelValue],
    Field(max_length=limits.LABELS, json_schema_extra={"additionalProperties": False}),
]
"""What a switch says of a call beside it: its route, its queue, its agent."""

Direction = Literal["inbound", "outbound", "internal"]
Disposition = Literal["answered", "no-answer", "busy", "failed", "cancelled"]


def _known_zone(name: str) -> str:
    if zone(name) is None:
        raise PydanticCustomError("unknown-zone", "there is no such time zone; write a name like Asia/Shanghai or UTC")
    return name


ZoneName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+/-]{1,64}$", max_length=64), AfterValidator(_known_zone)]
"""A time zone of the pinned tzdata package."""
