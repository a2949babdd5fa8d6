"""Reads a tariff book, or a negotiated plan, from YAML (JSON is YAML too): the book, or all that is wrong with it.

Each error names the line, the place, what is wrong and what to write instead. Source: rating.md, "Tariff book".
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rater.rating.limits import MIN_REMEMBER_DAYS
from rater.wire.events import MAX_BOOK_BYTES, TariffsPublished
from rater.wire.field_errors import dotted, place_of, told_of
from rater.wire.tariff_book import REMEMBERED, WRITTEN_BY_HAND, PlanWords, TariffBook, span
from rater.wire.yaml_tree import Mark, Path, Tree, read_tree

MAX_ERRORS = 50

_EXAMPLES = {
    "version": "1",
    "currency": "CNY",
    "precision": "2",
    "time_zone": "Asia/Shanghai",
    "close_after": "10d",
    "remember": "60d",
    "connect_rate_band": '["0.70", "0.90"]',
    "fee": '"300.00"',
    "effective": "2026-12-01T00:00:00+08:00",
    "allowance": "100",
    "rate": '"0.20"',
    "flat": '"1.00"',
    "from": "50",
    "graduated": '[{from: 0, rate: "0.20"}]',
    "volume": '[{from: 0, rate: "0.20"}]',
    "increment": "60/60",
    "minimum": "60",
    "directions": "[outbound]",
}
"""What a field looks like, where the error itself does not say what to write."""

_M = TypeVar("_M", bound=BaseModel)


class FileError(NamedTuple):
    """One thing that is wrong in a file; line and column count from 1, `place` is empty for the whole file."""

    line: int
    column: int
    place: str
    message: str

    def __str__(self) -> str:
        """For people: `12:15: plans.hybrid-200.minutes.rate: must be ...`."""
        place = f"{self.place}: " if self.place else ""
        return f"{self.line}:{self.column}: {place}{self.message}"


def load_book(data: bytes) -> TariffBook | tuple[FileError, ...]:
    """The tariff book in a file, or its errors in the order of the lines. No bytes whatever raise."""
    book = load_words(TariffBook, data)
    if isinstance(book, TariffBook):
        size = len(TariffsPublished(type="tariffs-published/1", book=book).to_json())
        if size > MAX_BOOK_BYTES:
            too_large = f"published, the book would have {size} bytes; a book has at most {MAX_BOOK_BYTES}"
            return (FileError(1, 1, "", too_large),)
        if span(book.remember) < REMEMBERED:
            tree = read_tree(data)
            mark = _mark(tree, ("remember",), name=False) if isinstance(tree, Tree) else Mark(1, 1)
            too_short = f"calls must be remembered for at least {MIN_REMEMBER_DAYS} days; write remember: 60d"
            return (FileError(*mark, "remember", too_short),)
    return book


def is_plan_alone(data: bytes) -> bool:
    """Whether a file seems to be of one plan: it says what plans say, and nothing that only books say."""
    tree = read_tree(data)
    said = set(tree.content) if isinstance(tree, Tree) and isinstance(tree.content, dict) else set()
    return bool(said & set(PlanWords.model_fields)) and not said & set(TariffBook.model_fields)


def load_plan(data: bytes) -> PlanWords | tuple[FileError, ...]:
    """The negotiated plan in a file (words as of one plan of a book), or its errors. No bytes whatever raise."""
    return load_words(PlanWords, data)


def load_words(model: type[_M], data: bytes) -> _M | tuple[FileError, ...]:
    """A file as a model, or its errors in the order of the lines. No bytes whatever raise."""
    tree = read_tree(data)
    if not isinstance(tree, Tree):
        return (FileError(*tree.mark, "", tree.message),)
    try:
        return model.model_validate(tree.content, context=WRITTEN_BY_HAND)
    except ValidationError as error:
        errors = error.errors(include_url=False)[:MAX_ERRORS]
        return tuple(sorted({_told(model, one, tree) for one in errors if not _follows(one, errors)}))


def _follows(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """A list with a wrong entry also has too few entries; one error is enough."""
    place = error["loc"]
    return error["type"] == "too_short" and any(one["loc"][: len(place)] == place for one in errors if one != error)


def _told(model: type[BaseModel], error: ErrorDetails, tree: Tree) -> FileError:
    path = place_of(error)
    place, message = told_of(model, error)
    mark = _mark(tree, path, name=error["type"] in {"extra_forbidden", "missing"} or error["loc"][-1:] == ("[key]",))
    value = _at(tree.content, path)
    if error["type"] != "tariff":
        shown = f"{_shown(value)} " if isinstance(value, str | int) and message.startswith("must be") else ""
        message = f"{shown}{message}{_example(path, message)}"
    return FileError(*mark, place or dotted(path), message)


def _mark(tree: Tree, path: Path, *, name: bool) -> Mark:
    """Where a value (or its name) stands; where it is missing, its nearest surroundings."""
    exact = path in tree.values
    for end in range(len(path), -1, -1):
        by_name = name or not exact
        mark = (tree.names.get(path[:end]) if by_name else None) or tree.values.get(path[:end])
        if mark is not None:
            return mark
    return Mark(1, 1)


def _at(content: Any, path: Path) -> Any:
    for part in path:
        try:
            content = content[part]
        except (LookupError, TypeError):
            return None
    return content


def _shown(value: str | int) -> str:
    text = str(value)
    return text if len(text) <= 40 and text.isprintable() else f"{text[:37].encode('unicode_escape').decode()}..."


def _example(path: Path, message: str) -> str:
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    if name not in _EXAMPLES or "write" in message or "known here" in message:
        return ""
    return f"; write it like {name}: {_EXAMPLES[name]}"
