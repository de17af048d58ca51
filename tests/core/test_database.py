"""The two kinds of transactions, and times in UTC."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pytest
import structlog
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, insert, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from core.database import Database, UtcDateTime
from core.settings import Settings

MOMENTS = Table(
    "test_moments", MetaData(), Column("id", Integer, primary_key=True, autoincrement=False), Column("at", UtcDateTime)
)
BEIJING = timezone(timedelta(hours=8))
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=BEIJING)


@pytest.fixture
def database(settings_of_each_database: Settings) -> Iterator[Database]:
    with closing(Database(settings_of_each_database.resolved_database_url)) as database:
        MOMENTS.metadata.create_all(database.engine)
        yield database


def add(session: Session, number: int = 1, at: datetime | None = NOON) -> None:
    session.execute(insert(MOMENTS).values(id=number, at=at))


def ids(database: Database) -> list[int]:
    with database.reading() as session:
        return list(session.scalars(select(MOMENTS.c.id).order_by(MOMENTS.c.id)))


def test_writing_commits_at_the_end_of_the_block(database: Database) -> None:
    with database.writing() as session:
        add(session)
        assert ids(database) == []
    assert ids(database) == [1]


def test_writing_rolls_back_when_the_block_raises(database: Database) -> None:
    def write_and_fail() -> None:
        with database.writing() as session:
            add(session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert ids(database) == []


def test_reading_keeps_nothing(database: Database) -> None:
    with database.reading() as session:
        add(session)
    assert ids(database) == []


async def test_the_event_loop_gets_what_the_work_returns(database: Database) -> None:
    await database.write(add)
    assert await database.read(lambda session: session.scalars(select(MOMENTS.c.id)).all()) == [1]


async def test_work_that_raises_is_rolled_back_and_its_error_reaches_the_caller(database: Database) -> None:
    def add_and_fail(session: Session) -> None:
        add(session)
        raise ZeroDivisionError

    for run in (database.write, database.read):
        with pytest.raises(ZeroDivisionError):
            await run(add_and_fail)
    assert ids(database) == []


async def test_work_leaves_the_event_loop_free_and_keeps_the_callers_context(database: Database) -> None:
    with structlog.contextvars.bound_contextvars(correlation="c1"):
        thread, context = await database.read(
            lambda _session: (threading.current_thread(), structlog.contextvars.get_contextvars())
        )
    assert thread is not threading.current_thread()
    assert context["correlation"] == "c1"


async def test_a_write_whose_caller_is_cancelled_is_written_to_its_end(database: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        begun.set()
        go_on.wait(20)
        add(session)

    writer = asyncio.create_task(database.write(slow))
    await asyncio.to_thread(begun.wait, 20)
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer
    go_on.set()
    await database.write(lambda session: add(session, 2))
    database.close()  # waits for all of them
    assert ids(database) == [1, 2]


async def test_writers_of_one_process_or_two_queue_and_each_sees_what_the_one_before_wrote(
    database: Database, settings_of_each_database: Settings
) -> None:
    await database.write(lambda session: add(session, 0))

    def count_up(session: Session) -> None:
        # PostgreSQL locks the row; SQLite the database, from the transaction's beginning.
        (value,) = session.scalars(select(MOMENTS.c.id).with_for_update())
        session.execute(MOMENTS.update().values(id=value + 1))

    with closing(Database(settings_of_each_database.resolved_database_url)) as other:
        await asyncio.gather(*(writer.write(count_up) for writer in [database, other] * 5))
    assert ids(database) == [10]


def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    with database.writing() as session:
        add(session)
        assert ids(database) == []


def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    with database.writing() as session:
        add(session)
    with database.reading() as session:
        at = session.scalar(select(MOMENTS.c.at))
    assert at == NOON
    assert at is not None
    assert at.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="zone"), database.writing() as session:
        add(session, at=datetime(2026, 3, 2))


def test_no_time_stays_no_time(database: Database) -> None:
    with database.writing() as session:
        add(session, at=None)
    with database.reading() as session:
        assert session.scalar(select(MOMENTS.c.at)) is None


def test_references_are_enforced(database: Database) -> None:
    statement = text("INSERT INTO desk_presence (user_id, state, since) VALUES ('nobody', 'ready', :at)")
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), database.writing() as session:
        session.execute(statement.bindparams(bindparam("at", NOON, UtcDateTime)))


@pytest.mark.unit
@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_postgresql_is_reached_through_psycopg(scheme: str) -> None:
    with closing(Database(f"{scheme}://teller@127.0.0.1:9/teller")) as database:
        assert database.engine.dialect.driver == "psycopg"


@pytest.mark.unit
def test_a_naive_time_of_sqlite_is_utc() -> None:
    assert UtcDateTime().process_result_value(datetime(2026, 3, 2, 4), sqlite.dialect()) == NOON
