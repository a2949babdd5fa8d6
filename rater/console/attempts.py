"""Wrong tokens, counted by the address that they come from: guessing is slow, and locks out nobody else."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable

TRIES, PER_SECONDS = 10, 60.0
"""Wrong tokens of an address in that time, after which none of it is looked at for a while."""
ADDRESSES = 10_000
"""That are remembered; the one that was wrong longest ago is forgotten first."""
PAUSE = 0.2
"""Seconds that a wrong token takes."""


class WrongTokens:
    """The wrong tokens of the last minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str) -> int:
        """Seconds until a token from there is looked at again; 0 for now."""
        wrong, now = self._wrong.get(address), self._clock()
        while wrong and wrong[0] < now - PER_SECONDS:
            wrong.popleft()
        if not wrong or len(wrong) < TRIES:
            return 0
        return math.ceil(wrong[0] + PER_SECONDS - now) or 1

    async def refused(self, address: str) -> None:
        """Count a wrong token, and take a moment over it."""
        wrong = self._wrong.setdefault(address, deque(maxlen=TRIES))
        wrong.append(self._clock())
        self._wrong.move_to_end(address)
        while len(self._wrong) > ADDRESSES:
            self._wrong.popitem(last=False)
        await asyncio.sleep(PAUSE)


def address_of(client: tuple[str, int] | None) -> str:
    """The address that a request comes from; a proxy's client by X-Forwarded-For, where uvicorn trusts the proxy."""
    return "-" if client is None else client[0]
