"""Telling: in order within an account, again until it works or is given up, and nothing passed before it is done."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator

import aiohttp
import orjson
import pytest
from aiohttp.test_utils import TestServer
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from rater.kafka.failstop import Refused
from rater.notify import lanes, senders
from rater.notify.lanes import Lanes, ToldPlace, Undelivered, Window
from rater.notify.messages import Notification
from rater.notify.notify_file import TargetWords
from rater.notify.senders import Attempt, Chat, Webhook
from rater.notify.trial import try_out
from tests.notify.receiver import Receiver, application
from tests.support.mutate import plant

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the specification's examples
TP = TopicPartition("alerts", 0)


def message(number: int, account: str = "A") -> Notification:
    return Notification(f"{account}-{number}", "alert.raised", "2026-11-01T00:00:00.000+00:00", account, ALERT)


ALERT = {"kind": "spend-cap-reached", "period": "2026-11", "value": "5", "limit": "5"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(lanes, "LONGEST_PAUSE", 0.01)


@pytest.fixture
async def server() -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver()
    async with TestServer(application(receiver)) as running:
        yield receiver, str(running.make_url("/hook"))


class Tale:
    """What was done, in its order."""

    def __init__(self) -> None:
        self.done: list[tuple[ToldPlace, Undelivered | None]] = []

    def __call__(self, place: ToldPlace, undelivered: Undelivered | None) -> None:
        self.done.append((place, undelivered))


async def all_done(ours: Lanes) -> None:
    async with asyncio.timeout(60):
        while ours.waiting:
            ours.must_work()
            await asyncio.sleep(0.01)


@given(st.lists(st.tuples(st.integers(0, 3), st.permutations(range(3))), max_size=12))
def test_a_position_is_passed_when_all_before_is_done(records: list[tuple[int, list[int]]]) -> None:
    """Whatever the order in which messages are done; records without one are passed at once."""
    window, still = Window(100), []
    for offset, (messages, _) in enumerate(records, start=100):
        window.begin(offset, messages)
        still += [offset] * messages
    assert window.position == min(still, default=100 + len(records))
    for offset in sorted(still, key=lambda one: records[one - 100][1]):
        window.done(offset)
        still.remove(offset)
        assert window.position == min(still, default=100 + len(records))


async def test_signed_as_the_standard_says(server: tuple[Receiver, str]) -> None:
    """Its own library verifies what came; a body that was changed it does not."""
    receiver, address = server
    async with aiohttp.ClientSession() as session:
        assert await Webhook(session, address, SECRET).send(message(1)) == Attempt()
    headers, body = receiver.taken[0]
    Verifier(SECRET).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(body.replace(b"A-1", b"A-2"), headers)
    told = orjson.loads(body)
    assert (told["id"], told["account"], headers["webhook-id"]) == ("A-1", "A", "A-1")
    assert told["text"]


async def test_in_order_whatever_the_receiver_does(server: tuple[Receiver, str]) -> None:
    """It lies: redirects, cuts, garbage, a Retry-After that no number is. Each comes in its account's order."""
    receiver, address = server
    receiver.mode = "lying"
    tale = Tale()
    async with aiohttp.ClientSession() as session:
        ours = Lanes(Webhook(session, address, SECRET), 60, tale)
        for number in range(12):
            for account in "ABC":
                ours.put((TP, number), message(number, account))
        await all_done(ours)
    told: dict[str, list[str]] = defaultdict(list)
    for headers, _ in receiver.taken:
        account = headers["webhook-id"][0]
        if headers["webhook-id"] not in told[account]:
            told[account].append(headers["webhook-id"])
    assert told == {account: [f"{account}-{n}" for n in range(12)] for account in "ABC"}
    assert len(tale.done) == 36
    assert all(undelivered is None for _, undelivered in tale.done)


async def test_an_account_that_skips_would_be_caught(
    server: tuple[Receiver, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake: messages of an account beside each other."""
    monkeypatch.setattr(Lanes, "put", _beside)
    with pytest.raises(AssertionError):
        await test_in_order_whatever_the_receiver_does(server)


def _beside(self: Lanes, place: ToldPlace, notification: Notification) -> None:
    lane = f"{notification.account}{place[1]}"
    self.waiting += 1
    self._waiting[lane] = deque([(place, notification)])
    self._tasks.add(asyncio.create_task(self._run(lane)))


async def test_given_up_after_its_time_and_the_next_is_tried(server: tuple[Receiver, str]) -> None:
    receiver, address = server
    receiver.mode = "failing"
    tale = Tale()
    async with aiohttp.ClientSession() as session:
        ours = Lanes(Webhook(session, address, SECRET), 1.0, tale)
        ours.put((TP, 1), message(1))
        ours.put((TP, 2), message(2))
        await all_done(ours)
    assert [place for place, _ in tale.done] == [(TP, 1), (TP, 2)]
    for _, undelivered in tale.done:
        assert undelivered is not None
        assert undelivered.attempts > 1
        assert undelivered.wrong == "HTTP status 500"


async def test_a_receiver_that_hangs_is_left(server: tuple[Receiver, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "PATIENCE", 0.2)
    receiver, address = server
    receiver.mode = "hanging"
    async with aiohttp.ClientSession() as session:
        attempt = await Webhook(session, address, SECRET).send(message(1))
        assert attempt.wrong == "no answer within 0.2 s"
        gone = await Webhook(session, "http://127.0.0.1:1/", SECRET).send(message(1))
    assert "ClientConnectorError" in (gone.wrong or "")


async def test_a_stuck_account_holds_up_no_other() -> None:
    """The position stays before it; everything else is told."""

    class OneFails:
        async def send(self, notification: Notification) -> Attempt:
            return Attempt("no" if notification.account == "A" else None)

    tale = Tale()
    ours = Lanes(OneFails(), 60, tale)
    for number in range(20):
        ours.put((TP, number), message(number, "A" if number % 10 == 0 else f"B{number}"))
    async with asyncio.timeout(60):
        while len(tale.done) < 18:  # noqa: ASYNC110 - as a follower looks
            await asyncio.sleep(0.01)
    assert ours.waiting == 2
    assert ours.failing in {None, "no"}
    await ours.stop()


async def test_what_a_sender_breaks_of_ends_the_process() -> None:
    class Breaks:
        async def send(self, notification: Notification) -> Attempt:  # noqa: ARG002
            raise ZeroDivisionError

    ours = Lanes(Breaks(), 60, Tale())
    ours.put((TP, 1), message(1))
    await asyncio.sleep(0.01)
    with pytest.raises(ZeroDivisionError):
        ours.must_work()


async def test_pauses_grow_and_retry_after_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "FIRST_PAUSE", 1.0)
    monkeypatch.setattr(lanes, "LONGEST_PAUSE", 8.0)
    monkeypatch.setattr("rater.notify.lanes.random.uniform", lambda _low, high: high)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("rater.notify.lanes.asyncio.sleep", sleep)
    answers = iter([*[Attempt("no")] * 5, Attempt("no", 20.0), Attempt()])

    class Script:
        async def send(self, notification: Notification) -> Attempt:  # noqa: ARG002
            return next(answers)

    assert await Lanes(Script(), 3600, Tale())._tell(message(1)) is None
    assert slept == [1.0, 2.0, 4.0, 8.0, 8.0, 20.0]


@pytest.mark.parametrize(
    ("said", "pause"),
    [("5", 5.0), ("999999999999", senders.LONGEST_PAUSE), ("-1", None), ("soon", None), ("٣", None), (None, None)],
)
def test_only_a_believable_retry_after_counts(said: str | None, pause: float | None) -> None:
    assert senders._pause(said) == pause


async def test_chat_says_it_in_the_language(server: tuple[Receiver, str]) -> None:
    """By apprise, here to a JSON receiver; one that fails is no crash."""
    receiver, address = server
    chat = Chat(address.replace("http://", "json://"), "zh")
    assert await chat.send(message(1)) == Attempt()
    assert "消费上限" in orjson.loads(receiver.taken[0][1])["message"]
    receiver.mode = "failing"
    assert (await chat.send(message(2))).wrong == "it was not taken"
    with pytest.raises(Refused):
        Chat("nonsense", "en")


async def test_a_target_is_tried_out(server: tuple[Receiver, str], monkeypatch: pytest.MonkeyPatch) -> None:
    receiver, address = server
    target = TargetWords(name="a", webhook=address, secret_in="RATER_NOTIFY_A", events=("alerts",))  # noqa: S106
    with pytest.raises(Refused, match="RATER_NOTIFY_A is not set"):
        await try_out(target)
    monkeypatch.setenv("RATER_NOTIFY_A", SECRET)
    assert await try_out(target) is None
    assert receiver.taken[0][0]["webhook-id"].startswith("test:")


async def test_a_redirect_that_is_followed_would_be_caught(
    server: tuple[Receiver, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake: a signed message goes wherever a receiver says."""
    receiver, address = server
    receiver.mode = "redirect"
    plant(monkeypatch, Webhook.send, "allow_redirects=False", "allow_redirects=True")
    async with aiohttp.ClientSession() as session:
        assert (await Webhook(session, address, SECRET).send(message(1))).wrong == "HTTP status 307"
