"""A run of two workers, attacked at one step; and the same for every step that the run has."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import Enum

import pytest
from aiokafka.errors import KafkaError

from tests.seam.fake import Crash, Process
from tests.seam.world import Worker, World, Wrong

HALF = 6
"""Where the first worker leaves the log to the second."""

MOST_WORKERS = 8


class Attack(Enum):
    """What happens at a step."""

    CRASH = "the process ends"
    CRASH_TWICE = "the process ends, and so does the next one, at any of its steps"
    CRASH_LATE_MARKERS = "every leader dies before the step, the process after it; they come back when someone waits"
    CANCEL = "the task is cancelled"
    ERROR = "Kafka answers with an error"
    TIMEOUT = "so much time passes that what is open is aborted"
    LEAVE = "a rebalance takes the partition away, and another owner gets it"
    FREEZE = "the process is frozen, and wakes when another has finished the log"
    FREEZE_TO_START = "the process is frozen, and wakes when another is about to fence it"
    FREEZE_TO_READ = "the process is frozen, and wakes when another has read"


SECOND = 61
"""The next owner is ended within so many steps of its own; prime, so that the sweep meets every one."""

WAKES = {
    Attack.FREEZE_TO_START: "restore: InitProducerId",
    Attack.FREEZE_TO_READ: "restore: reader fetched",
}
"""At which step of the next owner a frozen process goes on."""


@dataclass(eq=False)
class Run:
    """One life of the partition."""

    world: World
    attack: Attack | None = None
    at: int = -1
    """The number of the step that is attacked, of the first two workers' steps."""
    count: int = 0
    victim: Process | None = None
    step: str = ""
    wrong: dict[str, None] = field(default_factory=dict)
    """What the judge said, in order."""
    doomed: bool = False
    heirs_steps: int = 0

    async def hook(self, process: Process, name: str) -> None:
        """What a step does in this run."""
        try:
            self.world.judge_rows()
        except Wrong as error:
            self.wrong[str(error)] = None
        if self.doomed and process is self.victim:
            self._crash(process)
        if self.victim is not None and process is not self.victim:
            self._help(process, name)
        number, self.count = self.count, self.count + 1
        if number == self.at:
            self.victim, self.step = process, name
            self._attack(process, name)

    def _attack(self, process: Process, name: str) -> None:
        match self.attack:
            case Attack.CRASH | Attack.CRASH_TWICE:
                self._crash(process)
            case Attack.CRASH_LATE_MARKERS:
                self.world.kafka.all_away = self.doomed = True
            case Attack.CANCEL:
                process.cancel(name)
            case Attack.TIMEOUT:
                self.world.kafka.advance(self.world.config.transaction_timeout)
            case Attack.LEAVE:
                process.leave()
            case Attack.ERROR:
                raise KafkaError(f"planned for {name}")
            case _:
                process.running.clear()
                process.over.set()

    def _crash(self, process: Process) -> None:
        self.doomed = False
        process.end()
        raise Crash

    def _help(self, process: Process, name: str) -> None:
        """What befalls the next owner while the attacked one is dead or frozen."""
        self.heirs_steps += 1
        if self.attack is Attack.CRASH_TWICE and self.heirs_steps == 1 + 7 * self.at % SECOND:
            self._crash(process)
        if name.endswith("concurrent transactions"):
            self.world.kafka.bring_back()
        if self.attack in WAKES and name == WAKES[self.attack]:
            self._wake()

    def _wake(self) -> None:
        assert self.victim is not None
        if self.victim.alive and not self.victim.running.is_set():
            self.victim.over.clear()
            self.victim.running.set()

    async def go(self) -> Run:
        """Two workers, and as many more as the attack makes needed; then the judge."""
        self.world.fill_log()
        self.world.kafka.hook = self.hook
        workers = [await self.world.live("first", HALF), await self.world.live("second")]
        while not (_well(workers[-1]) and workers[-1].upto is None) and len(workers) < MOST_WORKERS:
            workers.append(await self.world.live(f"heir {len(workers)}"))
        self.world.kafka.bring_back()
        if self.victim is not None and self.victim.alive:
            self._wake()
            await self.victim.over.wait()
            workers.append(await self.world.live("last"))
        try:
            self._judge(workers[-1])
        except Wrong as error:
            self.wrong[str(error)] = None
        await self.world.over()
        return self

    def _judge(self, last: Worker) -> None:
        if not _well(last):
            raise Wrong(f"no worker can go on: {self.world.deaths[-1:]}")
        self.world.judge()


def _well(worker: Worker) -> bool:
    return worker.process.alive and worker.main.done() and worker.main.exception() is None


async def run(attack: Attack | None = None, at: int = -1) -> Run:
    """A run on a Kafka of its own."""
    with pytest.MonkeyPatch.context() as patch:
        world = World()
        world.install(patch)
        async with asyncio.timeout(20):
            return await Run(world, attack, at).go()


async def steps() -> list[str]:
    """The steps of an undisturbed run that are attacked: up to the first commit of the second worker."""
    clean = await run()
    if clean.wrong:
        raise Wrong(*clean.wrong)
    trace = clean.world.kafka.trace
    return [name for _, name in trace[: trace.index(("second", "rate: committed")) + 1]]


async def sweep(attack: Attack) -> list[Run]:
    """The run attacked at each of these steps in turn."""
    return [await run(attack, at) for at in range(len(await steps()))]
