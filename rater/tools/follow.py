"""A file that grows and is rotated, read on as it does: nothing lost that could be read, and nothing twice.

What is known of a file is its content (`rater.tools.positions`), so a rotation is survived however it is done: when the
file under the name is another one, or shorter than what was read of it, the rest of what was there before is looked for
in the files beside it whose names begin with its own, and read first. What is nowhere is told as possibly lost.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from rater.tools.import_topic import TopicImport
from rater.tools.positions import HashedLines, Position

logger = logging.getLogger(__name__)

LOOK_EVERY = 0.25
"""Seconds between two looks at a file."""
SETTLES_IN = 2.0
"""Seconds in which a switch writes on to a file after it was renamed: then what is in it is all."""
TAIL = 1024
"""Bytes before the position that must still be there."""

Unpack = Callable[[Path], AbstractContextManager[BinaryIO]]


async def follow(files: Sequence[FollowedFile], stopped: asyncio.Event) -> None:
    """Read all of them on until `stopped` is set; what is complete in them then has been written."""
    while True:
        ending = stopped.is_set()
        for one in files:
            await one.look()
        if ending:
            break
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), LOOK_EVERY)
    for one in files:
        one.close()


@dataclass(slots=True)
class _Open:
    """What stands under the name."""

    file: BinaryIO
    lines: HashedLines
    at: Position
    size: int
    """Bytes when it was looked at last."""
    tail: bytes
    """The last bytes before the position."""
    renamed: float | None = None
    """When another file was seen under the name first, on the loop's clock."""

    def is_cut(self) -> bool:
        """Whether it is shorter than what was read of it, or has another content."""
        if self.file.seek(0, 2) < self.at.end:
            return True
        self.file.seek(self.at.end - len(self.tail))
        return self.file.read(len(self.tail)) != self.tail

    def is_at(self, path: Path) -> bool:
        """Whether it stands under that name."""
        try:
            there, here = path.stat(), os.fstat(self.file.fileno())
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


@dataclass(slots=True)
class FollowedFile:
    """One file under its name."""

    path: Path
    importing: TopicImport
    unpack: Unpack
    """How a file beside it is opened, which may be packed by now."""
    lost: list[str] = field(default_factory=list)
    """What may have been lost, a sentence each."""
    _now: _Open | None = None

    async def look(self) -> None:
        """Take in what is new."""
        if self._now is None:
            await self._open(finished=False)
        elif self._now.is_cut():
            await self._after_a_cut(self._now)
        if (now := self._now) is None:
            return
        now.size = now.file.seek(0, 2)
        await self._take(now, final=False)
        if not now.is_at(self.path):
            await self._after_a_rename(now)

    async def _take(self, now: _Open, *, final: bool) -> None:
        before = now.at.end
        now.at = await self.importing.take(now.at, now.lines, final=final)
        if now.at.end > before:
            length = min(TAIL, now.at.end)
            now.file.seek(now.at.end - length)
            now.tail = now.file.read(length)

    async def _after_a_rename(self, now: _Open) -> None:
        """Read the open file to its end, when nobody writes to it any more; then what stands under the name now."""
        clock = asyncio.get_running_loop().time()
        now.renamed = clock if now.renamed is None else now.renamed
        if clock - now.renamed < SETTLES_IN:
            return
        await self._take(now, final=True)
        self.close()
        await self._open(finished=True)

    async def _after_a_cut(self, now: _Open) -> None:
        self.close()
        if not await self._from_beside(now.at.key):
            seen = now.size - now.at.end
            unread = f"{seen:,} bytes that had been seen, and " if seen > 0 else ""
            self._tell(f"{self.path} was cut short after byte {now.at.end:,}: {unread}what came since may be lost")
        await self._open(finished=True)

    async def _open(self, *, finished: bool) -> None:
        """Open what stands under the name; first the rest of what stood there before, unless that is `finished`."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        at = self.importing.place_in(str(self.path), file)
        before = None if finished or at.end else self._last_read()
        if before is not None and not await self._from_beside(before):
            self._tell(f"{self.path} is not what was read before, nor is a file beside it: what came since may be lost")
        length = min(TAIL, at.end)
        file.seek(at.end - length)
        self._now = _Open(file, HashedLines(file, at.end), at, at.end, file.read(length))

    def _last_read(self) -> str | None:
        """The key of the content that was read last under this name."""
        keys = [one.key for one in self.importing.positions.values() if one.path == str(self.path)]
        return keys[-1] if keys else None

    async def _from_beside(self, key: str) -> bool:
        """Import the rest of the content with this key from a file beside, and what is in the files after that one.

        Whether the content was found.
        """
        beside = [one for one in self.path.parent.glob(f"{self.path.name}*") if one != self.path and one.is_file()]
        known = False
        for one in sorted(beside, key=lambda one: one.stat().st_mtime_ns):
            with self.unpack(one) as file:
                at = self.importing.place_in(str(one), file)
                known = known or at.key == key
                if known:
                    at = await self.importing.take(at, HashedLines(file, at.end), final=True)
                    logger.info("%s: read up to byte %d", one, at.end)
        return known

    def close(self) -> None:
        """Let go of the file; the next look opens it anew."""
        if self._now is not None:
            self._now.file.close()
        self._now = None

    def _tell(self, what: str) -> None:
        self.lost.append(what)
        logger.warning("%s", what)
