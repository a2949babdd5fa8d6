"""A profile as it is written: what the records of one switch mean. `rater switches check FILE` reads one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from rater.rating.limits import LABELS
from rater.switches import patterns
from rater.switches.times import EPOCHS, UNITS
from rater.wire.fields import AccountId, Direction, Disposition, LabelName, StrictModel, ZoneName

FormatName = Literal[
    "freeswitch-json",
    "freeswitch-event",
    "asterisk-csv",
    "asterisk-json",
    "asterisk-ami",
    "opensips-acc",
    "kamailio-acc",
    "csv",
    "json",
    "call-ended",
]
FORMAT_NAMES: tuple[FormatName, ...] = get_args(FormatName)
LOCAL_TIMES: frozenset[FormatName] = frozenset({"asterisk-csv", "asterisk-ami", "kamailio-acc", "opensips-acc"})
"""Formats whose times have no offset."""
MAPPED: frozenset[FormatName] = frozenset({"csv", "json"})
"""Formats of which the profile must say which field is what."""

MAX_RULES = 16
MAX_VALUES = 1_000
MAX_COLUMNS = 200

FieldName = Annotated[str, Field(min_length=1, max_length=128)]
"""A field of a record: a column of CSV, a member of JSON (`a.b` is b within a), a variable of FreeSWITCH."""
FieldValue = Annotated[str, Field(max_length=200)]
MapFile = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$", max_length=100)]
SOURCE = r"^[A-Za-z0-9._-]{1,64}$"
ProfileSource = Annotated[str, Field(pattern=SOURCE, max_length=64)]
"""The switch's name, which also names its topic."""


class FieldRule(StrictModel):
    """What a field says, or what a pattern finds in it (its first group, or `group`); `map` then looks that up."""

    field: FieldName
    pattern: Annotated[str, Field(min_length=1, max_length=patterns.LONGEST)] | None = None
    group: Annotated[int, Field(ge=0, le=20)] | None = None
    map: MapFile | None = None

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        if self.group is not None and self.pattern is None:
            raise PydanticCustomError("profile", "group goes with pattern")
        if self.pattern is not None:
            try:
                patterns.compiled(self.pattern, self.group)
            except ValueError as error:
                raise PydanticCustomError("profile", "{why}", {"why": str(error), "at": "pattern"}) from error
        return self


class ValueRule(StrictModel):
    """The same for every record that no rule before it found anything in."""

    value: AccountId


def _rule_tag(rule: Any) -> str:
    said = rule if isinstance(rule, dict) else rule.model_fields_set if isinstance(rule, StrictModel) else ()
    return "<value>" if "value" in said else "<field>"


AccountRule = Annotated[
    Annotated[FieldRule, Tag("<field>")] | Annotated[ValueRule, Tag("<value>")], Discriminator(_rule_tag)
]

DirectionValues = Annotated[dict[FieldValue, Direction], Field(min_length=1, max_length=MAX_VALUES)]
"""Value of a field -> direction, as the account sees the call; `*` is any other value."""
DirectionWords = Annotated[
    Annotated[Direction, Tag("<word>")]
    | Annotated[dict[FieldName, DirectionValues], Field(min_length=1, max_length=MAX_RULES), Tag("<fields>")],
    Discriminator(lambda said: "<word>" if isinstance(said, str) else "<fields>"),
]


class NumbersWords(StrictModel):
    """Numbers are made E.164 as seen from this country, and this area in it."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", max_length=2)]
    area: Annotated[str, Field(pattern=r"^[0-9]{1,6}$", max_length=6)] | None = None

    @model_validator(mode="after")
    def _exists(self) -> Self:
        from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - 50 ms, only for who reads profiles

        if self.country not in SUPPORTED_REGIONS:
            raise PydanticCustomError("profile", "no such country; write its two letters, CN", {"at": "country"})
        return self


class LegsWords(StrictModel):
    """Which leg of a call is billed, where the switch writes a record of each."""

    bill: Literal["with-account", "originating", "terminating", "all"] = "with-account"


class DurationWords(StrictModel):
    """A field with a duration, and its unit."""

    field: FieldName
    unit: Literal["s", "ms", "us"] = "s"


def _one_tag(said: Any) -> str:
    return "<one>" if isinstance(said, str) else "<more>"


FieldNames = Annotated[
    Annotated[FieldName, Tag("<one>")]
    | Annotated[tuple[FieldName, ...], Field(min_length=1, max_length=8), Tag("<more>")],
    Discriminator(_one_tag),
]


def _duration_tag(said: Any) -> str:
    return "<name>" if isinstance(said, str) else "<unit>"


DurationField = Annotated[
    Annotated[FieldName, Tag("<name>")] | Annotated[DurationWords, Tag("<unit>")], Discriminator(_duration_tag)
]


class FieldsWords(StrictModel):
    """Which field is what; for formats that know their fields only those that are to be read from elsewhere."""

    id: FieldNames | None = None
    caller: FieldName | None = None
    callee: FieldName | None = None
    start: FieldName | None = None
    answer: FieldName | None = None
    end: FieldName | None = None
    duration: DurationField | None = None
    talk: DurationField | None = None
    disposition: FieldName | None = None


class ProfileWords(StrictModel):
    """What the records of one switch mean."""

    source: ProfileSource
    format: FormatName
    time_zone: ZoneName | None = None
    account: Annotated[tuple[AccountRule, ...], Field(min_length=1, max_length=MAX_RULES)] | None = None
    direction: DirectionWords | None = None
    numbers: NumbersWords | None = None
    labels: Annotated[dict[LabelName, FieldRule], Field(max_length=LABELS)] = Field(default_factory=dict)
    legs: LegsWords = LegsWords()
    skip: Annotated[tuple[FieldRule, ...], Field(max_length=MAX_RULES)] = ()
    fields: FieldsWords = FieldsWords()
    times: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    dispositions: Annotated[dict[FieldValue, Disposition], Field(max_length=MAX_VALUES)] = Field(default_factory=dict)
    columns: Annotated[tuple[FieldName, ...], Field(min_length=1, max_length=MAX_COLUMNS)] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    unique_ids: bool = False
    remember_days: Annotated[int, Field(ge=31, le=400)] = 60

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.format != "call-ended":
            self._must_say("account", self.account, "whose calls they are; write account: [{field: accountcode}]")
            self._must_say("direction", self.direction, "write direction: outbound, or by a field of the record")
        if self.format in LOCAL_TIMES:
            self._must_say("time_zone", self.time_zone, "its times have no offset; write time_zone: Asia/Shanghai")
        if self.format == "csv":
            self._must_say("columns", self.columns, "name every column in order; write columns: [id, from, to]")
        if self.format in MAPPED:
            self._mapped()
        self._known_times()
        return self

    def _must_say(self, name: str, said: object, example: str) -> None:
        if said is None:
            why = {"why": f"a profile of {self.format} needs {name}: {example}", "at": name}
            raise PydanticCustomError("profile", "{why}", why)

    def _mapped(self) -> None:
        fields = self.fields
        for name in ("id", "caller", "callee", "start"):
            self._must_say("fields", getattr(fields, name), f"fields: {{{name}: COLUMN}}")
        self._must_say("fields", fields.end or fields.duration, "fields: {end: COLUMN} or {duration: COLUMN}")
        answered = fields.answer or fields.talk or fields.disposition
        self._must_say("fields", answered, "fields: {answer: COLUMN}, {talk: COLUMN} or {disposition: COLUMN}")

    def _known_times(self) -> None:
        if self.times is None or self.times in {"iso", *EPOCHS}:
            return
        known = "%" in self.times
        try:
            datetime.strptime(datetime(2026, 11, 1).strftime(self.times), self.times)  # noqa: DTZ001, DTZ007
        except ValueError:
            known = False
        if not known:
            why = f"write iso, {', '.join(EPOCHS)}, or how a time is written: %d/%m/%Y %H:%M:%S"
            raise PydanticCustomError("profile", "{why}", {"why": why, "at": "times"})


def duration_of(said: FieldName | DurationWords | None) -> tuple[str, int] | None:
    """A duration's field and the microseconds of its unit."""
    if said is None:
        return None
    return (said, UNITS["s"]) if isinstance(said, str) else (said.field, UNITS[said.unit])
