"""The intake over files, in memory: the step that its engine runs, on one partition, in the order of the files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import orjson

from rater.intake.rows import TABLES
from rater.intake.step import DUPLICATE, make_intake_step
from rater.seam.model import Head, LogRecord, Output
from rater.seam.rows import PartitionRows
from rater.switches.convert import Conversion, convert
from rater.switches.framing import Framed
from rater.switches.profile import Profile
from rater.switches.raw import Skipped


class InFile(NamedTuple):
    """A record and the file that it stands in."""

    file: str
    number: int
    """Of the record in its file, from 1."""
    framed: Framed


class Refusal(NamedTuple):
    """A record that no call was made of."""

    file: str
    number: int
    reason: str
    detail: str


class FileIntake:
    """Records of one switch's files in order; what came of each is counted."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._step = make_intake_step(profile, f"switch-{profile.source}", 1)
        self._rows = PartitionRows(TABLES)
        self.head = Head(0, 1)
        self.refused: list[Refusal] = []

    @property
    def outcomes(self) -> dict[str, int]:
        """Outcome -> records."""
        return dict(self.head.outcomes)

    @property
    def ambiguous(self) -> int:
        """Calls with a local time that did not exist, or existed twice."""
        return int((self.head.state or {}).get("ambiguous", 0))

    def calls(self, records: Iterable[InFile]) -> Iterator[bytes]:
        """The calls that the records say, as JSON."""
        for one in records:
            yield from (call for _, call in self.decided((one,)))

    def decided(self, records: Iterable[InFile]) -> Iterator[tuple[InFile, bytes]]:
        """Each record of which a call is made, with the call."""
        for one in records:
            record = LogRecord(self.head.next_offset, 0, None, one.framed.data)
            effects = self._step(self._rows, self.head, 0, (record,))
            self._rows.apply(effects.changes)
            self.head = effects.head
            for output in effects.outputs:
                if output.topic == "calls":
                    yield one, output.value or b""
                else:
                    self._refuse(one, output)

    def became(self, one: InFile) -> Conversion:
        """What the next record is: a call, or why it is none; one that came before is a duplicate."""
        before = self.head.outcomes.get(DUPLICATE, 0)
        for _ in self.decided((one,)):
            pass
        again = self.head.outcomes.get(DUPLICATE, 0) > before
        return Skipped("duplicate") if again else convert(self._profile, one.framed.data)

    def _refuse(self, one: InFile, output: Output) -> None:
        body = orjson.loads(output.value or b"{}")
        self.refused.append(Refusal(one.file, one.number, body["reason"], body["detail"]))
