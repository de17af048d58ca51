"""The articles with their wordings and vectors at one generation. Never changed: an update gives the next corpus."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kb.embedding.encoder import Encoder
from kb.index import VectorIndex
from kb.schemas import StoredArticle
from kb.text import normalise

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Wording:
    key: str
    text: str


@dataclass(frozen=True)
class Vectors:
    """Vectors by text; each text is encoded once."""

    encoder: Encoder
    known: dict[str, Floats]

    def of(self, texts: Sequence[str]) -> Floats:
        """float32 [len(texts), dimension]"""
        for text in texts:
            if text not in self.known:
                self.known[text] = self.encoder.encode([text])[0]
        return np.array([self.known[text] for text in texts], np.float32).reshape(len(texts), self.encoder.dimension)


@dataclass(frozen=True)
class Corpus:
    generation: int  # the last change of the database that is in here
    articles: dict[str, StoredArticle]
    wordings: dict[int, Wording]  # by id in the vector index
    exact: dict[str, str]  # normalised wording -> article key
    index: VectorIndex
    next_id: int

    @classmethod
    def build(cls, articles: Sequence[StoredArticle], generation: int, vectors: Vectors) -> "Corpus":
        empty = cls(0, {}, {}, {}, VectorIndex(vectors.encoder.dimension), 0)
        return empty.changed(articles, (), generation, vectors)

    def changed(
        self, changed: Sequence[StoredArticle], gone: Iterable[str], generation: int, vectors: Vectors
    ) -> "Corpus":
        """The corpus with new versions in and removed articles out."""
        touched = set(gone) | {article.key for article in changed}
        removed = [i for i, wording in self.wordings.items() if wording.key in touched]
        wordings = wordings_of(changed)
        ids = range(self.next_id, self.next_id + len(wordings))
        matrix = vectors.of([wording.text for wording in wordings])
        articles = {key: article for key, article in self.articles.items() if key not in touched}
        articles |= {article.key: article for article in changed}
        kept = {i: wording for i, wording in self.wordings.items() if wording.key not in touched}
        return Corpus(
            generation=generation,
            articles=articles,
            wordings=kept | dict(zip(ids, wordings, strict=True)),
            exact=_exact_wordings(articles.values()),
            index=self.index.updated(removed, ids, matrix),
            next_id=self.next_id + len(wordings),
        )

    def without(self, ids: Sequence[int]) -> "Corpus":
        """The corpus as if it had never known these wordings, for judging questions like them."""
        gone = set(ids)
        kept = {i: wording for i, wording in self.wordings.items() if i not in gone}
        nothing = np.empty((0, self.index.dimension), np.float32)
        return replace(self, wordings=kept, exact={}, index=self.index.updated(ids, (), nothing))

    def vectors_by_text(self) -> dict[str, Floats]:
        ids = list(self.wordings)
        return {self.wordings[i].text: vector for i, vector in zip(ids, self.index.vectors(ids), strict=True)}


def wordings_of(articles: Iterable[StoredArticle]) -> list[Wording]:
    return [Wording(article.key, text) for article in articles for text in article.wordings]


def _exact_wordings(articles: Iterable[StoredArticle]) -> dict[str, str]:
    """A wording that two articles share decides nothing and is left out."""
    owners: dict[str, str | None] = {}
    for article in articles:
        for wording in article.wordings:
            text = normalise(wording)
            owners[text] = article.key if owners.get(text, article.key) == article.key else None
    return {text: key for text, key in owners.items() if key and text}
