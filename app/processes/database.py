"""The database's migrations, as `up` and `doctor` see them."""

from contextlib import closing
from pathlib import Path
from typing import Any

from app.setup.places import PROJECT
from core.settings import Settings

MIGRATIONS = PROJECT / "app" / "migrations"


def alembic_configuration(settings: Settings) -> Any:
    """Alembic's configuration for `settings`' database."""
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    configuration.set_main_option("sqlalchemy.url", settings.resolved_database_url.replace("%", "%%"))
    return configuration


def database_file(settings: Settings) -> Path | None:
    """The file of an SQLite database; None for a server's."""
    from sqlalchemy import make_url

    url = make_url(settings.resolved_database_url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def database_revision(settings: Settings) -> str | None:
    """The revision of the database's tables; None when there are none yet. Raises when it cannot be reached."""
    from alembic.migration import MigrationContext

    from core.database import Database

    with closing(Database(settings.resolved_database_url)) as database, database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision(settings: Settings) -> str | None:
    """The newest revision that this version of Teller knows."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(alembic_configuration(settings)).get_current_head()
