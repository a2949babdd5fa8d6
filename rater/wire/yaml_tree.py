"""YAML as plain values with the place of each: strings stay as they are written (`0.20` is "0.20"), whole numbers are
ints, and what a tariff book has no use for (anchors, aliases, tags, several documents) is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 12

Path = tuple[str | int, ...]
"""Names and list positions from the outside in: ("plans", "hybrid-200", "minutes", "rate")."""

_INT = re.compile(r"^-?(0|[1-9][0-9]{0,17})$")
_NULLS = frozenset({"", "~", "null"})
_TRUTHS = {"true": True, "false": False}
"""As YAML 1.2 has them; yes, no, on and off are words."""


class Mark(NamedTuple):
    """A place in the file, both counted from 1."""

    line: int
    column: int


class Fault(NamedTuple):
    """What is wrong with the file as YAML, and where."""

    mark: Mark
    message: str


@dataclass(frozen=True, slots=True)
class Tree:
    """The file's content, where each value stands, and where its name stands."""

    content: Any
    values: dict[Path, Mark] = field(default_factory=dict)
    names: dict[Path, Mark] = field(default_factory=dict)


class _Refused(Exception):  # noqa: N818 - it never leaves this module: the answer is a Fault
    def __init__(self, mark: Any, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(_mark(mark), message)


def read_tree(data: bytes) -> Tree | Fault:
    """The content of a YAML file, or the first thing wrong with it. No bytes whatever raise."""
    if len(data) > MAX_BYTES:
        return Fault(Mark(1, 1), f"the file has {len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Fault(Mark(line, 1), "the file must be text in UTF-8")
    try:
        _check(text)
        node = yaml.compose(text, yaml.BaseLoader)
        return _tree(node) if node is not None else Fault(Mark(1, 1), "the file is empty")
    except _Refused as refused:
        return refused.fault
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return Fault(_mark(mark) if mark else Mark(1, 1), f"this is not YAML: {error.problem or error.context}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return Fault(Mark(line, 1), "a control character stands here")
    except (yaml.YAMLError, ValueError, RecursionError):
        return Fault(Mark(1, 1), "this is not YAML")


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


def _check(text: str) -> None:
    """Refuse what composing it would follow blindly: aliases that multiply, nesting without end."""
    depth = 0
    for event in yaml.parse(text, yaml.BaseLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused(event.start_mark, "anchors (&) and aliases (*) are not read; write the words out")
        if getattr(event, "tag", None):
            raise _Refused(event.start_mark, "tags (!) are not read; leave it out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _Refused(event.start_mark, f"nested more than {MAX_DEPTH} levels deep")


def _tree(root: yaml.Node) -> Tree:
    tree = Tree({})
    return Tree(_read(root, (), tree), tree.values, tree.names)


def _read(node: yaml.Node, path: Path, tree: Tree) -> Any:
    tree.values[path] = _mark(node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        return tuple(_read(entry, (*path, index), tree) for index, entry in enumerate(node.value))
    if isinstance(node, yaml.MappingNode):
        return _read_mapping(node, path, tree)
    return _scalar(node)


def _read_mapping(node: yaml.MappingNode, path: Path, tree: Tree) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name_node, value_node in node.value:
        if not isinstance(name_node, yaml.ScalarNode):
            raise _Refused(name_node.start_mark, "a name must be a word")
        name = str(name_node.value)
        if name in content:
            first = tree.names[(*path, name)].line
            raise _Refused(name_node.start_mark, f"{name[:64]} stands here twice, first in line {first}")
        tree.names[(*path, name)] = _mark(name_node.start_mark)
        content[name] = _read(value_node, (*path, name), tree)
    return content


def _scalar(node: yaml.Node) -> str | int | bool | None:
    text = str(node.value)
    quoted = isinstance(node, yaml.ScalarNode) and node.style is not None
    if quoted:
        return text
    if text in _NULLS:
        return None
    if text.lower() in _TRUTHS and text in {text.lower(), text.upper(), text.capitalize()}:
        return _TRUTHS[text.lower()]
    return int(text) if _INT.match(text) else text
