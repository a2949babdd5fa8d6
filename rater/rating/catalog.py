"""The tariff book over time: which books are accepted, and which version of a plan holds when.

Source: rating.md, "Tariff book".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, NamedTuple, TypeVar

from rater.rating.book import Book, Plan
from rater.rating.instant import NEVER, Instant, instant
from rater.rating.names import PlanId

_ALWAYS: Instant = -1
"""Before every instant: what a version without `effective` is in effect from."""

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


class Reach(NamedTuple):
    """A book with versions of plans that reach back: what must be known of its place in the log to apply it later."""

    book: int
    """Its version."""
    closed: Instant
    """Periods that end at or before this were closed there, and stay what they are."""
    plans: frozenset[PlanId]
    """The versions that reach back."""
    default_plan: str | None
    """The default plan that held there."""


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
    books: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Plan name -> the book in which each of its versions was published; 0 where an earlier rater did not note it."""
    reaches: tuple[Reach, ...] = ()
    """The books that reach back and may still have to be applied to some account, in their order."""

    def version_at(self, name: str, at: Instant) -> int | None:
        """The version of a plan that holds from an instant on; None where there is none.

        Of those in effect it is the one with the latest `effective`, of equal ones the one that was published last.
        """
        found: tuple[Instant, int] | None = None
        for version, since in enumerate(self.effective.get(name, ()), start=1):
            rank = _ALWAYS if since is None else since
            if rank <= at and (found is None or rank >= found[0]):
                found = rank, version
        return None if found is None else found[1]

    def as_of(self, reach: Reach) -> Tariffs:
        """The versions of plans that were published up to a book, and the default plan that held there."""
        if reach.book == self.book.version:
            return self
        known = {name: sum(book <= reach.book for book in books) for name, books in self.books.items()}
        effective = {name: versions[: known.get(name)] for name, versions in self.effective.items()}
        return replace(self, book=replace(self.book, default_plan=reach.default_plan), effective=effective)

    @property
    def last_reach(self) -> int:
        """The newest book that reaches back, of those that may still have to be applied; 0 without any."""
        return self.reaches[-1].book if self.reaches else 0


class Published(NamedTuple):
    """An accepted book: the tariffs from now on, and the plan versions that are new."""

    tariffs: Tariffs
    plans: tuple[Plan, ...]


class NotPublished(NamedTuple):
    """A book that is not accepted, and why."""

    reason: Literal["duplicate", "stale-book", "currency-changed", "class-changed", "plan-changed", "reach-back-units"]
    detail: str


def publish(
    tariffs: Tariffs | None, book: Book, content: str, plan_of: PlanOf, closed: Instant = NEVER, reached: int = 0
) -> Published | NotPublished:
    """What becomes of the tariffs when `book` is published; `content` is the fingerprint of its content.

    It depends on earlier books alone: the version is higher than the last one (a repetition is a `duplicate`),
    currency, precision and classes stay, a changed plan carries an `effective` instant, which makes it a version of
    its own, and one that reaches back counts what the version that it replaces counts. Periods that end at or before
    `closed` are closed; books up to `reached` were applied to all accounts.
    """
    if tariffs is None:
        tariffs = Tariffs(replace(book, plans={}), frozenset(), {}, {})
    elif refused := _refusal(tariffs, book, content):
        return refused
    effective, books = dict(tariffs.effective), dict(tariffs.books)
    new: list[Plan] = []
    for name, plan in sorted(book.plans.items()):
        versions = effective.get(name, ())
        if versions and _same(plan, plan_of(versioned(name, len(versions)))):
            continue
        since = None if plan.effective is None else instant(plan.effective)
        if versions and since is None:
            detail = f"plan {name}: published plans never change; give the change an effective instant"
            return NotPublished("plan-changed", detail)
        replaced = tariffs.version_at(name, since) if plan.reach_back and since is not None else None
        if replaced and (detail := counts_otherwise(plan_of(versioned(name, replaced)), plan)):
            return NotPublished("reach-back-units", f"plan {name}: {detail}")
        effective[name] = (*versions, since)
        books[name] = (*books.get(name, (0,) * len(versions)), book.version)
        new.append(replace(plan, id=versioned(name, len(versions) + 1)))
    reaches = tuple(one for one in tariffs.reaches if one.book > reached)
    if back := frozenset(PlanId(plan.id) for plan in new if plan.reach_back):
        reaches = (*reaches, Reach(book.version, closed, back, book.default_plan))
    contents = {**tariffs.contents, book.version: content}
    after = Tariffs(replace(book, plans={}), frozenset(book.plans), effective, contents, books, reaches)
    return Published(after, tuple(new))


def rank(plan: Plan) -> tuple[Instant, int]:
    """Of two published versions of a plan that are in effect, the one of the greater rank holds."""
    return _ALWAYS if plan.effective is None else instant(plan.effective), int(plan.id.rpartition("@")[2])


def counts_otherwise(old: Plan, new: Plan) -> str:
    """What a plan counts of calls in another way than an earlier version of it; empty where both count alike."""
    if old.proration != new.proration:
        return "a version that reaches back must have the same proration as the one that it replaces"
    if old.connected != new.connected:
        return "a version that reaches back must mean the same by connected as the one that it replaces"
    if old.counts_attempts != new.counts_attempts:
        return "a version that reaches back can neither bring a guarantee nor end one"
    one, other = ([(meter.name, *meter.counts_alike) for meter in plan.meters] for plan in (old, new))
    if one != other or old.named != new.named:
        return "a version that reaches back must count the same units of the same calls as the one that it replaces"
    return ""


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
    """Whether it is the version that was published; one that says no more that it reaches back still is."""
    again = replace(plan, id=published.id)
    return again == published or (not plan.reach_back and replace(again, reach_back=True) == published)
