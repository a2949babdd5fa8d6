"""Writing one event of an account and telling what became of it; shared by the verbs that do so."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from rater.cli.errors import UNDECIDED, fail

if TYPE_CHECKING:
    from pydantic import BaseModel

    from rater.tools.outcome import Outcome
    from rater.wire.events import AccountAdjusted, AccountSubscribed, CallVoided

    Event = AccountSubscribed | AccountAdjusted | CallVoided
    Model = TypeVar("Model", bound=BaseModel)

WAIT = 30.0
REJECTED = 1
"""Exit status: the rater rejected it; `UNDECIDED`: it is in the log, and no worker has rated it yet."""

NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Return when it is in the log, without waiting for what becomes of it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def valid(model: type[Model], words: dict[str, Any]) -> Model:
    """The event; what is wrong with it is printed, and ends the command."""
    from pydantic import ValidationError

    try:
        return model.model_validate_json(json.dumps(words))
    except ValidationError as error:
        for wrong in error.errors(include_url=False):
            typer.secho(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}", err=True, fg=typer.colors.RED)
        raise fail("nothing was written") from error


def send(event: Event, ident: str, again: str, *, wait: bool, as_json: bool) -> None:
    """Write the event and tell its outcome. `again` is how the same command is run again as the same event."""
    from rater.kafka.log_writer import send_event
    from rater.kafka.settings import Settings
    from rater.tools.outcome import send_and_watch

    settings, name = Settings(), getattr(event, ident)
    if again:
        typer.echo(f"{ident.replace('_', ' ')} {name}; should this fail, the same again is: {again}", err=True)
    outcome: Outcome | None = None
    if wait:
        (partition, offset), outcome = asyncio.run(send_and_watch(settings, event, WAIT))
    else:
        partition, offset = asyncio.run(send_event(settings, event))
    place = f"{settings.topic('calls')}, partition {partition}, offset {offset}"
    if as_json:
        words = {ident: name, "partition": partition, "offset": offset, **_words(outcome)}
        typer.echo(json.dumps(words if wait else {ident: name, "partition": partition, "offset": offset}))
    else:
        typer.echo(f"{name} is in {place}")
    if not wait:
        return
    if outcome is None:
        raise fail(
            f"no worker has rated it within {WAIT:g} s", "it is not lost: start a worker, rater worker", UNDECIDED
        )
    _tell(outcome, quiet=as_json)


def _words(outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        return {"outcome": "not rated yet"}
    if outcome.reason is not None:
        return {"outcome": "rejected", "reason": outcome.reason, "detail": outcome.detail}
    return {"outcome": "done", "charges": outcome.charges}


def _tell(outcome: Outcome, *, quiet: bool) -> None:
    from rater.wire.reasons import REASONS

    if outcome.reason is not None:
        known = {str(reason): text for reason, text in REASONS.items()}.get(outcome.reason)
        raise fail(
            f"rejected: {outcome.reason}: {outcome.detail}", known.what_to_do if known is not None else "", REJECTED
        )
    if quiet:
        return
    for charge in outcome.charges:
        typer.echo(f"{charge['charge_id']}  {charge['kind']}  {charge['amount']} {charge['currency']}")
    if not outcome.charges:
        typer.echo("done; nothing was charged for it (it changes no amount, or was there before)")
