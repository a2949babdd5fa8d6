"""Who is logged in: a random cookie, of which the database keeps the hash, so that logging out ends it everywhere."""

from __future__ import annotations

import secrets
import time
from hashlib import sha256

from sqlalchemy import delete, insert, select

from rater.readmodel.store import Store
from rater.readmodel.tables import sessions

HOURS = 12
REMEMBERED = 2.0
"""Seconds that a session which was good counts as good: a page asks for twenty files at once."""


class Sessions:
    """The sessions; a rebuilt read model has none, and everybody logs in anew."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._good: dict[str, tuple[float, str]] = {}

    def begin(self, name: str) -> str:
        """A session for who has shown the token of that name; gives the cookie's value."""
        cookie, now = secrets.token_urlsafe(32), clock()
        row = {"session": _hash(cookie), "name": name, "until": now + HOURS * 3600}
        with self._store.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.until < now))
            connection.execute(insert(sessions).values(row))
        return cookie

    def whose(self, cookie: str) -> str | None:
        """The name of the token that began the session; None where there is no such session."""
        if not cookie:
            return None
        session, now = _hash(cookie), time.monotonic()
        at, name = self._good.get(session, (0.0, ""))
        if name and now - at < REMEMBERED:
            return name
        wanted = select(sessions.c.name).where(sessions.c.session == session, sessions.c.until > clock())
        with self._store.read() as connection:
            found = connection.execute(wanted).scalar_one_or_none()
        # A copy: threads ask beside each other, and one may add to it meanwhile.
        self._good = {one: seen for one, seen in list(self._good.items()) if now - seen[0] < REMEMBERED}
        if found is not None:
            self._good[session] = (now, found)
        return found

    def end(self, cookie: str) -> str | None:
        """End a session; gives whose it was."""
        name = self.whose(cookie)
        self._good.pop(_hash(cookie), None)
        if name is not None:
            with self._store.write() as connection:
                connection.execute(delete(sessions).where(sessions.c.session == _hash(cookie)))
        return name


def clock() -> int:
    """Seconds since 1970."""
    return int(time.time())


def _hash(cookie: str) -> str:
    return sha256(cookie.encode()).hexdigest()
