"""`rater subscribe`: put an account under a plan."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from rater.cli.errors import fail
from rater.cli.sending import AsJson, NoWait, send, valid

Items = Annotated[
    list[str] | None,
    typer.Option(
        "--item",
        help="seat=25 for another quantity of the plan's item, vpn=2x30.00 for an own one, vpn=none to end it. "
        "May be repeated.",
    ),
]

_said_of_item = re.compile(r"([^=]+)=(?:(none)|([0-9]{1,7})(?:x([0-9.]+))?)").fullmatch


def subscribe(
    account: Annotated[str, typer.Argument(help="The account's id.")],
    plan: Annotated[str | None, typer.Argument(help="A plan of the tariff book.", show_default=False)] = None,
    plan_file: Annotated[Path | None, typer.Option(help="A plan negotiated for this account, in YAML.")] = None,
    end: Annotated[bool, typer.Option("--end", help="End the subscription.")] = False,
    start: Annotated[str | None, typer.Option("--from", help="From when, RFC 3339; now if left out.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Of the account's months, e.g. Europe/Berlin.")] = None,
    billing_day: Annotated[int | None, typer.Option(help="The day that months begin on, 1 to 28.")] = None,
    spend_cap: Annotated[str | None, typer.Option(help="Spend of a period that raises an alert.")] = None,
    connect_rate: Annotated[str | None, typer.Option(help="Guaranteed connect rate, e.g. 0.75.")] = None,
    item: Items = None,
    ident: Annotated[str | None, typer.Option("--id", help="Subscription id; the same again is no second one.")] = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Write a subscription into the log, in the account's partition. What is left out keeps its value.

    Exit status 1 where the rater rejects it, 3 where no worker has come to it within 30 s.
    """
    from rater.wire.events import AccountSubscribed

    if [plan is not None, plan_file is not None, end].count(True) != 1:
        raise fail("say one of: a PLAN, --plan-file FILE, --end", "the plans of the shipped book: rater tariffs show")
    words: dict[str, Any] = {
        "type": "account-subscribed/1",
        "account": account,
        "subscription_id": ident or f"s-{uuid4().hex[:12]}",
        "plan": _plan(plan_file) if plan_file else plan,
        "from": start or datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    said = {
        "time_zone": time_zone,
        "billing_day": billing_day,
        "spend_cap": spend_cap,
        "guaranteed_connect_rate": connect_rate,
    }
    words |= {name: value for name, value in said.items() if value is not None}
    if item:
        words["items"] = dict(_item(one) for one in item)
    event = valid(AccountSubscribed, words)
    send(event, "subscription_id", _again(words), wait=not no_wait, as_json=as_json)


def _again(words: dict[str, Any]) -> str:
    """What to add to the command so that it says the same subscription again."""
    return shlex.join(["rater", "subscribe", "...", "--id", words["subscription_id"], "--from", words["from"]])


def _item(words: str) -> tuple[str, Any]:
    """An item's name, and what the event says of it."""
    match = _said_of_item(words)
    if match is None:
        raise fail(f"--item: {words!r} says no item", "write it like seat=25, vpn=2x30.00 or vpn=none")
    name, ends, quantity, price = match.groups()
    if ends:
        return name, None
    return name, {"price": price, "quantity": int(quantity)} if price else int(quantity)


def _plan(file: Path) -> Any:
    from rater.wire.tariff_file import load_plan

    try:
        plan = load_plan(file.read_bytes())
    except OSError as error:
        raise fail(f"{file}: {error.strerror}") from error
    if isinstance(plan, tuple):
        for wrong in plan:
            typer.secho(f"{file}:{wrong}", err=True, fg=typer.colors.RED)
        raise fail(f"{len(plan)} error(s); nothing was written", status=1)
    return json.loads(plan.model_dump_json(exclude_unset=True))
