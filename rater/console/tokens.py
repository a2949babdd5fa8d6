"""Who may do what at the door and the console. A token is 256 random bits; only its SHA-256 is kept.

One entry a line, or several with spaces or commas between them: `NAME:SCOPE+SCOPE:SHA256`. Behind it `:2027-01-31`
says the last day (UTC) on which it is good.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Literal, NamedTuple, get_args

from rater.kafka.failstop import Refused
from rater.kafka.settings import Settings

Scope = Literal["calls:write", "accounts:write", "tariffs:write", "rejected:write", "read", "console:read"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
CONSOLE: Scope = "console:read"
"""Of who may look at the console, and read by its API."""
_ENTRY = re.compile(r"([A-Za-z0-9._-]{1,64}):([a-z:+]+):([0-9a-f]{64})(?::(\d{4}-\d{2}-\d{2}))?")


class Caller(NamedTuple):
    """A token's name, which stands in the log behind what it wrote, and its scopes."""

    name: str
    scopes: frozenset[str]
    until: date | None = None
    """The last day (UTC) on which the token is good; None for ever."""

    @property
    def expired(self) -> bool:
        """Whether that day is over."""
        return self.until is not None and datetime.now(UTC).date() > self.until


class Tokens:
    """The tokens that are let in."""

    def __init__(self, callers: Mapping[bytes, Caller]) -> None:
        self._callers = dict(callers)

    def __len__(self) -> int:
        return len(self._callers)

    @classmethod
    def read(cls, text: str) -> Tokens:
        """The tokens in a setting or a file. Raises `Refused`, which says the entry's number and never what it has."""
        found: dict[bytes, Caller] = {}
        lines = (line.partition("#")[0] for line in text.splitlines())
        for number, entry in enumerate(re.split(r"[\s,]+", " ".join(lines).strip()), start=1):
            if not entry:
                continue
            match = _ENTRY.fullmatch(entry)
            scopes = frozenset() if match is None else frozenset(match[2].split("+"))
            if match is None or not scopes <= set(SCOPES):
                known = ", ".join(SCOPES)
                raise Refused(f"token {number}: write NAME:SCOPE+SCOPE:SHA256, as rater door token prints it; {known}")
            found[bytes.fromhex(match[3])] = Caller(match[1], scopes, _day(match[4], number))
        return cls(found)

    def have(self, scope: str) -> bool:
        """Whether some token has the scope."""
        return any(scope in one.scopes for one in self._callers.values())

    def with_console(self, secret: str) -> Tokens:
        """These, and one whose secret itself is a setting: it may look at the console."""
        return Tokens(self._callers | {sha256(secret.encode()).digest(): Caller("console", frozenset({CONSOLE}))})

    def owner(self, token: str) -> Caller | None:
        """Whose token it is, expired or not."""
        # Looked up by its hash: how long that takes says nothing about a token that nobody can guess.
        return self._callers.get(sha256(token.encode()).digest())

    def named(self, name: str, scope: str) -> bool:
        """Whether a token of that name is good now, and has the scope."""
        return any(one.name == name and scope in one.scopes and not one.expired for one in self._callers.values())

    def caller(self, authorization: str) -> Caller | None:
        """Who sends this header: `Bearer TOKEN`, or `Basic` with the token for a password, as switches send it."""
        kind, _, said = authorization.partition(" ")
        if kind.lower() == "basic":
            try:
                said = b64decode(said.strip(), validate=True).decode().partition(":")[2]
            except ValueError:
                return None
        elif kind.lower() != "bearer":
            return None
        return self.owner(said.strip())


def console_token(secret: str) -> Tokens:
    """That one alone."""
    return Tokens({}).with_console(secret)


def tokens_of(settings: Settings) -> Tokens:
    """The named tokens of the settings, and of the file that they name. Raises `Refused` where one is wrong."""
    said = settings.door_tokens.get_secret_value() if settings.door_tokens else ""
    file = settings.door_tokens_file
    return Tokens.read("\n".join([said, "" if file is None else file.read_text()]))


def new_token(name: str, scopes: list[str], until: date | None = None) -> tuple[str, str]:
    """A new token, and the entry that lets it in."""
    token = f"rt_{secrets.token_urlsafe(32)}"
    entry = f"{name}:{'+'.join(scopes)}:{sha256(token.encode()).hexdigest()}"
    return token, entry if until is None else f"{entry}:{until}"


def _day(text: str | None, number: int) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"token {number}: {text} is no day") from error
