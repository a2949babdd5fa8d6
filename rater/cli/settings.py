"""`rater settings`: every setting, its value, where it comes from and what it means; secrets are hidden."""

from __future__ import annotations

import json
import os
from typing import Annotated

import typer
from rich.table import Table

from rater.cli.shown import plain, terminal


def settings(
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show the settings; each is set by its environment variable, or in the file .env."""
    from pydantic import SecretStr

    from rater.kafka.settings import Settings

    now = Settings()
    rows = []
    for name, field in Settings.model_fields.items():
        variable = f"RATER_{name.upper()}"
        value = getattr(now, name)
        shown = "********" if isinstance(value, SecretStr) else "" if value is None else str(value)
        source = "environment" if variable in os.environ else ".env" if name in now.model_fields_set else "default"
        rows.append({"variable": variable, "value": shown, "source": source, "meaning": field.description or ""})
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table()
    for column in ("variable", "value", "source", "meaning"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(plain, row.values()))
    terminal().print(table)
