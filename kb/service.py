"""The knowledge base as its process runs it: the database is the truth, the search engine follows it."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from core.clock import Clock, utc_now
from core.database import Database
from core.problems import Conflict, NotFound
from core.settings import Settings
from kb.corpus import Corpus, Floats, Vectors
from kb.embedding.encoder import load_encoder
from kb.repository import ArticleRepository
from kb.schemas import ArticleDetail, ArticleIn, ArticleList, ArticleRef, SearchRequest, SearchResult, StoredArticle
from kb.search import NEVER_FITTED, SearchEngine, Snapshot
from kb.store import IndexStore, StoredIndex
from kb.training import build_snapshot, lessons, lessons_beside, refit

log = structlog.get_logger()


class ArticleNotFound(NotFound):
    code = "article_not_found"
    title = "没有这篇知识"


class VersionConflict(Conflict):
    code = "version_conflict"
    title = "这篇知识已被他人修改，请刷新后重试"


class KnowledgeBase:
    """Open it with `KnowledgeBase.open`. One instance a process; methods may run at the same time."""

    def __init__(
        self, database: Database, vectors: Vectors, store: IndexStore, snapshot: Snapshot, clock: Clock
    ) -> None:
        self.database = database
        self.engine = SearchEngine(vectors.encoder, snapshot)
        self._beside = _vectors_beside(snapshot.corpus, vectors)
        self._store = store
        self._clock = clock
        self._following = asyncio.Lock()
        self._refitting = asyncio.Lock()
        self.loaded_at: datetime = clock()

    @classmethod
    async def open(cls, settings: Settings, database: Database, clock: Clock = utc_now) -> "KnowledgeBase":
        """Load the stored index and bring it up to the database; build it when there is none for the current model."""
        encoder = await asyncio.to_thread(load_encoder, settings.embedding_folder, settings.embedding_prefix)
        store = IndexStore(settings.data_dir / "kb")
        articles, generation = await database.read(_everything)
        vectors = Vectors(encoder, {})
        snapshot = await asyncio.to_thread(_restore, store, vectors, articles, generation)
        knowledge = cls(database, vectors, store, snapshot, clock)
        if snapshot.is_stale:
            await knowledge.refit()
        return knowledge

    async def search(self, request: SearchRequest) -> SearchResult:
        return await asyncio.to_thread(self.engine.search, request.text, request.k, request.within, request.channel)

    async def get(self, key: str, version: int | None = None) -> ArticleDetail:
        """The article in force, or as it was at `version`. Raises ArticleNotFound."""

        def look_up(session: Session) -> ArticleDetail:
            articles = ArticleRepository(session)
            article = articles.at_version(key, version) if version else articles.get(key)
            if article is None:
                raise ArticleNotFound(f"{key}, version {version}" if version else key)
            return _detail(article, articles.some(article.related))

        return await self.database.read(look_up)

    async def page(self, category: str | None, text: str | None, limit: int, offset: int) -> ArticleList:
        total, items = await self.database.read(
            lambda session: ArticleRepository(session).page(category, text, limit, offset)
        )
        return ArticleList(total=total, items=items)

    async def put(
        self, articles: Iterable[ArticleIn], author: str, if_version: int | None = None
    ) -> list[StoredArticle]:
        """Store the articles in one transaction and make them searchable before returning.

        Raises VersionConflict when `if_version` is given and the (single) article has another one.
        """

        def store(session: Session) -> list[StoredArticle]:
            repository = ArticleRepository(session, self._clock)
            repository.lock()
            stored = []
            for article in articles:
                present = repository.get(article.key) if if_version is not None else None
                if if_version is not None and (present.version if present else 0) != if_version:
                    raise VersionConflict(article.key)
                stored.append(repository.put(article, author))
            return stored

        stored = await self.database.write(store)
        await self.follow()
        return stored

    async def delete(self, key: str) -> None:
        def remove(session: Session) -> None:
            repository = ArticleRepository(session, self._clock)
            repository.lock()
            if not repository.delete(key):
                raise ArticleNotFound(key)

        await self.database.write(remove)
        await self.follow()

    async def follow(self) -> None:
        """Bring the engine up to the database, whoever wrote there."""
        async with self._following:
            known = self.engine.snapshot.corpus.generation
            news = await self.database.read(lambda session: _changes_since(session, known))
            if news is None:
                return
            generation, keys, changed = news
            gone = keys - {article.key for article in changed}
            await asyncio.to_thread(self.engine.apply, changed, gone, generation)
            log.info("knowledge updated", articles=sorted(keys)[:10], generation=generation)

    async def refit(self) -> None:
        """Fit the scorer on the corpus as it is now and keep the result on disk; searches go on meanwhile."""
        async with self._refitting:
            corpus = self.engine.snapshot.corpus
            await asyncio.to_thread(self._refit, corpus)
            log.info("scorer fitted", generation=corpus.generation, wordings=len(corpus.wordings))

    def _refit(self, corpus: Corpus) -> None:
        vectors = Vectors(self.engine.encoder, corpus.vectors_by_text() | self._beside)
        scorer = refit(corpus, vectors)
        news = self._store.news(vectors.encoder.model_id)  # its decision would be overwritten
        self.engine.adopt(scorer, corpus.generation, news.gate if news else None)
        save(self._store, self.engine.snapshot, vectors)

    async def adopt_news(self) -> None:
        """Take over the scorer and the decision that another process has put in force (`teller kb rebuild`)."""
        if self._refitting.locked():
            return
        async with self._refitting:
            await asyncio.to_thread(self._adopt_news)

    def _adopt_news(self) -> None:
        news = self._store.news(self.engine.encoder.model_id)
        if news:
            fitted_on = _fitted_on(news, self.engine.snapshot.corpus)
            self.engine.adopt(news.scorer, fitted_on, news.gate)
            log.info("index of another process adopted", generation=news.generation)

    async def rebuild(self) -> None:
        """Everything anew from the database: vectors, scorer, calibration."""
        articles, generation = await self.database.read(_everything)
        async with self._refitting:
            vectors = Vectors(self.engine.encoder, {})
            snapshot = await asyncio.to_thread(_build, self._store, vectors, articles, generation)
            async with self._following:  # a change that is being taken in would undo this
                self.engine.snapshot = snapshot
        await self.follow()

    def status(self) -> dict[str, object]:
        snapshot = self.engine.snapshot
        thresholds = {"answer_from": snapshot.gate.answer_from, "clarify_from": snapshot.gate.clarify_from}
        counts = {"articles": len(snapshot.corpus.articles), "questions": len(snapshot.corpus.wordings)}
        return counts | self.engine.describe() | {"thresholds": thresholds, "loaded_at": self.loaded_at.isoformat()}


def _everything(session: Session) -> tuple[list[StoredArticle], int]:
    """The articles in force and their generation."""
    repository = ArticleRepository(session)
    return repository.all(), repository.generation()


def _changes_since(session: Session, known: int) -> tuple[int, set[str], list[StoredArticle]] | None:
    """The present generation, what changed since the `known` one, and what of it is in force; None without a change."""
    repository = ArticleRepository(session)
    generation = repository.generation()
    if generation == known:
        return None
    keys = repository.changed_since(known)
    return generation, keys, repository.some(keys)


def _restore(store: IndexStore, vectors: Vectors, articles: list[StoredArticle], generation: int) -> Snapshot:
    stored = store.load(vectors.encoder.model_id)
    if stored is None:
        return _build(store, vectors, articles, generation)
    vectors.known.update(stored.vectors)
    corpus = Corpus.build(articles, generation, vectors)
    return Snapshot(corpus, stored.scorer, stored.gate, _fitted_on(stored, corpus))


def _fitted_on(stored: StoredIndex, corpus: Corpus) -> int:
    """The corpus' generation when the stored scorer was fitted on it. The number alone does not tell: another database
    counts its changes from 1 as well."""
    is_fitted = stored.generation == corpus.generation and stored.fitted_on == set(lessons(corpus))
    return corpus.generation if is_fitted else NEVER_FITTED


def _build(store: IndexStore, vectors: Vectors, articles: list[StoredArticle], generation: int) -> Snapshot:
    snapshot = build_snapshot(articles, generation, vectors)
    save(store, snapshot, vectors)
    return snapshot


def save(store: IndexStore, snapshot: Snapshot, vectors: Vectors) -> None:
    beside = lessons_beside(snapshot.corpus)
    store.save(snapshot, vectors.encoder.model_id, beside, vectors.of([lesson.text for lesson in beside]))


def _vectors_beside(corpus: Corpus, vectors: Vectors) -> dict[str, Floats]:
    """By text, of what the scorer is taught beside the wordings."""
    texts = [lesson.text for lesson in lessons_beside(corpus)]
    return dict(zip(texts, vectors.of(texts), strict=True))


def _detail(article: StoredArticle, related: list[StoredArticle]) -> ArticleDetail:
    questions = {other.key: other.question for other in related}
    references = [ArticleRef(key=key, question=questions[key]) for key in article.related if key in questions]
    return ArticleDetail(**article.model_dump(exclude={"related"}), related=references)
