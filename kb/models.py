"""Tables of the knowledge base: the articles in force, every version there ever was, and the order of changes."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class Article(Base):
    __tablename__ = "kb_articles"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int]
    category: Mapped[str] = mapped_column(String(100), index=True)
    question: Mapped[str] = mapped_column(String(200))
    extended: Mapped[list[Any]]
    spoken: Mapped[str] = mapped_column(String(80))
    text: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[Any]]
    related: Mapped[list[Any]]
    channels: Mapped[list[Any]]
    source: Mapped[str] = mapped_column(String(300))
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(64))


class ArticleVersion(Base):
    """What an article said at each version; a given answer can be shown as it was."""

    __tablename__ = "kb_article_versions"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    author: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class ArticleChange(Base):
    """The log that the search index follows: its generation is the number of the last change that it contains."""

    __tablename__ = "kb_changes"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    deleted: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime]
