"""A profile, ready to be applied: patterns compiled, maps read. `load_profile` makes it of a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from rater.rating.zones import zone
from rater.switches.numbers import e164
from rater.switches.patterns import Pattern, compiled
from rater.switches.profile_words import FieldRule, ProfileWords, ValueRule
from rater.switches.times import TimeReader
from rater.wire.fields import Direction, Disposition
from rater.wire.tariff_file import FileError, load_words

MAP_BYTES = 64 * 1024 * 1024
"""Of a map of numbers to accounts."""

ReadMap = Callable[[str], bytes]
"""The bytes of a map file by its name, beside the profile. Raises OSError where it is not there."""


@dataclass(frozen=True, slots=True)
class FieldLook:
    """A rule that looks at one field of a record."""

    field: str
    pattern: Pattern | None
    map: Mapping[str, str] | None

    def find(self, fields: Mapping[str, str]) -> str | None:
        """What the rule finds; None where the field is not there, empty, does not match, or is not in the map."""
        text: str | None = fields.get(self.field, "").strip()
        if text and self.pattern is not None:
            text = self.pattern.find(text)
        if text and self.map is not None:
            text = self.map.get(text)
        return text or None


class Always(NamedTuple):
    """A rule that finds the same in every record."""

    value: str

    def find(self, fields: Mapping[str, str]) -> str | None:  # noqa: ARG002 - it looks at nothing
        """The value."""
        return self.value


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What the records of one switch mean."""

    spec: ProfileWords
    accounts: tuple[FieldLook | Always, ...]
    labels: Mapping[str, FieldLook]
    skip: tuple[FieldLook, ...]
    times: TimeReader
    hash: str
    """Of the file and its maps: which profile a call was made by."""

    @property
    def source(self) -> str:
        """The switch's name."""
        return self.spec.source

    def account_of(self, fields: Mapping[str, str]) -> str | None:
        """The account by the first rule that finds one."""
        return next((found for rule in self.accounts if (found := rule.find(fields)) is not None), None)

    def direction_of(self, fields: Mapping[str, str]) -> Direction | None:
        """The direction by the first field that says one."""
        said = self.spec.direction
        if said is None or isinstance(said, str):
            return said
        for name, values in said.items():
            if name in fields and (found := values.get(fields[name], values.get("*"))) is not None:
                return found
        return None

    def disposition_of(self, text: str) -> Disposition | None:
        """What the profile says that a word of the switch means."""
        return self.spec.dispositions.get(text)

    def number(self, text: str) -> str:
        """A number as the call carries it."""
        numbers = self.spec.numbers
        return text if numbers is None else e164(text, numbers.country, numbers.area)


def load_profile(data: bytes, read_map: ReadMap) -> Profile | tuple[FileError, ...]:
    """The profile in a YAML file, or what is wrong with it and with its maps. No bytes whatever raise."""
    words = load_words(ProfileWords, data)
    if not isinstance(words, ProfileWords):
        return words
    digest = blake2b(data, digest_size=8)
    maps: dict[str, Mapping[str, str]] = {}
    for name in sorted({rule.map for rule in _field_rules(words) if rule.map is not None}):
        found = _map_of(name, read_map)
        if isinstance(found, FileError):
            return (found,)
        maps[name], content = found
        digest.update(content)
    return Profile(
        words,
        tuple(Always(rule.value) if isinstance(rule, ValueRule) else _look(rule, maps) for rule in words.account or ()),
        {name: _look(rule, maps) for name, rule in words.labels.items()},
        tuple(_look(rule, maps) for rule in words.skip),
        TimeReader(None if words.time_zone is None else zone(words.time_zone), words.times or "iso"),
        digest.hexdigest(),
    )


def _field_rules(words: ProfileWords) -> Iterator[FieldRule]:
    yield from (rule for rule in words.account or () if isinstance(rule, FieldRule))
    yield from words.labels.values()
    yield from words.skip


def _look(rule: FieldRule, maps: Mapping[str, Mapping[str, str]]) -> FieldLook:
    pattern = None if rule.pattern is None else compiled(rule.pattern, rule.group)
    return FieldLook(rule.field, pattern, None if rule.map is None else maps[rule.map])


def _map_of(name: str, read_map: ReadMap) -> tuple[Mapping[str, str], bytes] | FileError:
    """Two columns of CSV in UTF-8: what the field says, and what it means."""
    try:
        data = read_map(name)
    except OSError as error:
        return FileError(1, 1, "", f"{name}: {error.strerror}; the file must be beside the profile")
    if len(data) > MAP_BYTES:
        return FileError(1, 1, "", f"{name}: larger than {MAP_BYTES} bytes")
    found: dict[str, str] = {}
    try:
        for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
            if not row:
                continue
            wrong = _put(found, row)
            if wrong is not None:
                return FileError(1, 1, "", f"{name}, entry {len(found) + 1}: {wrong}")
    except (ValueError, csv.Error) as error:
        return FileError(1, 1, "", f"{name}, entry {len(found) + 1}: {error}")
    return found, data


def _put(found: dict[str, str], row: list[str]) -> str | None:
    """Take an entry in; what is wrong with it, if anything is."""
    if len(row) != 2 or not row[0].strip() or not row[1].strip():
        return "write two columns, a value and what it means"
    one, meaning = row[0].strip(), row[1].strip()
    return f"{one[:40]} stands there twice with two meanings" if found.setdefault(one, meaning) != meaning else None
