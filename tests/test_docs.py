"""The documentation: what is cited is there, commands are real, no link is dead, what is generated is fresh."""

from __future__ import annotations

import ast
import logging
import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

from rater.readmodel.reason_texts import CHINESE, reason_text
from rater.switches.convert import Converted, convert
from rater.switches.formats import FORMATS, Format
from rater.switches.profile import FieldLook
from rater.switches.raw import NotACall
from rater.wire.reasons import REASONS, as_markdown
from tests.support.command import parses
from tests.switches.profiles import made

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    (*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "ops").glob("*.md"), *(ROOT / "benchmarks").glob("*.md"))
)
CITATION = re.compile(r'\b([a-z_A-Z-]+\.md)((?:,\s+(?:"[^"]+"|part \d|law of conservation))*)')
README_LINES = 150
FORBIDDEN = {"told", "found", "words", "said"}
"""Names that had many meanings; none may be public again."""


def sources() -> list[Path]:
    return [path for folder in ("rater", "tests", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]


def citations(text: str) -> Iterator[tuple[str, list[str]]]:
    """Pages that a source names, with the sections that it names of them."""
    for page, sections in CITATION.findall(" ".join(text.split())):
        yield (
            page,
            re.findall(r'"([^"]+)"|(part \d|law of conservation)', sections)
            and [quoted or other for quoted, other in re.findall(r'"([^"]+)"|(part \d|law of conservation)', sections)],
        )


def missing(text: str) -> list[str]:
    """What a text cites and is not there."""
    lost = []
    for name, sections in citations(text):
        pages = [page for page in PAGES if page.name == name]
        if not pages:
            lost.append(name)
            continue
        there = pages[0].read_text().lower()
        headings = set(re.findall(r"^#+ (.+)$", there, re.MULTILINE))
        flowing = " ".join(there.split())
        lost += [
            f'{name}, "{section}"'
            for section in sections
            if not any(heading.startswith(section.lower()) for heading in headings)
            and f"**{section.lower()}**" not in flowing
        ]
    return lost


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_source_cites_is_there(path: Path) -> None:
    """The page, and the section of it."""
    if path != Path(__file__):
        assert missing(path.read_text()) == []


def test_a_page_or_section_that_is_not_there_would_be_seen() -> None:
    """The check can fail."""
    assert missing("as rating.md says") == []
    assert missing("(nowhere.md)") == ["nowhere.md"]
    assert missing('(rating.md, "Fees", "Moon phases")') == ['rating.md, "Moon phases"']


def test_the_site_builds_without_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No dead link, no anchor that is not there, no page that the navigation leaves out."""
    with caplog.at_level(logging.WARNING, "mkdocs"):
        build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path)))
    assert [record.getMessage() for record in caplog.records if record.name.startswith("mkdocs")] == []
    assert (tmp_path / "rating" / "index.html").exists()


def shell_lines(text: str) -> list[str]:
    """The lines of a page's shell blocks."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "README.md"], ids=lambda page: page.stem)
def test_the_commands_of_a_page_are_real(page: Path) -> None:
    """Verbs, options and make targets exist; the README's are tested with the house."""
    makefile = (ROOT / "Makefile").read_text()
    for line in shell_lines(page.read_text()):
        name, *words = shlex.split(line)
        if name == "rater":
            assert parses(words), line
        elif name == "make":
            assert f"\n{words[0]}:" in makefile, line
        else:
            assert name in {"export", "docker", "kafka-acls.sh", ".venv/bin/pytest", "git", "pre-commit"}, line


def test_the_readme_is_short() -> None:
    """What, why, two commands, figures, and links to the rest."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


def test_the_reasons_are_fresh_and_told_in_both_languages() -> None:
    """`make schemas` writes the page."""
    assert (DOCS / "reasons.md").read_text() == as_markdown()
    assert set(CHINESE) == set(REASONS)
    assert reason_text("late", "zh").what_to_do != reason_text("late").what_to_do != ""
    assert reason_text("of-a-later-version").meaning == ""


def public_names(path: Path) -> Iterator[str]:
    """Modules, classes, functions and methods that are not private, nor within a function."""
    yield path.stem
    tree = ast.parse(path.read_text())
    for node in (*tree.body, *(sub for cls in tree.body if isinstance(cls, ast.ClassDef) for sub in cls.body)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def test_no_public_name_has_many_meanings() -> None:
    """The glossary has one meaning for each word of ours."""
    used = {
        (str(path.relative_to(ROOT)), name)
        for path in sorted((ROOT / "rater").rglob("*.py"))
        for name in public_names(path)
        if name.lower() in FORBIDDEN
    }
    assert used == set()


def test_the_glossary_is_sorted_and_says_each_term_once() -> None:
    terms = re.findall(r"^\| ([a-z][a-z -]*?) \|", (DOCS / "glossary.md").read_text(), re.MULTILINE)[1:]
    assert terms == sorted(set(terms))
    assert len(terms) > 40


@pytest.mark.parametrize("page", [page for page in PAGES if DOCS not in page.parents], ids=lambda page: page.stem)
def test_the_links_of_a_page_outside_the_site_go_somewhere(page: Path) -> None:
    """README and its sisters: relative links name files that are there."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_example_of_a_switch_format_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code of the page reads the line that it is for, through the conversion that everything uses."""
    page = (DOCS / "how-to" / "switch.md").read_text()
    module = ModuleType("my_switch")
    exec(textwrap.dedent(page.split("```python\n")[1].split("```")[0]), module.__dict__)  # noqa: S102 - our own page
    monkeypatch.setitem(FORMATS, "json", Format(module.read, "csv"))
    profile = made("json", fields=dict.fromkeys(("id", "caller", "callee", "start", "end", "answer"), "x"))
    profile = replace(profile, accounts=(FieldLook("account", None, None),))
    start, end = "2026-11-03 09:00:00", "2026-11-03 09:01:00"
    lines = (f"1|A|+8610|+8621|{start}|2026-11-03 09:00:05|{end}", f"2|A|+8610|+8621|{start}||{end}", "1|A")
    found = [convert(profile, line.encode()) for line in lines]
    assert [one.call.disposition for one in found[:2] if isinstance(one, Converted)] == ["answered", "no-answer"]
    assert found[2] == NotACall("wrong-shape", "a line of 2 parts, not 7")
