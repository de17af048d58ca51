"""The two kinds of transactions, and times in UTC."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError, StatementError

from core.database import Database, UtcDateTime
from core.settings import Settings

MOMENTS = Table(
    "test_moments", MetaData(), Column("id", Integer, primary_key=True, autoincrement=False), Column("at", UtcDateTime)
)
BEIJING = timezone(timedelta(hours=8))
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=BEIJING)


@pytest.fixture
async def database(settings_of_each_database: Settings) -> AsyncIterator[Database]:
    database = Database(settings_of_each_database.resolved_database_url)
    async with database.engine.begin() as connection:
        await connection.run_sync(MOMENTS.metadata.create_all)
    yield database
    await database.close()


async def ids(database: Database) -> list[int]:
    async with database.reading() as session:
        return list(await session.scalars(select(MOMENTS.c.id).order_by(MOMENTS.c.id)))


async def test_writing_commits_at_the_end_of_the_block(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(insert(MOMENTS).values(id=1, at=NOON))
        assert await ids(database) == []
    assert await ids(database) == [1]


async def test_writing_rolls_back_when_the_block_raises(database: Database) -> None:
    async def write_and_fail() -> None:
        async with database.writing() as session:
            await session.execute(insert(MOMENTS).values(id=1, at=NOON))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    assert await ids(database) == []


async def test_reading_keeps_nothing(database: Database) -> None:
    async with database.reading() as session:
        await session.execute(insert(MOMENTS).values(id=1, at=NOON))
    assert await ids(database) == []


async def test_writers_queue_and_each_sees_what_the_one_before_wrote(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(insert(MOMENTS).values(id=0, at=NOON))

    async def count_up() -> None:
        async with database.writing() as session:
            # PostgreSQL locks the row; SQLite the database, from the transaction's beginning.
            (value,) = await session.scalars(select(MOMENTS.c.id).with_for_update())
            await asyncio.sleep(0)
            await session.execute(MOMENTS.update().values(id=value + 1))

    await asyncio.gather(*(count_up() for _ in range(10)))
    assert await ids(database) == [10]


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(insert(MOMENTS).values(id=1, at=NOON))
        async with asyncio.timeout(10):
            assert await ids(database) == []


async def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(insert(MOMENTS).values(id=1, at=NOON))
    async with database.reading() as session:
        at = await session.scalar(select(MOMENTS.c.at))
    assert at == NOON
    assert at is not None
    assert at.tzinfo is UTC


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="zone"):
        async with database.writing() as session:
            await session.execute(insert(MOMENTS).values(id=1, at=datetime(2026, 3, 2)))


async def test_no_time_stays_no_time(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(insert(MOMENTS).values(id=1, at=None))
    async with database.reading() as session:
        assert await session.scalar(select(MOMENTS.c.at)) is None


async def test_references_are_enforced(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.writing() as session:
            await session.execute(
                text("INSERT INTO desk_presence (user_id, state, since) VALUES ('nobody', 'ready', :at)").bindparams(
                    at=None
                )
            )


@pytest.mark.unit
def test_a_naive_time_of_sqlite_is_utc() -> None:
    assert UtcDateTime().process_result_value(datetime(2026, 3, 2, 4), sqlite.dialect()) == NOON
