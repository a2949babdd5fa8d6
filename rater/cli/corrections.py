"""`rater adjust`, `rater void`, `rater tick`: events that an operator writes into the log."""

from __future__ import annotations

import asyncio
import json
import shlex
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import typer

from rater.cli.errors import fail
from rater.cli.sending import AsJson, NoWait, send, valid


def adjust(
    account: Annotated[str, typer.Argument(help="The account's id.")],
    amount: Annotated[str, typer.Argument(help="Signed; a credit is negative: put -- before it.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the charge.")],
    ident: Annotated[
        str | None, typer.Option("--id", help="Adjustment id; the same again is no second one. Made if left out.")
    ] = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Write a credit or a debit into the log; it is posted in the account's oldest open period.

    Exit status 1 where the rater rejects it, 3 where no worker has come to it within 30 s.
    """
    from rater.wire.events import AccountAdjusted

    name = ident or f"a-{uuid4().hex[:12]}"
    words = {"type": "account-adjusted/1", "account": account, "adjustment_id": name}
    event = valid(AccountAdjusted, {**words, "amount": amount, "reason": reason})
    again = shlex.join(["rater", "adjust", account, "--reason", reason, "--id", name, "--", amount])
    send(event, "adjustment_id", again, wait=not no_wait, as_json=as_json)


def void(
    account: Annotated[str, typer.Argument(help="The account's id.")],
    source: Annotated[str, typer.Argument(help="The switch that sent the call.")],
    call_id: Annotated[str, typer.Argument(help="The call's id there.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the reversal.")],
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Take a rated call back: the reversal leaves its period as if the call had never been.

    Run twice it is done once. Exit status 1 where the rater rejects it, 3 where no worker has come to it within 30 s.
    """
    from rater.wire.events import CallVoided

    words = {"type": "call-voided/1", "account": account, "source": source, "call_id": call_id, "reason": reason}
    send(valid(CallVoided, words), "call_id", "", wait=not no_wait, as_json=as_json)


def tick(
    at: Annotated[str, typer.Option(help="The instant that time has come to, RFC 3339; time never goes back.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also where it lies ahead of this machine's clock; it cannot be taken back.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Move time in every partition, as an operator: fees fall due and periods close. It cannot be taken back."""
    from rater.kafka.log_writer import send_tick
    from rater.kafka.settings import Settings
    from rater.wire.events import ClockTicked

    event = valid(ClockTicked, {"type": "clock-ticked/1", "at": at, "operator": True})
    ahead = event.at - datetime.now(UTC)
    if ahead.total_seconds() > AHEAD and not force:
        months = max(1, round(ahead.days / 30.4))
        raise fail(
            f"{at} is {ahead.days} days ahead: each subscribed account would owe the fees of about {months} month(s) at"
            " once, months would close, and calls made until then would be late or too old",
            "nothing was written; if that is what you want, say --force",
        )
    settings = Settings()
    places = asyncio.run(send_tick(settings, event))
    if as_json:
        typer.echo(json.dumps({"at": at, "offsets": {str(p): offset for p, offset in sorted(places.items())}}))
        return
    typer.echo(f"the tick is in all {len(places)} partitions of {settings.topic('calls')}")


AHEAD = 300
"""Seconds that a tick may be ahead of this machine's clock without --force."""
