"""The articles with their wordings and vectors at one generation. Never changed: an update gives the next corpus."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kb.embedding.encoder import Encoder
from kb.index import VectorIndex
from kb.schemas import StoredArticle
from kb.text import normalise

Floats = NDArray[np.float32]
Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Lesson:
    """What the scorer is taught: a text, and the articles that it asks for."""

    text: str
    keys: frozenset[str]  # several for an ambiguous question, none for one that no article answers


@dataclass(frozen=True)
class Wording:
    key: str
    text: str

    @property
    def lesson(self) -> Lesson:
        return Lesson(self.text, frozenset({self.key}))


@dataclass(frozen=True)
class Vectors:
    """Vectors by text; each text is encoded once."""

    encoder: Encoder
    known: dict[str, Floats]

    def of(self, texts: Sequence[str]) -> Floats:
        """float32 [len(texts), dimension]"""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            self.known.update(zip(new, self.encoder.encode(new), strict=True))
        return np.array([self.known[text] for text in texts], np.float32).reshape(len(texts), self.encoder.dimension)


@dataclass(frozen=True)
class Corpus:
    generation: int  # the last change of the database that is in here
    articles: dict[str, StoredArticle]
    wordings: dict[int, Wording]  # by id in the vector index
    ids: dict[str, Sequence[int]]  # of each article's wordings
    owners: dict[str, frozenset[str]]  # normalised wording -> the articles that have it
    index: VectorIndex
    next_id: int

    @classmethod
    def build(cls, articles: Sequence[StoredArticle], generation: int, vectors: Vectors) -> "Corpus":
        empty = cls(0, {}, {}, {}, {}, VectorIndex(vectors.encoder.dimension), 0)
        return empty.changed(articles, (), generation, vectors)

    def changed(
        self, changed: Sequence[StoredArticle], gone: Iterable[str], generation: int, vectors: Vectors
    ) -> "Corpus":
        """The corpus with new versions in and removed articles out."""
        touched = set(gone) | {article.key for article in changed}
        removed = [i for key in touched for i in self.ids.get(key, ())]
        added = wordings_of(changed)
        numbered = dict(enumerate(added, self.next_id))
        matrix = vectors.of([wording.text for wording in added])
        return Corpus(
            generation=generation,
            articles=_without(self.articles, touched) | {article.key: article for article in changed},
            wordings=_without(self.wordings, removed) | numbered,
            ids=_without(self.ids, touched) | _ids_by_article(numbered),
            owners=_owners(self.owners, [self.wordings[i] for i in removed], added),
            index=self.index.updated(removed, list(numbered), matrix),
            next_id=self.next_id + len(added),
        )

    def exact(self, text: str) -> str | None:
        """The article that has this very wording. One that two articles share decides nothing."""
        owners = self.owners.get(normalise(text), frozenset())
        return next(iter(owners)) if len(owners) == 1 else None

    def without(self, ids: Sequence[int]) -> "Corpus":
        """The corpus as if it had never known these wordings, for judging questions like them."""
        nothing = np.empty((0, self.index.dimension), np.float32)
        return replace(
            self, wordings=_without(self.wordings, ids), owners={}, index=self.index.updated(ids, (), nothing)
        )

    def vectors_by_text(self) -> dict[str, Floats]:
        ids = list(self.wordings)
        return {self.wordings[i].text: vector for i, vector in zip(ids, self.index.vectors(ids), strict=True)}


def wordings_of(articles: Iterable[StoredArticle]) -> list[Wording]:
    return [Wording(article.key, text) for article in articles for text in article.wordings]


def _without(entries: dict[Key, Value], gone: Iterable[Key]) -> dict[Key, Value]:
    left = entries.copy()
    for key in gone:
        left.pop(key, None)
    return left


def _ids_by_article(wordings: dict[int, Wording]) -> dict[str, Sequence[int]]:
    ids: dict[str, list[int]] = {}
    for i, wording in wordings.items():
        ids.setdefault(wording.key, []).append(i)
    return dict(ids)


def _owners(
    before: dict[str, frozenset[str]], removed: Iterable[Wording], added: Iterable[Wording]
) -> dict[str, frozenset[str]]:
    owners = before.copy()
    for wording in removed:
        text = normalise(wording.text)
        owners[text] = owners.get(text, frozenset()) - {wording.key}
        if not owners[text]:
            del owners[text]
    for wording in added:
        text = normalise(wording.text)
        if text:
            owners[text] = owners.get(text, frozenset()) | {wording.key}
    return owners
