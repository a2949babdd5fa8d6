"""Files into a read model: charges and alerts as `rater rate` writes them, and a tariff book."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import orjson

from rater.kafka.failstop import Refused
from rater.rating.catalog import NotPublished, publish
from rater.readmodel.projection import project
from rater.readmodel.store import Store, TopicMessage
from rater.wire.catalog import TARIFFS_ID, PlanVersion, TariffsInForce
from rater.wire.results import RESULTS
from rater.wire.tariff_book import TariffBook

AT_ONCE = 5000


class OtherCurrency(Refused):
    """A charge in a currency that is not the tariff book's; the message names the line."""


def load_charges(store: Store, lines: Iterable[bytes], currency: str) -> None:
    """Take a file of charges in `currency` in.

    Raises `Refused` with the line where it is none, and `OtherCurrency` where one is in another: its amounts would
    be added to others and compared with the prices of the book.
    """
    _load(store, "charges", _messages(lines, {"charge/1", "period-closed/1"}, currency))


def load_book(store: Store, book: TariffBook) -> None:
    """Take a tariff book in as if it were the only one that was ever published."""
    core = book.to_core()
    published = publish(None, core, "", lambda _: next(iter(core.plans.values())))
    if isinstance(published, NotPublished):
        raise Refused(published.detail)
    rows = [(TARIFFS_ID, TariffsInForce.of(published.tariffs).to_json())]
    rows += [(plan.id, PlanVersion.of(plan).to_json()) for plan in published.plans]
    _load(
        store, "catalog", (TopicMessage(number, 0, key.encode(), value, {}) for number, (key, value) in enumerate(rows))
    )


def _load(store: Store, topic: str, messages: Iterable[TopicMessage]) -> None:
    since, waiting = None, list[TopicMessage]()
    for message in messages:
        waiting.append(message)
        if len(waiting) >= AT_ONCE:
            since = _write(store, topic, waiting, since)
    _write(store, topic, waiting, since)


def _write(store: Store, topic: str, messages: list[TopicMessage], since: int | None) -> int | None:
    if not messages:
        return since
    until = messages[-1].offset + 1
    with store.write() as connection:
        project(connection, topic, 0, messages, since, until)
    messages.clear()
    return until


def _messages(lines: Iterable[bytes], types: set[str], currency: str) -> Iterator[TopicMessage]:
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            body = orjson.loads(line)
            kind = body["type"]
            RESULTS[kind].model_validate_json(line)
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(f"line {number + 1} is no charge: make the file with rater rate LOG --out FILE") from error
        if kind not in types:
            raise Refused(f"line {number + 1} is of the type {kind}, not {' or '.join(sorted(types))}")
        if body["currency"] != currency:
            raise OtherCurrency(f"line {number + 1} is a charge in {body['currency']}")
        yield TopicMessage(number, _time(body), None, line.strip(), {})


def _time(body: dict[str, dict[str, str]]) -> int:
    """A file has no record times: the call's own stands for them."""
    call = body.get("call")
    return int(datetime.fromisoformat(call["started_at"]).timestamp() * 1000) if call else 0
