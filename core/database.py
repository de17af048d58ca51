"""The database: engine, sessions and the base of every model. SQLite by default, PostgreSQL by setting.

A transaction is one function of a session, run in a worker thread: an asynchronous driver would change threads several
times for every statement (decision 0009). Reading and writing transactions are opened apart: on SQLite a writing one
takes the write lock at its start (``BEGIN IMMEDIATE``), so that two of them queue instead of failing half-way.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import JSON, DateTime, Dialect, Engine, MetaData, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

WRITES = "teller_writes"
STORABLE = r"^[^\x00]*$"  # PostgreSQL keeps no NUL character
BUSY_SECONDS = 15  # how long a SQLite writer waits for one of another process
SQLITE_READERS = 4
POSTGRESQL_SESSIONS = 20
POSTGRESQL_CONNECT_SECONDS = 10  # its driver alone would wait two minutes for a machine that is gone

NAMING_CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Result = TypeVar("Result")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time on every database (SQLite itself stores no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON}


class Database:
    """One engine with its reading and its writing transactions.

    The event loop uses `read` and `write`; commands and worker threads use `reading` and `writing`.
    """

    def __init__(self, url: str) -> None:
        self.engine = _make_engine(url)
        self._reading = sessionmaker(self.engine, expire_on_commit=False)
        self._writing = sessionmaker(self.engine.execution_options(**{WRITES: True}), expire_on_commit=False)
        if self.engine.dialect.name == "sqlite":
            # SQLite has one writer at a time; who finds it busy sleeps and asks again. One thread goes on at once.
            self._writers = ThreadPoolExecutor(1, "database-writer")
            self._readers = ThreadPoolExecutor(SQLITE_READERS, "database-reader")
        else:
            self._writers = self._readers = ThreadPoolExecutor(POSTGRESQL_SESSIONS, "database")

    async def read(self, work: Callable[[Session], Result]) -> Result:
        """What `work` reads, in a transaction of its own that keeps no change."""
        return await _in_thread(self._readers, self.reading, work)

    async def write(self, work: Callable[[Session], Result]) -> Result:
        """Run `work` as one transaction: committed when it returns, rolled back when it raises.

        A caller that is cancelled meanwhile does not stop the transaction.
        """
        return await _in_thread(self._writers, self.writing, work)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self._reading() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with self._writing() as session, session.begin():
            yield session

    def close(self) -> None:
        """Waits for what is being written."""
        for threads in (self._writers, self._readers):
            threads.shutdown()
        self.engine.dispose()


async def _in_thread(threads: ThreadPoolExecutor, transaction: Any, work: Callable[[Session], Result]) -> Result:
    def run() -> Result:
        with transaction() as session:
            return work(session)

    # With the caller's context, so that log lines from the thread carry its correlation id.
    return await asyncio.get_running_loop().run_in_executor(threads, copy_context().run, run)


def _make_engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        connecting = {"connect_timeout": POSTGRESQL_CONNECT_SECONDS}
        return create_engine(url, pool_size=POSTGRESQL_SESSIONS, pool_pre_ping=True, connect_args=connecting)
    # Every session here ends its own transaction; the pool need not roll back once more.
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_reset_on_return=None)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver opens no transaction by itself; `begin` below does
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        # Straight to the driver: as a statement of SQLAlchemy's it would cost as much as an insert.
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
