"""The house rules that a machine can check: who depends on whom, what is never committed, what the README promises."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import parses

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "rater"

_RULES = {"rating"}
_WIRE = {"wire"} | _RULES
_KAFKA = {"kafka", "seam"} | _WIRE
_PROCESSOR = {"processor", "seam"} | _WIRE
_READ_MODEL = {"readmodel"} | _KAFKA
_TOOLS = {"tools", "intake", "switches"} | _PROCESSOR | _KAFKA
MAY_USE = {
    "rating": _RULES,
    "wire": _WIRE,
    "seam": {"seam"},
    "kafka": _KAFKA,
    "processor": _PROCESSOR,
    "engine": {"engine", "kafka", "seam"},
    "switches": {"switches", "seam"} | _WIRE,
    "intake": {"intake", "switches"} | _PROCESSOR,
    "app": {"app", "engine", "intake", "switches"} | _PROCESSOR | _KAFKA,
    "readmodel": _READ_MODEL,
    "console": {"console", "app"} | _READ_MODEL,
    "tools": _TOOLS,
    "audit": {"audit"} | _TOOLS,
    "notify": {"notify"} | _READ_MODEL,
    "door": {"door", "app", "console", "readmodel"} | _TOOLS,
    "cli": {"cli", "app", "engine", "audit", "console", "door", "notify"} | _READ_MODEL | _TOOLS,
}
"""Dependencies point one way: rating <- wire <- processor; seam below processor and engine; app joins the two."""

LONGEST = {"rater": 300, "benchmarks": 300, "tests": 400}
"""Lines of a file of ours that is still seen whole; tests are read one at a time."""

TOO_LONG: set[str] = set()
"""Files that are longer and wait to be split; none may join them."""


def committed(suffix: str = "") -> list[Path]:
    """The files that git tracks, or would if they were added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in listed if name.endswith(suffix) and (ROOT / name).is_file()]


def imports(source: str) -> Iterator[str]:
    """The modules that a source names in its imports, wherever they stand."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            # It would hide where it goes; no room of ours writes imports so.
            yield "rater.relative"
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "rater")


def strangers(room: str, source: str) -> set[str]:
    """The rooms that a source of `room` uses and may not."""
    used = {name.split(".")[1] for name in imports(source) if name.startswith("rater.")}
    return {other for other in used if other in MAY_USE or other == "relative"} - MAY_USE[room]


@pytest.mark.parametrize(
    "room", [path.name for path in sorted(PACKAGE.iterdir()) if path.is_dir() and path.name in MAY_USE]
)
def test_dependencies_point_one_way(room: str) -> None:
    """No room uses one that it must not know of."""
    for path in (PACKAGE / room).rglob("*.py"):
        assert strangers(room, path.read_text()) == set(), path


def test_a_wrong_dependency_would_be_seen() -> None:
    """The check can fail: the engine must not know of calls, nor the rules of messages."""
    assert strangers("engine", "from rater.rating.book import Plan") == {"rating"}
    assert strangers("rating", "def f():\n    from rater.wire import events") == {"wire"}
    assert strangers("engine", "from rater import rating") == {"rating"}
    assert strangers("processor", "import rater.kafka.reader") == {"kafka"}
    assert strangers("rating", "from ..wire import events") == {"relative"}


def test_every_room_is_known() -> None:
    """A new room gets its place in the order of dependencies."""
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and not path.name.startswith("__")}
    assert rooms <= set(MAY_USE)


def test_the_rules_are_pure() -> None:
    """The rules use the standard library and themselves: no I/O, no clock, no Kafka, no pydantic."""
    forbidden = {"asyncio", "io", "os", "pathlib", "random", "socket", "subprocess", "sys", "time"}
    for path in (PACKAGE / "rating").rglob("*.py"):
        roots = {name.split(".")[0] for name in imports(path.read_text())} - {"rater"}
        assert roots <= set(sys.stdlib_module_names), path
        assert not roots & forbidden, path
        assert "datetime.now" not in path.read_text(), path


def test_nothing_private_is_committed() -> None:
    """No path of a machine, and no registry's host, in any text of ours."""
    private = re.compile(
        "|".join(
            [
                "/wo" + "rk/",
                "/ro" + "ot/",
                "/tm" + "p/bash",
                r"py" + r"pi\.org",
                "pythonhos" + "ted",
                r"repo\d*\.ma" + "ven",
            ]
        )
    )
    for path in committed():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        assert not private.search(text), path


def test_files_are_small() -> None:
    """A file is seen whole."""
    longer = {
        str(path.relative_to(ROOT))
        for folder, longest in LONGEST.items()
        for path in (ROOT / folder).rglob("*.py")
        if len(path.read_text().splitlines()) > longest
    }
    assert longer == TOO_LONG


def readme_blocks() -> list[tuple[str, list[str]]]:
    """The README's fenced blocks: language and lines."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    return [(language, text.splitlines()) for language, text in blocks]


def shell_lines() -> list[str]:
    """The lines of the README's shell blocks, and of any other block if they begin with a command of ours, bare."""
    lines = []
    for language, block in readme_blocks():
        said = [line.split("#")[0].strip().removeprefix("$ ") for line in block]
        shell = language in {"sh", "bash", "shell"}
        lines += [line for line in said if line and (shell or line.startswith(("rater ", "make ")))]
    return lines


@pytest.mark.parametrize("line", sorted(set(shell_lines())))
def test_every_command_of_the_readme_is_real(line: str) -> None:
    """Verbs, options and make targets that the README names exist."""
    name, *words = shlex.split(line)
    if name == "rater":
        assert parses(words)
    elif name == "make":
        assert f"\n{words[0]}:" in (ROOT / "Makefile").read_text()
    elif name == "docker":
        assert words[:2] == ["compose", "up"]
        assert (ROOT / "docker-compose.yml").exists()
    else:
        assert name == "export"
        assert words[0].startswith("RATER_")


def test_the_readme_begins_with_its_two_commands() -> None:
    """The first block is what a newcomer types."""
    assert shell_lines()[:2] == ["make demo", "make test"]


def test_what_is_read_from_the_package_is_in_it() -> None:
    """Templates and books are installed with the code that reads them."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["rater"]
    kinds = {path.suffix for path in committed() if path.is_relative_to(PACKAGE)} - {".py", ".typed"}
    assert kinds == {f".{pattern.rpartition('.')[2]}" for pattern in patterns if pattern != "py.typed"}


def error_classes() -> dict[str, str]:
    """Our public exceptions, by name: the class that each is one of."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
                if bases and bases[0] in {"Exception", "RaterError", "Refused"}:
                    found[node.name] = bases[0]
    return found


def test_errors_are_one_tree() -> None:
    """Each of ours is a RaterError, and is drawn where that is."""
    classes = error_classes()
    assert {name for name, base in classes.items() if base == "Exception"} == {"RaterError"}
    drawn = (PACKAGE / "seam" / "errors.py").read_text().split("```")[1]
    assert set(re.findall(r"\b([A-Z]\w+) {2,}", drawn)) | {"RaterError"} == set(classes)
