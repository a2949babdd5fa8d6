"""A run: a cluster of three brokers, workers that are kept alive, a switch that keeps producing, and the plan."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.faults.faults import ACCOUNTS, CORRECTED, DO, PARTITIONS, Scene
from tests.faults.keeper import Keeper
from tests.faults.plan import Fault
from tests.faults.progress import Progress
from tests.faults.proxy import Proxy
from tests.faults.verdict import Verdict, judge
from tests.support.broker import cluster
from tests.support.rated import address, charges_of, records_in_log, so_far, topic
from tests.support.workers import GaveUp, Rater

WORKERS = 3
RATED_WITHIN = 180.0
"""Seconds that the workers have for what is left when everything is mended."""


class Done(NamedTuple):
    """A fault that was done."""

    at: float
    """Seconds since the run began."""
    fault: Fault
    whom: str
    stood: float
    """The longest time without progress of some partition, until the next fault."""


class Result(NamedTuple):
    """A whole run."""

    done: list[Done]
    verdict: Verdict
    ended: dict[int, int]
    """Exit status of workers -> how many ended so."""


Say = Callable[[str], None]


def run(plan: Sequence[Fault], calls: int, rate: float, folder: Path, say: Say, planted: str | None = None) -> Result:
    """Do the plan while calls are rated, mend everything, wait until all is rated, and judge.

    `planted` is a bug that the workers have.
    """
    with ExitStack() as stack:
        made = stack.enter_context(cluster(3, detours=True))
        proxies = [
            stack.enter_context(Proxy(said, port))
            for port, said in (node.detour for node in made.nodes if node.detour is not None)
        ]
        rater = _rater(proxies, folder)
        stack.callback(rater.clean_up)
        if planted is not None:
            rater.program = ("tests.faults.planted", planted)
        direct = Rater({**rater.settings, "bootstrap_servers": made.address}, folder)
        stack.callback(direct.clean_up)
        direct.run("topics", "create")
        direct.run("tariffs", "publish")
        keeper = Keeper(rater, WORKERS)
        stack.callback(keeper.leave_alone)  # first of all, or it would start anew what is cleaned up
        progress = Progress(made.address, topic(direct, "charges"), PARTITIONS)
        stack.callback(progress.stop)
        scene = Scene(made, direct, keeper, proxies, calls)
        with _switch(direct, calls, rate, say) as switched:
            done = _do(plan, scene, progress, say)
            say("all is mended; the switch goes on to its end")
            switched()
        _until_rated(direct, keeper, say)
        statuses = keeper.stop()
        if keeper.refused:
            raise GaveUp(f"a worker found it unsafe to start:\n{keeper.refused[0]}")
        say(f"workers end with {statuses}")
        last = rater.worker(tick_interval=0)  # the workers' last ticks may lie in the log, rated by nobody
        _until_rated(direct, keeper, say)
        last.terminate()
        last.wait()
        verdict = judge(direct, asyncio.run(charges_of(direct)), calls)
        idle = [] if planted else [*scene.without_effect, *_did_nothing(plan, verdict.audit["outcomes"])]
        return Result(done, verdict._replace(wrong=[*verdict.wrong, *idle]), dict(keeper.ended))


def _did_nothing(plan: Sequence[Fault], outcomes: Mapping[str, int]) -> list[str]:
    """Faults that cannot have struck: a run in which they do nothing proves nothing."""
    corrected = any(fault.kind == "corrections" for fault in plan)
    few = corrected and outcomes.get("voided", 0) < CORRECTED // 2
    return ["calls were to be taken back, and few were"] if few else []


def _rater(proxies: Sequence[Proxy], folder: Path) -> Rater:
    return Rater(
        {
            "bootstrap_servers": ",".join(f"127.0.0.1:{proxy.port}" for proxy in proxies),
            "topic_prefix": "faults-",
            "partitions": str(PARTITIONS),
            "replication": "3",
            "session_timeout": "6",
            "tick_interval": "2",
        },
        folder,
    )


def _do(plan: Sequence[Fault], scene: Scene, progress: Progress, say: Say) -> list[Done]:
    began = time.monotonic()
    moments: list[tuple[float, Fault, str]] = []
    for fault in plan:
        time.sleep(fault.pause)
        at = time.monotonic()
        whom = DO[fault.kind](scene, fault)
        say(f"{at - began:7.1f} s  {fault.kind:17} {whom}{f', {fault.lasts:g} s' if fault.lasts else ''}")
        moments.append((at, fault, whom))
    ends = [at for at, *_ in moments[1:]] + [time.monotonic()]
    return [
        Done(at - began, fault, whom, progress.longest(at, end))
        for (at, fault, whom), end in zip(moments, ends, strict=True)
    ]


@contextmanager
def _switch(rater: Rater, calls: int, rate: float, say: Say) -> Iterator[Callable[[], None]]:
    """A switch that keeps producing; where it fails it begins again, and what it repeats must come out as duplicates.

    Gives what waits for its end.
    """
    over = threading.Event()
    words = ["simulate", "--calls", calls, "--accounts", ACCOUNTS]

    def produce() -> None:
        again = False
        while not over.is_set():
            try:
                rater.run(*words, *([] if again else ["--rate", rate]), timeout=None)
                over.set()
            except AssertionError as error:
                say(f"the switch failed and begins again: {str(error)[-200:]}")
                again = True

    thread = threading.Thread(target=produce, name="switch", daemon=True)
    thread.start()
    try:
        yield thread.join
    finally:
        over.set()


def _until_rated(rater: Rater, keeper: Keeper, say: Say) -> None:
    """Wait until every record has its outcome; ticks go on being written, so the end moves."""
    deadline = time.monotonic() + RATED_WITHIN
    while True:
        records = asyncio.run(records_in_log(rater))
        rated = asyncio.run(so_far(rater)).total()
        say(f"{rated:,} of {records:,} records have their outcome")
        if rated >= records:
            return
        if time.monotonic() > deadline:
            raise GaveUp(f"{records - rated} records of {address(rater)} were not rated; workers ended {keeper.ended}")
        time.sleep(2)
