"""The tariff book over time: which books are accepted, and which version of a plan holds when.

Source: rating.md, "Tariff book".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple, TypeVar

from rater.rating.book import Book, Plan
from rater.rating.instant import Instant, instant
from rater.rating.names import PlanId

PlanOf = Callable[[PlanId], Plan]
"""Finds a published version of a plan by its id, `hybrid-200@1`."""


T = TypeVar("T", bound=str)


def versioned(name: str, version: int) -> PlanId:
    """The id of a version of a plan."""
    return shared(PlanId(f"{name}@{version}"))


def shared(text: T) -> T:
    """One object for all the rows that have the word: what millions of them point at stays in the processor's cache."""
    return _shared(text)  # type: ignore[return-value]  # the cache forgets that it gives back what it was given


@lru_cache(maxsize=65_536)
def _shared(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Tariffs:
    """All that was published so far: the newest book's settings, and when each version of each plan took effect.

    The plans themselves are found by `PlanOf`; a version, once published, never changes.
    """

    book: Book
    """The newest book; its `plans` are left out (empty)."""
    offered: frozenset[str]
    """The names of the newest book's plans, which can be subscribed to."""
    effective: Mapping[str, tuple[Instant | None, ...]]
    """Plan name -> from when its versions 1, 2, 3 are in effect; None is always."""
    contents: Mapping[int, str]
    """Book version -> fingerprint of its content."""

    def version_at(self, name: str, at: Instant) -> int | None:
        """The latest version of a plan in effect at an instant; None where there is none."""
        found = None
        for version, since in enumerate(self.effective.get(name, ()), start=1):
            if since is None or since <= at:
                found = version
        return found


class Published(NamedTuple):
    """An accepted book: the tariffs from now on, and the plan versions that are new."""

    tariffs: Tariffs
    plans: tuple[Plan, ...]


class NotPublished(NamedTuple):
    """A book that is not accepted, and why."""

    reason: Literal["duplicate", "stale-book", "currency-changed", "class-changed", "plan-changed"]
    detail: str


def publish(tariffs: Tariffs | None, book: Book, content: str, plan_of: PlanOf) -> Published | NotPublished:
    """What becomes of the tariffs when `book` is published; `content` is the fingerprint of its content.

    It depends on earlier books alone: the version is higher than the last one (a repetition is a `duplicate`),
    currency, precision and classes stay, and a changed plan carries a later `effective` instant, which makes it the
    next version.
    """
    if tariffs is None:
        tariffs = Tariffs(replace(book, plans={}), frozenset(), {}, {})
    elif refused := _refusal(tariffs, book, content):
        return refused
    effective = dict(tariffs.effective)
    new: list[Plan] = []
    for name, plan in sorted(book.plans.items()):
        versions = effective.get(name, ())
        if versions and _same(plan, plan_of(versioned(name, len(versions)))):
            continue
        since = None if plan.effective is None else instant(plan.effective)
        if versions and not _later(since, versions[-1]):
            detail = f"plan {name}: published plans never change; give the change a later effective instant"
            return NotPublished("plan-changed", detail)
        effective[name] = (*versions, since)
        new.append(replace(plan, id=versioned(name, len(versions) + 1)))
    contents = {**tariffs.contents, book.version: content}
    after = Tariffs(replace(book, plans={}), frozenset(book.plans), effective, contents)
    return Published(after, tuple(new))


def _refusal(tariffs: Tariffs, book: Book, content: str) -> NotPublished | None:
    last = tariffs.book
    if book.version <= last.version:
        if tariffs.contents.get(book.version) == content:
            return NotPublished("duplicate", "")
        return NotPublished(
            "stale-book", f"version {book.version} is not higher than {last.version}, the last one published"
        )
    if (book.currency, book.precision) != (last.currency, last.precision):
        was, now = (f"{b.currency} with {b.precision} decimal places" for b in (last, book))
        return NotPublished("currency-changed", f"{was} can not become {now}")
    within = {one.name: one.within for one in book.classes.classes}
    for one in last.classes.classes:
        if within.get(one.name) != one.within:
            gone = f"class {one.name}: a published class stays, within the class in which it lies"
            return NotPublished("class-changed", f"{gone}; what calls it has may change")
    return None


def _same(plan: Plan, published: Plan) -> bool:
    return replace(plan, id=published.id) == published


def _later(since: Instant | None, last: Instant | None) -> bool:
    return since is not None and (last is None or since > last)
