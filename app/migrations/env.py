"""Alembic's environment: the same engine and the same tables as the product."""

from contextlib import closing
from typing import Any, Literal

from alembic import context
from sqlalchemy.engine import Connection

from app.tables import metadata
from core.database import Database, UtcDateTime


def render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Migrations stand for themselves: they name SQL types, not our classes."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def run(connection: Connection) -> None:
    # Batch mode: SQLite cannot alter a table in place.
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True, render_item=render
    )
    with context.begin_transaction():
        context.run_migrations()


def migrate() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or ""
    with closing(Database(url)) as database, database.engine.connect() as connection:
        run(connection)
        connection.commit()


migrate()
