"""One name, one meaning: a public class or type that stands in two modules is the same thing at both."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "rater"

ONE_THING_TWICE = {
    # the message on the wire, and the value that the rules make of it
    *(
        "Alert",
        "ConnectRate",
        "Direction",
        "Forecast",
        "GuaranteeState",
        "Instant",
        "Money",
        "PeriodName",
        "PlanName",
        "Price",
    ),
    *("Rejected", "Source", "Units"),
    # the same type alias or option where it is used, so that one room need not know another
    *("AccountEvent", "AsJson", "CallsOf", "Header", "Progress", "Tariffs"),
}
"""The same thing at two places."""


def names() -> dict[str, list[str]]:
    """Public classes and type aliases, and the modules that define them."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for name in defined(path.read_text()):
            found[name].append(str(path.relative_to(PACKAGE)))
    return found


def defined(source: str) -> Iterator[str]:
    """The public classes and type aliases of a source: names in CamelCase at its top."""
    for node in ast.parse(source).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        made = [target.id for target in targets if isinstance(target, ast.Name)]
        made += [node.name] if isinstance(node, ast.ClassDef) else []
        yield from (name for name in made if name[0].isupper() and not name.isupper() and "_" not in name)


def test_no_name_means_two_things() -> None:
    """And one that has a single place again leaves the list."""
    twice = {name for name, places in names().items() if len(places) > 1}
    assert twice == ONE_THING_TWICE


def test_a_second_meaning_would_be_seen() -> None:
    """The check sees classes and aliases, and no constants, functions or private names."""
    source = "class Plan: ...\nRead = int\nKEPT: int = 1\n_Own = int\ndef Made(): ...\nTable: type = int\n"
    assert list(defined(source)) == ["Plan", "Read", "Table"]
