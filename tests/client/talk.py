"""Run by the client's own Python: FOLDER of the generated client, ADDRESS of the door, TOKEN."""

import importlib
import sys
from typing import Any

folder, address, token = sys.argv[1:]
sys.path.insert(0, folder)
client_of = importlib.import_module("doorclient").AuthenticatedClient
models = importlib.import_module("doorclient.models")


def ask(group: str, operation: str, *words: Any, **more: Any) -> Any:
    """An operation's answer."""
    function = importlib.import_module(f"doorclient.api.{group}.{operation}").sync_detailed
    return function(*words, client=client, **more)


client = client_of(base_url=address, token=token).with_headers({"Prefer": "wait=30"})
call = models.CallEnded.from_dict(
    {
        "type": "call-ended/1",
        "account": "acme",
        "source": "own-1",
        "call_id": "c-1",
        "caller": "1",
        "callee": "2",
        "direction": "outbound",
        "disposition": "answered",
        "started_at": "2026-11-02T08:00:00Z",
        "answered_at": "2026-11-02T08:00:05Z",
        "ended_at": "2026-11-02T08:01:00Z",
    }
)
for expected in ("charged", "duplicate"):
    answer = ask("calls", "post_calls", body=call)
    assert (answer.status_code, answer.parsed.outcome) == (200, expected), answer
credit = models.PutAdjustmentBody.from_dict({"amount": "-1.00", "reason": "outage"})
answer = ask("accounts", "put_adjustment", "acme", "a-1", body=credit)
assert (answer.status_code, answer.parsed.outcome, answer.parsed.charges[0].amount) == (200, "applied", "-1.00"), answer
partition, offset = answer.parsed.place.rsplit("/", 2)[1:]
assert ask("records", "get_record", int(partition), int(offset)).parsed.outcome == "applied"
wrong = models.PutAdjustmentBody.from_dict({"amount": "much", "reason": "outage"})
answer = ask("accounts", "put_adjustment", "acme", "a-2", body=wrong)
assert (answer.status_code, "amount" in answer.parsed.detail) == (422, True), answer
