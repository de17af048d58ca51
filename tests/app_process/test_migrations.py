"""The migrations make exactly the tables that the code works with, on both databases."""

from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from app.processes.database import alembic_configuration, database_revision, newest_revision
from app.tables import metadata
from core.database import Database
from core.settings import Settings

Found = TypeVar("Found")


def look(settings: Settings, how: Callable[[Connection], Found]) -> Found:
    with closing(Database(settings.resolved_database_url)) as database, database.engine.connect() as connection:
        return how(connection)


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


def tables(connection: Connection) -> list[str]:
    return inspect(connection).get_table_names()


def test_the_migrated_tables_are_those_of_the_code(settings_of_each_database: Settings) -> None:
    assert look(settings_of_each_database, differences) == []


def test_a_migrated_database_is_of_the_newest_revision(settings_of_each_database: Settings) -> None:
    assert database_revision(settings_of_each_database) == newest_revision(settings_of_each_database)


def test_every_migration_can_be_taken_back(settings_of_each_database: Settings) -> None:
    command.downgrade(alembic_configuration(settings_of_each_database), "base")
    assert look(settings_of_each_database, tables) == ["alembic_version"]
    command.upgrade(alembic_configuration(settings_of_each_database), "head")
    assert look(settings_of_each_database, differences) == []


@pytest.mark.unit
def test_migrating_twice_changes_nothing(settings: Settings) -> None:
    command.upgrade(alembic_configuration(settings), "head")
    assert look(settings, differences) == []
