"""What the command line does with the knowledge base. Works on the database and the stored index, whether or not the
knowledge process runs; a running process follows the database within a second."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from core.database import Database
from core.settings import Settings
from kb.evaluation import Outcome
from kb.evaluation import evaluate as evaluate_questions
from kb.questions import read_questions
from kb.repository import ArticleRepository
from kb.schemas import SearchRequest
from kb.service import KnowledgeBase
from kb.transfer import SHIPPED_ARTICLES, read_articles, write_articles

Result = TypeVar("Result")
Fields = dict[str, Any]


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.resolved_database_url)
    try:
        yield database
    finally:
        await database.close()


def _with_knowledge(settings: Settings, work: Callable[[KnowledgeBase], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with _database(settings) as database:
            return await work(await KnowledgeBase.open(settings, database))

    return asyncio.run(run())


def import_file(settings: Settings, path: Path, author: str = "import") -> Fields:
    """Store every article of the file, or none. A second import of the same content changes nothing."""
    articles = read_articles(path)

    async def run() -> Fields:
        async with _database(settings) as database, database.writing() as session:
            repository = ArticleRepository(session)
            await repository.lock()
            before = await repository.generation()
            for article in articles:
                await repository.put(article, author)
            changed = len(await repository.changed_since(before))
        return {"read": len(articles), "changed": changed, "unchanged": len(articles) - changed}

    return asyncio.run(run())


def export_file(settings: Settings, path: Path) -> Fields:
    async def run() -> Fields:
        async with _database(settings) as database, database.reading() as session:
            articles = await ArticleRepository(session).all()
        write_articles(articles, path)
        return {"written": len(articles), "path": str(path)}

    return asyncio.run(run())


def search(settings: Settings, text: str, k: int = 5) -> Fields:
    request = SearchRequest(text=text, k=k)

    async def work(knowledge: KnowledgeBase) -> Fields:
        return (await knowledge.search(request)).model_dump(mode="json")

    return _with_knowledge(settings, work)


def evaluate(settings: Settings, path: Path, errors: Path | None = None) -> Fields:
    """Figures over a question file; the failures go to `errors` as JSON lines."""
    questions = read_questions(path)

    async def work(knowledge: KnowledgeBase) -> Fields:
        figures, outcomes = await asyncio.to_thread(evaluate_questions, knowledge.engine, questions)
        if errors:
            await asyncio.to_thread(_write_errors, outcomes, errors)
        return figures

    return _with_knowledge(settings, work)


def _write_errors(outcomes: list[Outcome], path: Path) -> None:
    failed = (json.dumps(outcome.as_error(), ensure_ascii=False) for outcome in outcomes if not outcome.is_right)
    path.write_text("".join(line + "\n" for line in failed), encoding="utf-8")


def rebuild(settings: Settings) -> Fields:
    async def work(knowledge: KnowledgeBase) -> Fields:
        await knowledge.rebuild()
        return knowledge.status()

    return _with_knowledge(settings, work)


def status(settings: Settings) -> Fields:
    async def work(knowledge: KnowledgeBase) -> Fields:
        return knowledge.status()

    return _with_knowledge(settings, work)


def load_and_build(settings: Settings) -> Fields:
    """Set-up: the shipped articles into an empty knowledge base, and the index brought up to the database."""

    async def is_empty() -> bool:
        async with _database(settings) as database, database.reading() as session:
            return await ArticleRepository(session).generation() == 0

    loaded = import_file(settings, SHIPPED_ARTICLES, author="first load")["changed"] if asyncio.run(is_empty()) else 0
    return {"loaded": loaded} | status(settings)
