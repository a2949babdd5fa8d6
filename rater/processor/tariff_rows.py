"""How plans and tariffs are written to the changelog: as words that `decode` reads back to the same values."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import orjson

from rater.processor.class_rows import classes_from, classes_words
from rater.rating.book import Band, Book, Connected, Guarantee, Item, Meter, Plan, Portion, Price
from rater.rating.catalog import Reach, Tariffs
from rater.rating.classes import NO_CLASSES
from rater.rating.instant import SECOND, instant, length, moment
from rater.rating.names import PlanId
from rater.rating.units import UNITS, AnsweredBy, Increment, Unit

_SORTED = orjson.OPT_SORT_KEYS


def encode_tariff(row: Tariffs | Plan) -> bytes:
    """A row of the table `tariffs`."""
    return orjson.dumps(plan_words(row) if isinstance(row, Plan) else _tariffs_words(row), option=_SORTED)


def decode_tariff(value: bytes) -> Tariffs | Plan:
    """The plan or the tariffs of a row."""
    words = orjson.loads(value)
    return _tariffs_from(words) if "book" in words else plan_from(words)


def content_of(book: Book) -> str:
    """A fingerprint of a book's content: the same for equal books, however their numbers were written."""
    words = _book_words(book, exact=False)
    words["plans"] = {name: plan_words(plan, exact=False) for name, plan in book.plans.items()}
    return sha256(orjson.dumps(words, option=_SORTED)).hexdigest()[:32]


def plan_content(plan: Plan) -> str:
    """A fingerprint of a plan's content."""
    return sha256(orjson.dumps(plan_words(plan, exact=False), option=_SORTED)).hexdigest()[:32]


def plan_words(plan: Plan, *, exact: bool = True) -> dict[str, Any]:
    """A plan as JSON; not `exact` writes equal numbers the same (0.2 for 0.20)."""
    return {
        "id": plan.id,
        "fee": _number(plan.fee, exact=exact),
        "proration": plan.proration,
        **_meters_words(plan, exact=exact),
        "effective": None if plan.effective is None else instant(plan.effective),
        **_seldom_words(plan, exact=exact),
    }


def _seldom_words(plan: Plan, *, exact: bool) -> dict[str, Any]:
    """What most plans leave out; so do their rows, which stay as they were before it could be said."""
    shares = {"discount": plan.discount, "minimum": plan.minimum, "setup": plan.setup}
    words: dict[str, Any] = {name: _number(share, exact=exact) for name, share in shares.items() if share}
    if plan.guarantee is not None:
        connect_rate, attempts, credit = plan.guarantee
        words["guarantee"] = [_number(connect_rate, exact=exact), attempts, _number(credit, exact=exact)]
    if plan.items:
        words["items"] = [(name, item_words(item, exact=exact)) for name, item in plan.items]
    if plan.reach_back:
        words["reach_back"] = True
    if plan.connected is not None:
        words["connected"] = [plan.connected.min_talk, sorted(plan.connected.answered_by)]
    return words


def item_words(item: Item, *, exact: bool = True) -> list[Any]:
    """An item as JSON."""
    return [_number(item.price, exact=exact), item.quantity]


def item_from(words: list[Any]) -> Item:
    """The item of `item_words`."""
    price, quantity = words
    return Item(Decimal(price), quantity)


def plan_from(words: dict[str, Any]) -> Plan:
    """The plan of `plan_words`."""
    return Plan(
        id=words["id"],
        fee=Decimal(words["fee"]),
        proration=words["proration"],
        meters=_meters_from(words),
        effective=None if words["effective"] is None else moment(words["effective"]),
        discount=Decimal(words.get("discount", 0)),
        minimum=Decimal(words.get("minimum", 0)),
        guarantee=_guarantee_from(*words["guarantee"]) if "guarantee" in words else None,
        items=tuple((name, item_from(item)) for name, item in words.get("items", ())),
        setup=Decimal(words.get("setup", 0)),
        reach_back=words.get("reach_back", False),
        connected=_connected_from(*words["connected"]) if "connected" in words else None,
    )


def _guarantee_from(connect_rate: str, attempts: int, credit: str) -> Guarantee:
    return Guarantee(Decimal(connect_rate), attempts, Decimal(credit))


def _connected_from(min_talk: int, answered_by: list[AnsweredBy]) -> Connected:
    return Connected(min_talk, frozenset(answered_by))


def _number(number: Decimal, *, exact: bool) -> str:
    return f"{number:f}" if exact else f"{number.normalize():f}"


def _meters_words(plan: Plan, *, exact: bool) -> dict[str, Any]:
    """By unit; of the first two, which were always there, null is said too. Those with own names are a list."""
    words: dict[str, Any] = {unit.key: None for unit in UNITS[:2]}
    listed = [one for one in plan.meters if one.own_name or one.part or one.shared]
    words |= {one.unit.key: _meter_words(one, exact=exact) for one in plan.meters if one not in listed}
    named = [{"name": one.own_name, "unit": one.unit.key, **_meter_words(one, exact=exact)} for one in listed]
    return words | {"meters": named} if named else words


def _meters_from(words: dict[str, Any]) -> tuple[Meter, ...]:
    units = {unit.key: unit for unit in UNITS}
    named = (replace(_meter_from(units[one["unit"]], one), own_name=one["name"]) for one in words.get("meters", ()))
    return (*named, *(_meter_from(unit, words[key]) for key, unit in units.items() if words.get(key) is not None))


def _meter_words(meter: Meter, *, exact: bool) -> dict[str, Any]:
    price = meter.price
    bands = None if price is None else [_band_words(band, exact=exact) for band in price.bands]
    return {
        "allowance": meter.allowance,
        "kind": None if price is None else price.kind,
        "bands": bands,
        "directions": None if meter.directions is None else sorted(meter.directions),
        "increment": [meter.increment.first, meter.increment.step, meter.increment.minimum],
        **({} if meter.classes is None else {"classes": sorted(meter.classes)}),
        **({} if meter.portion is None else {"portion": list(meter.portion)}),
        **({"part": meter.part} if meter.part else {}),
        **({"rank": meter.rank} if meter.rank >= 0 else {}),
        **({"shared": True} if meter.shared else {}),
    }


def _band_words(band: Band, *, exact: bool) -> list[Any]:
    return [band.start, _number(band.rate, exact=exact), _number(band.flat, exact=exact)]


def _meter_from(unit: Unit, words: dict[str, Any]) -> Meter:
    bands = tuple(Band(start, Decimal(rate), Decimal(flat)) for start, rate, flat in words["bands"] or ())
    return Meter(
        unit=unit,
        allowance=words["allowance"],
        price=Price(words["kind"], bands) if words["kind"] else None,
        directions=None if words["directions"] is None else frozenset(words["directions"]),
        increment=Increment(*words["increment"]),
        classes=frozenset(words["classes"]) if "classes" in words else None,
        portion=Portion(*words["portion"]) if "portion" in words else None,
        part=words.get("part", ""),
        rank=words.get("rank", -1),
        shared=words.get("shared", False),
    )


def _book_words(book: Book, *, exact: bool) -> dict[str, Any]:
    return {
        "version": book.version,
        "currency": book.currency,
        "precision": book.precision,
        "time_zone": book.time_zone,
        "default_plan": book.default_plan,
        "close_after": length(book.close_after) // SECOND,
        "late": book.late,
        "remember": length(book.remember) // SECOND,
        "connect_rate_band": [_number(end, exact=exact) for end in book.connect_rate_band],
        **({"classes": classes_words(book.classes)} if book.classes else {}),
    }


def _tariffs_words(tariffs: Tariffs) -> dict[str, Any]:
    return {
        "book": _book_words(tariffs.book, exact=True),
        "offered": sorted(tariffs.offered),
        "effective": dict(tariffs.effective),
        "contents": {str(version): content for version, content in tariffs.contents.items()},
        "books": dict(tariffs.books),
        **({"reaches": [_reach_words(one) for one in tariffs.reaches]} if tariffs.reaches else {}),
    }


def _reach_words(reach: Reach) -> list[Any]:
    return [reach.book, reach.closed, sorted(reach.plans), reach.default_plan]


def _reach_from(words: list[Any]) -> Reach:
    book, closed, plans, default_plan = words
    return Reach(book, closed, frozenset(map(PlanId, plans)), default_plan)


def _tariffs_from(words: dict[str, Any]) -> Tariffs:
    return Tariffs(
        book=_book_from(words["book"]),
        offered=frozenset(words["offered"]),
        effective={name: tuple(versions) for name, versions in words["effective"].items()},
        contents={int(version): content for version, content in words["contents"].items()},
        books={name: tuple(books) for name, books in words.get("books", {}).items()},
        reaches=tuple(_reach_from(one) for one in words.get("reaches", ())),
    )


def _book_from(words: dict[str, Any]) -> Book:
    low, high = words["connect_rate_band"]
    return Book(
        version=words["version"],
        currency=words["currency"],
        precision=words["precision"],
        time_zone=words["time_zone"],
        default_plan=words["default_plan"],
        close_after=timedelta(seconds=words["close_after"]),
        late=words["late"],
        remember=timedelta(seconds=words["remember"]),
        connect_rate_band=(Decimal(low), Decimal(high)),
        plans={},
        classes=classes_from(words["classes"]) if "classes" in words else NO_CLASSES,
    )
