"""`rater adjust`, `rater void`, `rater tick`: events that an operator writes into the log."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import uuid4

import typer

from rater.cli.errors import fail

if TYPE_CHECKING:
    from rater.events.log import AccountAdjusted, CallVoided, ClockTicked

    Event = TypeVar("Event", AccountAdjusted, CallVoided, ClockTicked)


def adjust(
    account: Annotated[str, typer.Argument(help="The account's id.")],
    amount: Annotated[str, typer.Argument(help="Signed; a credit is negative: put -- before it.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the charge.")],
    ident: Annotated[str | None, typer.Option("--id", help="Adjustment id; the same again is no second one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Write a credit or a debit into the log; it is posted in the account's oldest open period."""
    from rater.events.log import AccountAdjusted

    words = {"type": "account-adjusted/1", "account": account, "adjustment_id": ident or f"a-{uuid4().hex[:12]}"}
    _send(_valid(AccountAdjusted, {**words, "amount": amount, "reason": reason}), "adjustment_id", as_json=as_json)


def void(
    account: Annotated[str, typer.Argument(help="The account's id.")],
    source: Annotated[str, typer.Argument(help="The switch that sent the call.")],
    call_id: Annotated[str, typer.Argument(help="The call's id there.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the reversal.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Take a rated call back: the reversal leaves its period as if the call had never been."""
    from rater.events.log import CallVoided

    words = {"type": "call-voided/1", "account": account, "source": source, "call_id": call_id, "reason": reason}
    _send(_valid(CallVoided, words), "call_id", as_json=as_json)


def tick(
    at: Annotated[str, typer.Option(help="The instant that time has come to, RFC 3339; time never goes back.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Move time in every partition, as an operator: fees fall due and periods close. It can not be taken back."""
    from rater.events.log import ClockTicked
    from rater.service.log_writer import send_tick
    from rater.service.settings import Settings

    event = _valid(ClockTicked, {"type": "clock-ticked/1", "at": at, "operator": True})
    settings = Settings()
    places = asyncio.run(send_tick(settings, event))
    if as_json:
        typer.echo(json.dumps({"at": at, "offsets": {str(p): offset for p, offset in sorted(places.items())}}))
        return
    typer.echo(f"the tick is in all {len(places)} partitions of {settings.topic('calls')}")


def _valid(model: type[Event], words: dict[str, Any]) -> Event:
    from pydantic import ValidationError

    try:
        return model.model_validate_json(json.dumps(words))
    except ValidationError as error:
        for wrong in error.errors(include_url=False):
            typer.secho(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}", err=True, fg=typer.colors.RED)
        raise fail("nothing was written") from error


def _send(event: AccountAdjusted | CallVoided, ident: str, *, as_json: bool) -> None:
    from rater.service.log_writer import send_event
    from rater.service.settings import Settings

    settings = Settings()
    partition, offset = asyncio.run(send_event(settings, event))
    name = getattr(event, ident)
    if as_json:
        typer.echo(json.dumps({ident: name, "partition": partition, "offset": offset}))
        return
    typer.echo(f"{name} is in {settings.topic('calls')}, partition {partition}, offset {offset}")
