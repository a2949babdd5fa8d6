"""Keeps workers running, as a supervisor would: one that ends is started again, whatever it ended of."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.workers import Rater, Worker

REFUSED = 78
EVERY = 0.1


class Keeper:
    """So many workers, kept alive by a thread of its own until `stop`."""

    def __init__(self, rater: Rater, workers: int) -> None:
        self._rater = rater
        self._lock = threading.Lock()
        self._done = threading.Event()
        self.workers: list[Worker] = []
        self.ended: Counter[int] = Counter()
        """Exit status -> how many workers ended so."""
        self.refused: list[str] = []
        """What a worker said that found it unsafe to start: that is a failure, for nothing here makes it so."""
        self._forgiven: str | None = None
        for _ in range(workers):
            self.join()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def join(self) -> Worker:
        """One more worker."""
        with self._lock:
            worker = self._rater.worker(ready=False)
            self.workers.append(worker)
            return worker

    def leave(self, pick: float) -> Worker:
        """One worker less: it is asked to end, and not started again."""
        with self._lock:
            worker = self._picked(pick)
            self.workers.remove(worker)
        worker.terminate()
        return worker

    def pick(self, pick: float) -> Worker:
        """One of the workers, by a number from 0 to 1."""
        with self._lock:
            return self._picked(pick)

    def leave_alone(self) -> None:
        """Start nobody any more."""
        self._done.set()
        self._thread.join()

    @contextmanager
    def forgiving(self, words: str) -> Iterator[None]:
        """Within the block a worker may find it unsafe to start, and say so with these words."""
        self._forgiven = words
        try:
            yield
        finally:
            self._forgiven = None

    def from_(self, pick: float) -> list[Worker]:
        """All the workers, beginning with one by a number from 0 to 1."""
        with self._lock:
            place = self.workers.index(self._picked(pick))
            return self.workers[place:] + self.workers[:place]

    def stop(self) -> list[int]:
        """Ask all to end; gives their exit statuses."""
        self.leave_alone()
        for worker in self.workers:
            worker.terminate()
        return [worker.wait() for worker in self.workers]

    def _picked(self, pick: float) -> Worker:
        return self.workers[int(pick * len(self.workers)) % len(self.workers)]

    def _keep(self) -> None:
        while not self._done.wait(EVERY):
            with self._lock:
                for place, worker in enumerate(self.workers):
                    if not worker.alive():
                        self._note(worker)
                        self.workers[place] = self._rater.worker(ready=False)

    def _note(self, worker: Worker) -> None:
        status = worker.wait()
        self.ended[status] += 1
        said = worker.text()[-2000:]
        if status == REFUSED and (self._forgiven is None or self._forgiven not in said):
            self.refused.append(said)
