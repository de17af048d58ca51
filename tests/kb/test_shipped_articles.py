"""The articles that Teller ships: whole, within their limits, and in step with the catalogue."""

import csv
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import pytest

from kb.questions import (
    AMBIGUOUS,
    AMBIGUOUS_HELD_OUT,
    CALIBRATION,
    FOLDER,
    HELD_OUT,
    NEGATIVES,
    OUTSIDER,
    read_questions,
)
from kb.schemas import MAX_SPOKEN_CHARS, ArticleIn
from kb.text import normalise
from kb.transfer import SHIPPED_ARTICLES, read_articles

pytestmark = pytest.mark.unit

CATALOGUE = Path(__file__).with_name("catalogue.csv")
FEWEST_WORDINGS = 12
FEWEST_NEGATIVES = 400


@pytest.fixture(scope="module")
def shipped() -> dict[str, ArticleIn]:
    return {article.key: article for article in read_articles(SHIPPED_ARTICLES)}


@pytest.fixture(scope="module")
def catalogue() -> dict[str, dict[str, str]]:
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        return {row["key"]: row for row in csv.DictReader(file)}


def all_wordings(article: ArticleIn) -> list[str]:
    return [article.question, *article.extended]


def test_there_is_an_article_for_each_key_of_the_catalogue_and_no_other(
    shipped: dict[str, ArticleIn], catalogue: dict[str, dict[str, str]]
) -> None:
    assert len(catalogue) == 195
    assert shipped.keys() == catalogue.keys()


def test_categories_and_standard_questions_are_those_of_the_catalogue(
    shipped: dict[str, ArticleIn], catalogue: dict[str, dict[str, str]]
) -> None:
    ours = {key: (article.category, article.question) for key, article in shipped.items()}
    assert ours == {key: (row["category"], row["standard_question"]) for key, row in catalogue.items()}


def test_each_file_lies_where_an_export_would_put_it(shipped: dict[str, ArticleIn]) -> None:
    places = {path.relative_to(SHIPPED_ARTICLES).as_posix() for path in SHIPPED_ARTICLES.rglob("*.md")}
    assert places == {key.replace(".", "/", 1) + ".md" for key in shipped}


def test_each_article_has_enough_wordings_of_its_question(shipped: dict[str, ArticleIn]) -> None:
    too_few = {
        key: len(article.extended) for key, article in shipped.items() if len(article.extended) < FEWEST_WORDINGS
    }
    assert not too_few


def test_wordings_differ_in_more_than_punctuation(shipped: dict[str, ArticleIn]) -> None:
    repeated = {
        key: texts
        for key, article in shipped.items()
        if (texts := [text for text, times in Counter(map(normalise, all_wordings(article))).items() if times > 1])
    }
    assert not repeated


def test_no_wording_belongs_to_two_articles(shipped: dict[str, ArticleIn]) -> None:
    owners = defaultdict(set)
    for article in shipped.values():
        for wording in all_wordings(article):
            owners[normalise(wording)].add(article.key)
    assert not {text: keys for text, keys in owners.items() if len(keys) > 1}


def test_spoken_answers_are_short_and_plain(shipped: dict[str, ArticleIn]) -> None:
    assert not [key for key, article in shipped.items() if len(article.spoken) > MAX_SPOKEN_CHARS]
    assert not [key for key, article in shipped.items() if set(article.spoken) & set("*#[]`|\n")]


def test_related_articles_exist_and_are_others(shipped: dict[str, ArticleIn]) -> None:
    lost = {key: [other for other in article.related if other not in shipped or other == key]
            for key, article in shipped.items()}  # fmt: skip
    assert not {key: others for key, others in lost.items() if others}


def test_every_article_is_in_force(shipped: dict[str, ArticleIn]) -> None:
    assert not [key for key, article in shipped.items() if not article.is_valid_on(date.today())]


def test_every_labelled_question_names_articles_that_exist(shipped: dict[str, ArticleIn]) -> None:
    for path in FOLDER.glob("*.jsonl"):
        named = {key for question in read_questions(path) for key in question.accepted}
        assert named <= shipped.keys(), path.name


def test_an_ambiguous_question_may_mean_several_articles() -> None:
    for path in (AMBIGUOUS, AMBIGUOUS_HELD_OUT):
        assert all(question.ambiguous and len(question.accepted) > 1 for question in read_questions(path))


def test_refusal_is_taught_with_enough_questions_that_nothing_answers() -> None:
    negatives = read_questions(NEGATIVES)
    assert len({question.text for question in negatives}) >= FEWEST_NEGATIVES
    assert not [question for question in negatives if question.key]


def test_held_out_questions_were_never_seen_in_training(shipped: dict[str, ArticleIn]) -> None:
    taught = {normalise(text) for article in shipped.values() for text in all_wordings(article)}
    seen = (CALIBRATION, AMBIGUOUS, NEGATIVES)
    taught |= {normalise(question.text) for path in seen for question in read_questions(path)}
    for path in (HELD_OUT, OUTSIDER, AMBIGUOUS_HELD_OUT):
        assert not [question.text for question in read_questions(path) if normalise(question.text) in taught - {""}]
