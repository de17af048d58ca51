"""Articles out of and into files: nothing is lost on the way, and a bad line is named."""

import json
from pathlib import Path

import pytest

from core.problems import InvalidInput
from kb.article_file import InvalidArticles, write
from kb.transfer import read_articles, write_articles
from tests.kb import sample

pytestmark = pytest.mark.unit

# Signs that count as line ends somewhere, and may stand inside a JSON string.
LINE_SIGNS = "一\u2028二\u2029三\x85四\x0b五\x1c六\r\n七\n八"


def line(key: str = "card.lost", **fields: object) -> str:
    return json.dumps(sample.article(key).model_dump(mode="json") | fields, ensure_ascii=False)


@pytest.mark.parametrize("name", ["articles.jsonl", "articles.ndjson", "folder", "folder.d"])
def test_what_is_exported_is_imported_again(name: str, tmp_path: Path) -> None:
    articles = [*sample.articles(), sample.article("a.b.c", text=LINE_SIGNS, tags=["\u2028"], valid_to="2030-01-01")]
    path = tmp_path / name
    if path.suffix == ".d":
        path.mkdir()
    write_articles(articles, path)
    assert sorted(read_articles(path), key=lambda article: article.key) == sorted(articles, key=lambda a: a.key)


def test_one_article_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "lost.md"
    path.write_text(write(sample.article()), encoding="utf-8")
    assert read_articles(path) == [sample.article()]


def test_a_byte_order_mark_and_empty_lines_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_bytes(f"\ufeff\r\n{line()}\r\n\r\n{line('fx.rate', version=7)}".encode())
    assert read_articles(path) == [sample.article(), sample.article("fx.rate")]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (b"{", "not JSON: "),
        (b"[" * 100_000, "not JSON: nested too deeply"),
        (b"[]", "valid dictionary"),
        (b'"card.lost"', "valid dictionary"),
        (b"null", "valid dictionary"),
        (b"{}", "key: Field required"),
        (line(unknown=1).encode(), "unknown: Extra inputs"),
        (line(extended=["一样的", "一样的"]).encode(), "extended: Value error, repeated wording: 一样的"),
        (line(extended=["好的问题", 7]).encode(), "extended.1: Input should be a valid string"),
        (line(valid_from="2026-02-30").encode(), "valid_from: Input should be a valid date"),
        (line(valid_from="2026-02-03", valid_to="2026-02-02").encode(), "valid_to: Value error, valid_to lies before"),
        (line("fx.rate").encode(), "key fx.rate is already in line 1"),
        (line().encode("gb18030"), "not UTF-8"),
        (line(question="\\ud800").replace("\\\\", "\\").encode(), "question: "),
    ],
    ids=range(14),
)
def test_a_bad_line_is_refused_by_its_number(bad: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_bytes(line("fx.rate").encode() + b"\n\n" + bad + b"\n" + line("account.open").encode() + b"\n")
    with pytest.raises(InvalidArticles) as refused:
        read_articles(path)
    errors = refused.value.extra["errors"]
    assert all(error.startswith(f"{path}:3: ") for error in errors)
    assert any(problem in error for error in errors), errors


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_file_without_articles_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text(content)
    with pytest.raises(InvalidInput, match="no articles"):
        read_articles(path)


def test_a_file_of_another_kind_or_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "articles.xlsx").touch()
    with pytest.raises(InvalidInput, match=r"come as \.jsonl"):
        read_articles(tmp_path / "articles.xlsx")
    with pytest.raises(InvalidInput, match="no such file"):
        read_articles(tmp_path / "nothing.jsonl")


@pytest.mark.parametrize("name", ["articles.md", "articles.xlsx", "nowhere/articles.jsonl"])
def test_nothing_is_exported_that_could_not_be_imported(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"articles go to a \.jsonl file"):
        write_articles(sample.articles(), tmp_path / name)
    assert not list(tmp_path.iterdir())
