"""What the knowledge base takes and gives."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

MAX_QUERY_CHARS = 500
MAX_SPOKEN_CHARS = 80

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$", max_length=64)]
Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
Decision = Literal["answer", "clarify", "unrecognised"]


class ArticleIn(BaseModel):
    """An article as it is written: the fields of a file in `kb/articles/` and of the import format."""

    model_config = ConfigDict(extra="forbid")

    key: Key
    category: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    question: Question
    extended: list[Question] = Field(max_length=200)
    spoken: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_SPOKEN_CHARS)]
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
    tags: list[Annotated[str, StringConstraints(max_length=40)]] = Field(default_factory=list, max_length=30)
    related: list[Key] = Field(default_factory=list, max_length=20)
    channels: list[str] = Field(default_factory=lambda: ["web", "app", "phone"])
    source: Annotated[str, StringConstraints(max_length=300)] = ""
    valid_from: date | None = None
    valid_to: date | None = None

    @field_validator("extended")
    @classmethod
    def _wordings_differ(cls, extended: list[str]) -> list[str]:
        repeated = {wording for wording in extended if extended.count(wording) > 1}
        if repeated:
            raise ValueError(f"repeated wording: {sorted(repeated)[0]}")
        return extended

    @field_validator("text", mode="before")
    @classmethod
    def _lines_end_alike(cls, text: object) -> object:
        # A browser sends \r\n: without this, the same text from a page and from a file would be two versions.
        return text.replace("\r\n", "\n").replace("\r", "\n") if isinstance(text, str) else text

    @field_validator("spoken")
    @classmethod
    def _can_be_spoken(cls, spoken: str) -> str:
        if "http://" in spoken or "https://" in spoken or "\n" in spoken:
            raise ValueError("a spoken answer has no links and no line breaks")
        return spoken

    @field_validator("valid_to")
    @classmethod
    def _validity_in_order(cls, valid_to: date | None, others: ValidationInfo) -> date | None:
        valid_from = others.data.get("valid_from")
        if valid_from and valid_to and valid_to < valid_from:
            raise ValueError("valid_to lies before valid_from")
        return valid_to

    def is_valid_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


class StoredArticle(ArticleIn):
    """An article in the database, at one version."""

    version: int
    updated_at: datetime
    updated_by: str

    @property
    def wordings(self) -> list[str]:
        """The standard question first, then the extended ones."""
        return [self.question, *self.extended]


class ArticleRef(BaseModel):
    key: str
    question: str


class Answer(BaseModel):
    """An article as a customer's channel needs it."""

    key: str
    version: int
    question: str
    category: str
    text: str
    spoken: str
    tags: list[str]
    related: list[ArticleRef]


class ArticleDetail(Answer):
    extended: list[str]
    channels: list[str]
    source: str
    valid_from: date | None
    valid_to: date | None
    updated_at: datetime
    updated_by: str


class ArticleRow(BaseModel):
    key: str
    question: str
    category: str
    version: int
    valid_from: date | None
    valid_to: date | None
    updated_at: datetime


class ArticleList(BaseModel):
    total: int
    items: list[ArticleRow]


class SearchRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUERY_CHARS)]
    k: int = Field(default=5, ge=1, le=20)
    within: list[str] | None = Field(default=None, max_length=200)
    channel: str = "web"


class Candidate(BaseModel):
    key: str
    question: str
    matched: str  # the wording of the article that is nearest to the customer's
    score: float  # the scorer's support for this article; near 1 when certain, near 0 when not
    version: int


class SearchResult(BaseModel):
    decision: Decision
    confidence: float  # probability that the first candidate is the right article
    candidates: list[Candidate]
    answer: Answer | None
    index: dict[str, Any]
    timings_ms: dict[str, float]
