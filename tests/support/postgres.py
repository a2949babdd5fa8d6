"""A PostgreSQL of the tests' own, in a folder of its own, on a socket that nobody else reaches."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.workers import until

USER = "postgres"


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server until the block ends; gives its URL. Raises `AssertionError` with what to install."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = folders[-1] if folders else Path(shutil.which("postgres") or "").parent
    assert (found / "initdb").exists(), "the read model is tested on PostgreSQL too: apt-get install postgresql"
    with tempfile.TemporaryDirectory(prefix="rater-pg-", dir="/tmp") as name:
        folder = Path(name)
        as_user = []
        if os.geteuid() == 0:  # it refuses to be root
            shutil.chown(folder, USER)
            as_user = ["runuser", "-u", USER, "--"]
        data = folder / "data"
        make = [*as_user, str(found / "initdb"), "-D", str(data), "-A", "trust", "-U", USER, "-E", "UTF8", "--no-sync"]
        subprocess.run(make, check=True, capture_output=True, cwd="/")
        server = [*as_user, str(found / "postgres"), "-D", str(data), "-k", str(folder), "-h", "", "-F"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(server, stdout=log, stderr=log, cwd="/")
        try:
            until((folder / ".s.PGSQL.5432").exists, "PostgreSQL is up", 30)
            yield f"postgresql://{USER}@/{USER}?host={folder}"
        finally:
            process.terminate()
            process.wait(30)
