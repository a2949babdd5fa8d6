"""A Master.csv that grows and is rotated in every way, followed by an import that is killed."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.kafka.test_intake import EXAMPLES
from tests.support.reading import read
from tests.support.workers import Rater, Worker, until

PROFILE = EXAMPLES / "asterisk-csv" / "profile.yaml"


class Switch:
    """Writes lines to a Master.csv, each with a number of its own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "Master.csv"
        self.written = 0

    def write(self, count: int, *, newline: bool = True) -> None:
        with self.file.open("a") as file:
            for _ in range(count):
                self.written += 1
                clid = '"""A\nB"" <100>"' if self.written % 7 == 0 else '"A"'  # a line feed within quotes
                file.write(
                    f'"acme","100","200","from-internal",{clid},"SIP/100-{self.written:08d}","","Dial","",'
                    '"2026-11-02 08:00:00","2026-11-02 08:00:05","2026-11-02 08:01:00",60,55,"ANSWERED",'
                    f'"DOCUMENTATION","17.{self.written}",""'
                )
                file.write("\n" if newline else "")

    def end_line(self) -> None:
        with self.file.open("a") as file:
            file.write("\n")


class Following:
    """An import that follows the file, and is killed and started again."""

    def __init__(self, rater: Rater, file: Path) -> None:
        self.rater, self.file, self.log = rater, file, rater.folder / "follow.log"
        self.process = self.start()

    def start(self) -> Worker:
        words = ("--follow", "--profile", str(PROFILE))
        process = Worker(self.rater.environment(), self.log, str(self.file), *words, verb="import")
        self.rater.workers.append(process)
        process.until(lambda: "following" in process.text(), "follows")
        return process

    def again(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Killed with -9; something happens; started again."""
        self.process.kill()
        meanwhile()
        self.process = self.start()


async def test_each_line_is_read_once(ready: Rater) -> None:
    """Renamed, copied and truncated, inode reused, killed five times: every line stands in the topic once."""
    ready.run_here("topics", "create", "--switch", "ast-1")
    switch = Switch(ready.folder)
    switch.write(30)
    following = Following(ready, switch.file)
    await _until_read(ready, 30)

    switch.write(20)
    switch.write(1, newline=False)  # half a line waits for its end
    following.again(switch.end_line)
    await _until_read(ready, 51)

    # renamed; the switch goes on writing to the old file for a moment
    rotated = switch.file.with_name("Master.csv.1")
    switch.file.rename(rotated)
    with rotated.open("a") as old:
        old.write("")
    switch.write(10)
    await _until_read(ready, 61)

    # copied and truncated while the import is dead, with lines that it had not read
    def copy_and_truncate() -> None:
        switch.write(15)
        shutil.copy(switch.file, switch.file.with_name("Master.csv.2"))
        switch.file.write_bytes(b"")
        switch.write(5)

    following.again(copy_and_truncate)
    await _until_read(ready, 81)

    # renamed while it is dead, twice: one file in between was never seen
    def rotate_twice() -> None:
        switch.write(4)
        switch.file.rename(switch.file.with_name("Master.csv.3"))
        time.sleep(0.02)
        switch.write(6)
        switch.file.rename(switch.file.with_name("Master.csv.4"))
        time.sleep(0.02)
        switch.write(3)

    following.again(rotate_twice)
    await _until_read(ready, 94)

    # removed and written anew: on most file systems the inode is used again at once
    following.again()
    switch.file.unlink()
    switch.write(8)
    await _until_read(ready, 102)

    following.again()
    switch.write(1)
    await _until_read(ready, 103)
    assert following.process.stop() == 0, following.process.text()


async def test_what_a_truncation_may_have_lost_is_told(ready: Rater) -> None:
    """Lines that were there when nobody read, and are nowhere now."""
    ready.run_here("topics", "create", "--switch", "ast-1")
    switch = Switch(ready.folder)
    switch.write(10)
    following = Following(ready, switch.file)
    await _until_read(ready, 10)
    following.process.freeze()
    switch.write(5)
    switch.file.write_bytes(b"")
    switch.written -= 5  # these are lost
    following.process.wake()
    until(lambda: "was cut short after byte" in following.process.text(), "the loss is told")
    switch.written += 5
    switch.write(2)
    await _until_read(ready, 12, lost=5)
    assert following.process.stop() == 1
    assert "may be lost" in following.process.text()


async def _until_read(rater: Rater, count: int, *, lost: int = 0) -> None:
    """So many lines, each once, and each whole."""
    import asyncio  # noqa: PLC0415

    for _ in range(300):
        found = await _lines(rater)
        if found.total() >= count:
            break
        rater.must_live()
        await asyncio.sleep(0.1)
    assert set(found.values()) == {1}
    first = {f"17.{n}" for n in range(1, count + lost + 1)}
    assert first >= set(found)
    assert len(found) == count


async def _lines(rater: Rater) -> Counter[str]:
    topic = f"{rater.settings['topic_prefix']}switch-ast-1"
    found: Counter[str] = Counter()
    for records in (await read(rater.settings["bootstrap_servers"], topic)).values():
        for record in records:
            assert record.value.startswith(b'"acme"')
            found[record.value.split(b",")[-2].decode().strip('"')] += 1
    return found
