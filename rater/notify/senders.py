"""Ways to somebody: signed webhooks (Standard Webhooks), and whatever apprise knows: chat and mail."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import aiohttp

from rater.kafka.failstop import Refused
from rater.notify.messages import Notification
from rater.notify.notify_file import TargetWords
from rater.readmodel.texts import Language

PATIENCE = 15.0
"""Seconds that a receiver may take."""
LONGEST_PAUSE = 3600
"""Seconds that a receiver may ask for by Retry-After."""
EXTRA = "rater notify needs standardwebhooks and apprise: pip install 'rater[notify]'"


class Attempt(NamedTuple):
    """How an attempt to tell somebody went."""

    wrong: str | None = None
    """What went wrong; None where it was taken."""
    pause: float | None = None
    """Seconds that the receiver asks to wait."""


class Sender(Protocol):
    """A way to one target."""

    async def send(self, notification: Notification) -> Attempt:
        """Tell it once; nothing that a receiver does raises."""
        ...


class Webhook:
    """POST of JSON with the headers of Standard Webhooks. A 2xx is an answer; redirects are not followed."""

    def __init__(self, session: aiohttp.ClientSession, address: str, secret: str) -> None:
        try:
            from standardwebhooks.webhooks import Webhook as Signer  # noqa: PLC0415 - of an optional extra
        except ImportError as error:
            raise Refused(EXTRA) from error
        self._session, self._address, self._signer = session, address, Signer(secret)

    async def send(self, notification: Notification) -> Attempt:
        """Sign it and post it."""
        body, now = notification.body(), datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": notification.ident,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(notification.ident, now, body.decode()),
            "user-agent": "rater",
        }
        try:
            async with (
                asyncio.timeout(PATIENCE),
                self._session.post(self._address, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                if 200 <= answer.status < 300:
                    return Attempt()  # what it says beside is not read: a body may have no end
                return Attempt(f"HTTP status {answer.status}", _pause(answer.headers.get("retry-after")))
        except TimeoutError:
            return Attempt(f"no answer within {PATIENCE:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Attempt(f"{type(error).__name__}: {error}"[:500])


def _pause(said: str | None) -> float | None:
    """Retry-After in seconds, as long as it is believable; dates are not looked at."""
    return min(float(said), LONGEST_PAUSE) if said is not None and said.isascii() and said.isdigit() else None


class Chat:
    """A sentence in the target's language, by apprise."""

    def __init__(self, address: str, language: Language) -> None:
        try:
            from apprise import Apprise  # noqa: PLC0415 - of an optional extra
        except ImportError as error:
            raise Refused(EXTRA) from error
        self._apprise, self._language = Apprise(), language
        if not self._apprise.add(address):
            raise Refused("that is no address that apprise knows; see its documentation for wecombot://, feishu:// ...")

    async def send(self, notification: Notification) -> Attempt:
        """Send the sentence; apprise tells only whether it worked."""
        try:
            async with asyncio.timeout(2 * PATIENCE):
                done = await self._apprise.async_notify(title="rater", body=notification.text(self._language))
        except TimeoutError:
            return Attempt(f"no answer within {2 * PATIENCE:g} s")
        except Exception as error:  # noqa: BLE001 - any of a hundred plug-ins may raise anything
            return Attempt(f"{type(error).__name__}: {error}"[:500])
        return Attempt() if done else Attempt("it was not taken")


@asynccontextmanager
async def sender_of(target: TargetWords) -> AsyncIterator[Sender]:
    """The way to a target. Raises `Refused` where its secret or address is not in the environment."""
    if target.webhook is None:
        yield Chat(_variable(target, target.apprise_in), target.language)
        return
    secret = _variable(target, target.secret_in)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        try:
            made = Webhook(session, target.webhook, secret)
        except ValueError as error:
            raise Refused(f"target {target.name}: the secret is no Standard Webhooks secret (whsec_...)") from error
        yield made


def _variable(target: TargetWords, name: str | None) -> str:
    found = os.environ.get(name or "")
    if not found:
        raise Refused(f"target {target.name}: {name} is not set in the environment")
    return found
