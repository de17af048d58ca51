"""The steps that need the main environment, each a command of its own, so that what it loads is gone when it ends.

python -m app.setup.data unpack | train | migrate | articles
"""

import sys
from contextlib import closing
from pathlib import Path

from app.setup.plan import forget_done
from core.settings import Settings, get_settings


def unpack(settings: Settings) -> None:
    """Unpack the bundled embedding model, unless the settings name another one."""
    from kb.embedding.unpack import unpack as unpack_model

    if settings.embedding_model:
        print(f"the settings name the embedding model {settings.embedding_model}; nothing to unpack")
        return
    unpack_model(Path(settings.embedding_folder))


def train(settings: Settings) -> None:
    """Train the bot's model."""
    from app.processes.bot import train_model

    print(train_model(settings))


def migrate(settings: Settings) -> None:
    """Bring the database's tables up to date; where there are no articles yet, have them loaded after this."""
    from alembic import command

    from app.processes.database import alembic_configuration

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    command.upgrade(alembic_configuration(settings), "head")
    if _has_no_articles(settings):
        forget_done("articles")


def _has_no_articles(settings: Settings) -> bool:
    from core.database import Database
    from kb.repository import ArticleRepository

    with closing(Database(settings.resolved_database_url)) as database, database.reading() as session:
        return ArticleRepository(session).generation() == 0


def articles(settings: Settings) -> None:
    """Load the shipped articles into an empty knowledge base, and build its index where it is out of date."""
    from kb.commands import load_and_build

    print(load_and_build(settings))


COMMANDS = {"unpack": unpack, "train": train, "migrate": migrate, "articles": articles}


def main() -> None:
    from app.processes.bot import BotFailed
    from core.problems import Problem

    try:
        COMMANDS[sys.argv[1]](get_settings())
    except (BotFailed, Problem) as failure:
        raise SystemExit(str(failure)) from None


if __name__ == "__main__":
    main()
