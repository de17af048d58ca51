"""What the command line does with the knowledge base. Works on the database and the stored index, whether or not the
knowledge process runs; a running process follows the database within a second."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import closing
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


def _opened(settings: Settings) -> closing[Database]:
    return closing(Database(settings.resolved_database_url))


def _with_knowledge(settings: Settings, work: Callable[[KnowledgeBase], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        with _opened(settings) as database:
            return await work(await KnowledgeBase.open(settings, database))

    return asyncio.run(run())


def import_file(settings: Settings, path: Path, author: str = "import") -> Fields:
    """Store every article of the file, or none. A second import of the same content changes nothing."""
    articles = read_articles(path)
    with _opened(settings) as database, database.writing() as session:
        repository = ArticleRepository(session)
        repository.lock()
        before = repository.generation()
        for article in articles:
            repository.put(article, author)
        changed = len(repository.changed_since(before))
    return {"read": len(articles), "changed": changed, "unchanged": len(articles) - changed}


def export_file(settings: Settings, path: Path) -> Fields:
    with _opened(settings) as database, database.reading() as session:
        articles = ArticleRepository(session).all()
    write_articles(articles, path)
    return {"written": len(articles), "path": str(path)}


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
    with _opened(settings) as database, database.reading() as session:
        is_new = ArticleRepository(session).generation() == 0
    loaded = import_file(settings, SHIPPED_ARTICLES, author="first load")["changed"] if is_new else 0
    return {"loaded": loaded} | status(settings)
