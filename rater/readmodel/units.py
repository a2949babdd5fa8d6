"""Money in SQL: whole numbers of the currency's smallest unit, exact whatever their size.

With nine decimal places a single debit of the largest amount does not fit 64 bits. PostgreSQL has NUMERIC; SQLite would
turn what is larger into a float, so there a number is text of a fixed length, whose order is that of the numbers, and
three functions of ours add and take away.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Dialect, Numeric, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator, TypeEngine

DIGITS = 38
SHIFT = 10**DIGITS
"""Added to each number in SQLite, so that negative ones stand before positive ones."""


def _text(number: int) -> str:
    return f"{number + SHIFT:0{DIGITS + 1}d}"


def _number(text: str) -> int:
    number: int = int(text) - SHIFT
    return number


class Units(TypeDecorator[int]):
    """A whole number of up to 38 digits."""

    impl = Numeric(DIGITS, 0)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """What the database keeps it as."""
        kind: TypeEngine[Any] = String(DIGITS + 1) if dialect.name == "sqlite" else Numeric(DIGITS, 0)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        """On the way into the database."""
        return _text(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        """On the way out of it."""
        if value is None:
            return None
        return _number(value) if dialect.name == "sqlite" else int(value)


class units_sum(GenericFunction[int]):  # noqa: N801 - as functions of SQL are called
    """The sum of a column of `Units`; None of no rows."""

    type = Units()
    inherit_cache = True


class units_add(GenericFunction[int]):  # noqa: N801
    """The sum of two `Units`."""

    type = Units()
    inherit_cache = True


@compiles(units_sum)
def _sum(element: units_sum, compiler: SQLCompiler, **options: Any) -> str:
    name = "units_sum" if compiler.dialect.name == "sqlite" else "sum"
    return f"{name}({compiler.process(element.clauses, **options)})"


@compiles(units_add)
def _add(element: units_add, compiler: SQLCompiler, **options: Any) -> str:
    one, other = (compiler.process(clause, **options) for clause in element.clauses)
    return f"units_add({one}, {other})" if compiler.dialect.name == "sqlite" else f"({one} + {other})"


class units_less(GenericFunction[int]):  # noqa: N801
    """The difference of two `Units`."""

    type = Units()
    inherit_cache = True


@compiles(units_less)
def _less(element: units_less, compiler: SQLCompiler, **options: Any) -> str:
    one, other = (compiler.process(clause, **options) for clause in element.clauses)
    return f"units_less({one}, {other})" if compiler.dialect.name == "sqlite" else f"({one} - {other})"


class _Sum:
    """The aggregate for SQLite."""

    def __init__(self) -> None:
        self._sum: int | None = None

    def step(self, text: str | None) -> None:
        """Take one row's value."""
        if text is not None:
            self._sum = (self._sum or 0) + _number(text)

    def finalize(self) -> str | None:
        """What they come to."""
        return None if self._sum is None else _text(self._sum)


def set_up(connection: sqlite3.Connection) -> None:
    """Teach a connection of SQLite to add."""
    connection.create_function("units_add", 2, lambda a, b: _text(_number(a) + _number(b)), deterministic=True)
    connection.create_function("units_less", 2, lambda a, b: _text(_number(a) - _number(b)), deterministic=True)
    connection.create_aggregate("units_sum", 1, _Sum)  # type: ignore[arg-type]
