"""One run of a step over the mix, in a process of its own; the tree on PYTHONPATH says whose step.

`python benchmarks/step_runner.py FILE` reads pickled (control, calls) and prints microseconds of CPU a call by batch,
the step's and the encoding's of changed rows, and a digest of what came out. It knows earlier versions' names too.
"""

from __future__ import annotations

import gc
import json
import pickle
import sys
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from time import process_time
from typing import Any

BATCH = 1_000

# An editable install would serve the modules that this tree does not have from another tree.
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder).lower()]


def of(*places: str) -> Any:
    """The first `module:name` that there is."""
    for place in places:
        module, name = place.split(":")
        try:
            return getattr(import_module(module), name)
        except ImportError:
            continue
    raise ImportError(places[0])


def main(file: str) -> None:
    """Run, and print JSON."""
    make_step = of("rater.processor.step:make_step", "rater.service.step:make_step")
    replay_of = of("rater.processor.replay:Replay", "rater.service.memory:Replay")
    tables = of("rater.processor.rows:TABLES", "rater.service.rows:TABLES")
    log_record = of("rater.seam.model:LogRecord", "rater.stream.model:LogRecord")
    control, calls = (
        [log_record(*raw) for raw in some]
        for some in pickle.loads(Path(file).read_bytes())  # noqa: S301 - our own file
    )
    encode = {table.name: table.encode for table in tables}
    gc.set_threshold(100_000, 20, 20)  # as the worker does
    replay, digest = replay_of(make_step()), sha256()
    replay.feed(0, control)
    gc.freeze()
    step, encoding = [], []
    for start in range(0, len(calls), BATCH):
        batch = calls[start : start + BATCH]
        began = process_time()
        effects = replay.feed(0, batch)
        done = process_time()
        for table, rows in effects.changes.items():
            for row in rows.values():
                encode[table](row)
        encoding.append((process_time() - done) / len(batch) * 1e6)
        step.append((done - began) / len(batch) * 1e6)
        for output in effects.outputs:
            digest.update(repr((output.topic, output.key, output.value)).encode())
    print(json.dumps({"step": step, "encoding": encoding, "digest": digest.hexdigest()}))


if __name__ == "__main__":
    main(sys.argv[1])
