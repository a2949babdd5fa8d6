"""The read model's database: SQLite in a file, or PostgreSQL by its URL; both through SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, Engine, Table, create_engine, event, func, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

from rater.kafka.failstop import Refused
from rater.rating.money import plain
from rater.readmodel import tables
from rater.readmodel.units import Units, set_up, units_add

MEMORY = "sqlite://"
"""A read model that lives as long as its process."""

SqlRow = Mapping[str, Any]

WRITES = {"rater_writes": True}
"""An option of connections that write."""


class Money(NamedTuple):
    """The log's currency, which never changes, and how an amount is kept: as a whole number of its smallest units."""

    currency: str
    precision: int

    def units(self, amount: str) -> int:
        """An amount as it was written, in units. Raises `Refused` where it has more places than the currency."""
        scaled = Decimal(amount).scaleb(self.precision)
        if scaled != int(scaled):
            raise Refused(f"an amount of {amount} has more than {self.precision} places")
        return int(scaled)

    def amount(self, units: int | None) -> Decimal:
        """Units as an amount with all its places."""
        return Decimal(int(units or 0)).scaleb(-self.precision)

    def plain(self, units: int | None) -> str:
        """Units as people write them: `-0.80`."""
        return plain(self.amount(units))


class TopicMessage(NamedTuple):
    """A record of one of the rater's topics; `timestamp` in ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]


class Store:
    """An open read model. Each `write` is one transaction; `read` sees one moment."""

    def __init__(self, url: str = MEMORY) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise Refused("RATER_DATABASE_URL is no SQLAlchemy URL; for example sqlite:///rater.db") from error
        if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
            raise Refused("RATER_DATABASE_URL must be of sqlite or postgresql")
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.engine = _engine(parsed.render_as_string(hide_password=False), in_memory=parsed.database in {None, ""})

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    def open(self, prefix: str, *, rebuild: bool = False) -> None:
        """Make the tables if they are not there. `prefix` names the system whose topics these are.

        Raises `Refused` where the database has tables of another format or of another system.
        """
        with self.write() as connection:
            if rebuild:
                tables.metadata.drop_all(connection)
            if not inspect(connection).has_table("facts"):
                tables.metadata.create_all(connection)
                put_facts(connection, {"format": str(tables.FORMAT), "prefix": prefix})
            facts = get_facts(connection)
        mend = "build it anew with: rater project --rebuild"
        if facts.get("format") != str(tables.FORMAT):
            raise Refused(f"the read model has the format {facts.get('format')}, not {tables.FORMAT}; {mend}")
        if facts.get("prefix") != prefix:
            raise Refused(f"the read model is of the topics {facts.get('prefix')}*, not {prefix}*; {mend}")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: all of it or nothing."""
        with self.engine.connect().execution_options(**WRITES) as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one moment of the database."""
        with self.engine.connect() as connection:
            yield connection


def _engine(url: str, *, in_memory: bool) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, isolation_level="REPEATABLE READ")
    if in_memory:
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # pysqlite's own idea of transactions would begin them too late
    set_up(connection)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("rater_writes")
    # One that begins as a reader and then writes is refused where another wrote meanwhile; one that says so waits.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def upsert(connection: Connection, table: Table, rows: Sequence[SqlRow], adding: Sequence[str] = ()) -> None:
    """Put rows in place of those with the same key; the columns `adding` are added to what is there."""
    if not rows:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    put = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    columns = [name for name in rows[0] if name not in keys]
    new = put.excluded
    changes = {name: _added(table.c[name], new[name]) if name in adding else new[name] for name in columns}
    connection.execute(put.on_conflict_do_update(index_elements=keys, set_=changes), list(rows))


def _added(there: Column[Any], more: ColumnElement[Any]) -> ColumnElement[Any]:
    return units_add(there, more) if isinstance(there.type, Units) else there + more


def add_new(connection: Connection, table: Table, rows: Sequence[SqlRow]) -> None:
    """Put rows that are not there yet; those with a known key stay as they are."""
    if rows:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), list(rows))


def get_facts(connection: Connection) -> dict[str, str]:
    """What is known of the whole read model."""
    return {row.name: row.value for row in connection.execute(select(tables.facts))}


def put_facts(connection: Connection, facts: Mapping[str, str]) -> None:
    """Say something of the whole read model."""
    upsert(connection, tables.facts, [{"name": name, "value": value} for name, value in facts.items()])


def get_money(connection: Connection) -> Money | None:
    """The log's currency; None before the first charge."""
    facts = get_facts(connection)
    return Money(facts["currency"], int(facts["precision"])) if "currency" in facts else None


def count(connection: Connection, table: Table) -> int:
    """How many rows a table has."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
