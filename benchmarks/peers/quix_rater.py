"""The peer on Quix Streams: one process, `app.dataframe` with a stateful `apply`, exactly once.

It runs in an environment of its own (benchmarks/peers/requirements.lock), with nothing of the rater. Settings are
environment variables: BOOTSTRAP, GROUP, CALLS_TOPIC, CHARGES_TOPIC, STATE_DIR, and COMMIT_S, seconds between commits.
"""

from __future__ import annotations

import os
from datetime import datetime
from decimal import Decimal
from typing import Any

from quixstreams import Application

ALLOWANCE = 50
PER_MINUTE = Decimal("0.18")
PER_CALL = Decimal("2.50")
ZERO = Decimal("0.00")


def rate(call: dict[str, Any], state: Any) -> dict[str, Any]:
    """One call in, one charge out; the account's usage of the month is the state, which the library keys by account."""
    started = datetime.fromisoformat(call["started_at"])
    period = f"{started.year:04d}-{started.month:02d}"
    usage = state.get(period) or {"bundled": 0, "spend": "0.00", "seq": 0}
    bundled, spend, seq = usage["bundled"], Decimal(usage["spend"]), usage["seq"] + 1
    billed = in_bundle = over = 0
    amount = ZERO
    if call["disposition"] == "answered":
        talk = datetime.fromisoformat(call["ended_at"]) - datetime.fromisoformat(call["answered_at"])
        ms = (talk.days * 86400 + talk.seconds) * 1000 + talk.microseconds // 1000
        billed = max(1, -(-ms // 60_000))
        in_bundle = min(billed, ALLOWANCE - bundled)
        over = billed - in_bundle
        amount = PER_CALL + PER_MINUTE * over
    spend += amount
    state.set(period, {"bundled": bundled + in_bundle, "spend": str(spend), "seq": seq})
    return {
        "charge_id": "ch-" + call["call_id"],
        "call_id": call["call_id"],
        "account": call["account"],
        "period": period,
        "billed_minutes": billed,
        "bundle_minutes": in_bundle,
        "overage_minutes": over,
        "amount": str(amount),
        "currency": "CNY",
        "spend_to_date": str(spend),
        "seq": seq,
    }


def main() -> None:
    """Rate `calls` into `charges`, forever."""
    env = os.environ
    app = Application(
        broker_address=env["BOOTSTRAP"],
        consumer_group=env["GROUP"],
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=float(env["COMMIT_S"]),
        state_dir=env["STATE_DIR"],
    )
    calls = app.topic(env["CALLS_TOPIC"], key_deserializer="str", value_deserializer="json")
    charges = app.topic(env["CHARGES_TOPIC"], key_serializer="str", value_serializer="json")
    app.dataframe(calls).apply(rate, stateful=True).to_topic(charges)
    app.run()


if __name__ == "__main__":
    main()
