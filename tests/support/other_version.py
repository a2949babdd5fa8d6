"""Run the rater of another checkout: `python -m tests.support.other_version FOLDER worker` is `rater worker` there."""

from __future__ import annotations

import runpy
import sys


def main() -> None:
    """Put the folder before what is installed here for development, and become its `rater`."""
    folder, *words = sys.argv[1:]
    sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder).lower()]
    sys.path.insert(0, folder)
    sys.argv = ["rater", *words]
    runpy.run_module("rater", run_name="__main__")


if __name__ == "__main__":
    main()
