"""Tables and sentences on a terminal: text from outside shows as what it is, and no amount is ever cut.

Words from outside (a reason, a call's id, a plan's name) go through `plain`; only words of ours may be markup.
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text


def visible(text: str) -> str:
    """The text without what a terminal would obey: control characters show as their escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plain(text: str, style: str = "") -> Text:
    """Text from outside for a table or a sentence: no markup, no pictures, no control characters."""
    return Text(visible(text), style=style)


def terminal(*, errors: bool = False) -> Console:
    """Where people read; nothing in what is printed is taken for markup or for a picture unless it says so."""
    return Console(stderr=errors, highlight=False, emoji=False)


def show_table(table: Table, *, console: Console | None = None) -> None:
    """Print a table as wide as its content needs: on a narrow terminal its lines wrap, and nothing is left out."""
    console = console or terminal()
    for column in table.columns:
        column.no_wrap = True
        column.overflow = "fold"
    needed = console.measure(table, options=console.options.update(width=10_000)).maximum
    if table.title is not None:
        needed = max(needed, console.measure(table.title).maximum)
    wide = Console(
        file=console.file,
        width=max(console.width, needed),
        highlight=False,
        emoji=False,
        force_terminal=console.is_terminal,
        color_system=console.color_system if console.is_terminal else None,  # type: ignore[arg-type]
        legacy_windows=False,
        soft_wrap=False,
    )
    wide.print(table, crop=False, no_wrap=True, overflow="ignore")
