"""Queries on the knowledge base's tables."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.orm import Session

from core.clock import Clock, utc_now
from kb.models import Article, ArticleChange, ArticleVersion
from kb.schemas import ArticleIn, ArticleRow, StoredArticle


class ArticleRepository:
    """One session's view of the articles. Writing methods append to the change log; the caller commits."""

    def __init__(self, session: Session, clock: Clock = utc_now) -> None:
        self.session = session
        self.clock = clock

    def lock(self) -> None:
        """Let no other writer in until the transaction ends; call it before what a write depends on is read.

        Changes are then numbered in the order of their commits, so that who follows the log misses none. On SQLite
        a writing transaction is alone from its start.
        """
        if self.session.get_bind().dialect.name == "postgresql":
            self.session.execute(text("LOCK TABLE kb_changes IN SHARE ROW EXCLUSIVE MODE"))

    def all(self) -> list[StoredArticle]:
        rows = self.session.scalars(select(Article).order_by(Article.key))
        return [_stored(row) for row in rows]

    def count(self) -> int:
        return self.session.scalar(select(func.count()).select_from(Article)) or 0

    def get(self, key: str) -> StoredArticle | None:
        row = self.session.get(Article, key)
        return _stored(row) if row else None

    def at_version(self, key: str, version: int) -> StoredArticle | None:
        row = self.session.get(ArticleVersion, (key, version))
        if row is None:
            return None
        return StoredArticle(**row.content, version=row.version, updated_at=row.at, updated_by=row.author)

    def some(self, keys: Iterable[str]) -> list[StoredArticle]:
        rows = self.session.scalars(select(Article).where(Article.key.in_(list(keys))))
        return [_stored(row) for row in rows]

    def page(self, category: str | None, words: str | None, limit: int, offset: int) -> tuple[int, list[ArticleRow]]:
        query = select(Article)
        if category:
            query = query.where(or_(Article.category == category, Article.category.startswith(category + "/")))
        if words:
            found = [column.contains(words, autoescape=True) for column in (Article.question, Article.key)]
            query = query.where(or_(*found))
        total = self.session.scalar(_count(query)) or 0
        rows = self.session.scalars(query.order_by(Article.key).limit(limit).offset(offset))
        return total, [ArticleRow.model_validate(row, from_attributes=True) for row in rows]

    def generation(self) -> int:
        """The number of the last change."""
        return self.session.scalar(select(func.max(ArticleChange.id))) or 0

    def changed_since(self, generation: int) -> set[str]:
        keys = self.session.scalars(select(ArticleChange.key).where(ArticleChange.id > generation).distinct())
        return set(keys)

    def put(self, article: ArticleIn, author: str) -> StoredArticle:
        """Store as the next version of its key; unchanged content stores nothing new."""
        row = self.session.get(Article, article.key)
        if row and ArticleIn.model_validate(_content(row)) == article:
            return _stored(row)
        now = self.clock()
        version = self._last_version(article.key) + 1
        fields = article.model_dump(include=set(ArticleIn.model_fields))
        self.session.merge(Article(**fields, version=version, updated_at=now, updated_by=author))
        content = article.model_dump(mode="json", include=set(ArticleIn.model_fields))
        self.session.add(ArticleVersion(key=article.key, version=version, content=content, author=author, at=now))
        self.session.add(ArticleChange(key=article.key, version=version, deleted=False, at=now))
        self.session.flush()
        return StoredArticle(**fields, version=version, updated_at=now, updated_by=author)

    def delete(self, key: str) -> bool:
        row = self.session.get(Article, key)
        if row is None:
            return False
        self.session.delete(row)
        self.session.add(ArticleChange(key=key, version=row.version, deleted=True, at=self.clock()))
        return True

    def _last_version(self, key: str) -> int:
        """Versions go on after a deletion: a number never names two texts."""
        query = select(func.max(ArticleVersion.version)).where(ArticleVersion.key == key)
        return self.session.scalar(query) or 0


def _content(row: Article) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ArticleIn.model_fields}


def _stored(row: Article) -> StoredArticle:
    return StoredArticle(**_content(row), version=row.version, updated_at=row.updated_at, updated_by=row.updated_by)


def _count(query: Select[Article]) -> Select[int]:
    return select(func.count()).select_from(query.subquery())
