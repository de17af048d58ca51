"""Articles as files: what is written is read again, and what is wrong is refused by file and line."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.article_file import InvalidArticles, parse, read_files, read_folder, write
from kb.schemas import ArticleIn

pytestmark = pytest.mark.unit

GOOD = """\
---
key: card.lost
category: 借记卡/挂失
question: 银行卡丢了怎么办
extended:
  - 卡不见了
  - 卡被偷了
spoken: 请立刻挂失。
tags: [挂失]
related:
  - card.swallowed
valid_from: 2026-01-01
valid_to: 2026-12-31
---
**立刻挂失**：拨打客服电话。
"""


def swapped(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def without(field: str) -> str:
    return "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(f"{field}:"))


# what is wrong -> content, line, a part of the message
MALFORMED: dict[str, tuple[str, int, str]] = {
    "nothing": ("", 1, "front matter"),
    "no front matter": ("# 银行卡丢了怎么办\n", 1, "front matter"),
    "front matter without an end": ("---\nkey: card.lost\n", 1, "front matter"),
    "words before the front matter": ("见下\n" + GOOD, 1, "front matter"),
    "empty front matter": ("---\n---\n正文\n", 2, "field: value"),
    "front matter is a list": ("---\n- key\n---\n正文\n", 2, "field: value"),
    "front matter is a word": ("---\nkey\n---\n正文\n", 2, "field: value"),
    "unclosed quote": (swapped("spoken: 请立刻挂失。", 'spoken: "请立刻挂失。'), 13, "not valid YAML"),
    "unclosed bracket": (swapped("tags: [挂失]", "tags: [挂失"), 10, "not valid YAML"),
    "tab as indentation": (swapped("  - 卡被偷了", "\t- 卡被偷了"), 7, "not valid YAML"),
    "colon inside a plain value": (swapped("请立刻挂失。", "请注意: 立刻: 挂失"), 8, "not valid YAML"),
    "control character": (swapped("  - 卡被偷了", "  - 卡被\x00偷了"), 7, "not valid YAML"),
    "unknown YAML tag": (swapped("请立刻挂失。", "!!python/name:os.system x"), 8, "not valid YAML"),
    "impossible number": (swapped("请立刻挂失。", "!!int 立刻"), 2, "not valid YAML"),
    "nested without end": (swapped("请立刻挂失。", "[" * 5000), 2, "not valid YAML"),
    "field given twice": (swapped("tags: [挂失]", "spoken: 再说一遍"), 9, "spoken: already given in line 8"),
    "missing key": (without("key"), 1, "key: Field required"),
    "missing category": (without("category"), 1, "category: Field required"),
    "missing question": (without("question"), 1, "question: Field required"),
    "missing spoken answer": (without("spoken"), 1, "spoken: Field required"),
    "unknown field": (swapped("tags: [挂失]", "etiquettes: [挂失]"), 9, "etiquettes: Extra inputs"),
    "field that is a number": (swapped("tags: [挂失]", "7: [挂失]"), 9, "7: Keys should be strings"),
    "key in capitals": (swapped("key: card.lost", "key: Card.Lost"), 2, "key: String should match"),
    "key without a dot": (swapped("key: card.lost", "key: card"), 2, "key: String should match"),
    "key that climbs": (swapped("key: card.lost", "key: ../etc.passwd"), 2, "key: String should match"),
    "key that is too long": (swapped("key: card.lost", f"key: card.{'a' * 64}"), 2, "key: String should have at most"),
    "empty question": (swapped("question: 银行卡丢了怎么办", 'question: "  "'), 4, "question: String should have"),
    "question that is a list": (swapped("question: 银行卡丢了怎么办", "question: [a, b]"), 4, "question: Input should"),
    "question that is a truth value": (swapped("question: 银行卡丢了怎么办", "question: yes"), 4, "question: Input"),
    "one extended question that is too long": (swapped("  - 卡被偷了", f"  - {'长' * 201}"), 7, "extended.1: String"),
    "one extended question that is empty": (swapped("  - 卡被偷了", "  -"), 7, "extended.1: Input should"),
    "extended questions as one string": (swapped("extended:\n  - 卡不见了\n  - 卡被偷了", "extended: 卡不见了"), 5,
                                         "extended: Input should be a valid list"),
    "repeated wording": (swapped("  - 卡被偷了", "  - 卡不见了"), 5, "repeated wording: 卡不见了"),
    "spoken answer that is too long": (swapped("请立刻挂失。", "说" * 81), 8, "spoken: String should have at most 80"),
    "spoken answer with a link": (swapped("请立刻挂失。", "见 https://bank.example"), 8, "no links"),
    "spoken answer of two lines": (swapped("请立刻挂失。", "|\n  请立刻\n  挂失"), 8, "no line breaks"),
    "malformed related key": (swapped("  - card.swallowed", "  - 吞卡"), 11, "related.0: String should match"),
    "impossible date": (swapped("2026-01-01", "2026-13-45"), 12, "valid_from: Input should be a valid date"),
    "date in words": (swapped("2026-01-01", "明年"), 12, "valid_from: Input should be a valid date"),
    "ends before it begins": (swapped("2026-12-31", "2025-12-31"), 13, "valid_to lies before valid_from"),
    "no answer": (GOOD.split("**", maxsplit=1)[0], 15, "text: String should have at least 1"),
}  # fmt: skip


def test_a_good_file_becomes_an_article(tmp_path: Path) -> None:
    article = parse(GOOD, "lost.md")
    assert article.key == "card.lost"
    assert article.extended == ["卡不见了", "卡被偷了"]
    assert article.text == "**立刻挂失**：拨打客服电话。"
    assert (article.valid_from, article.valid_to) == (date(2026, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize("content", [GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD], ids=["CRLF", "byte order mark"])
def test_files_of_windows_editors_are_the_same_articles(content: str, tmp_path: Path) -> None:
    path = tmp_path / "lost.md"
    path.write_bytes(content.encode())
    assert read_files([path]) == [parse(GOOD, "lost.md")]


def test_a_version_in_a_file_is_not_taken() -> None:
    assert parse(swapped("key: card.lost", "key: card.lost\nversion: 7"), "lost.md") == parse(GOOD, "lost.md")


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_file_is_refused_by_file_and_line(what: str, tmp_path: Path) -> None:
    content, line, message = MALFORMED[what]
    (tmp_path / "good.md").write_text(GOOD.replace("card.lost", "card.other"), encoding="utf-8")
    bad = tmp_path / "bad.md"
    bad.write_bytes(content.encode())
    with pytest.raises(InvalidArticles) as refused:
        read_folder(tmp_path)
    problems = refused.value.extra["errors"]
    assert any(problem.startswith(f"{bad}:{line}: ") and message in problem for problem in problems), problems
    assert all("\n" not in problem for problem in problems)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gbk.md"
    path.write_bytes(GOOD.encode("gb18030"))
    with pytest.raises(InvalidArticles, match=r"gbk\.md:1: cannot be read"):
        read_folder(tmp_path)


def test_a_folder_that_is_called_like_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(InvalidArticles, match=r"folder\.md:1: cannot be read"):
        read_folder(tmp_path)


def test_a_folder_without_articles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArticles, match="no article files"):
        read_folder(tmp_path)


def test_a_key_that_two_files_have_is_refused_and_both_are_named(tmp_path: Path) -> None:
    for name in ("first.md", "second.md"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    with pytest.raises(InvalidArticles, match=r"second\.md:2: key card\.lost is already in .*first\.md"):
        read_folder(tmp_path)


def test_all_errors_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(without("spoken").replace("question:", "ask:"), encoding="utf-8")
    (tmp_path / "b.md").write_text("nothing", encoding="utf-8")
    with pytest.raises(InvalidArticles) as refused:
        read_folder(tmp_path)
    places = [problem.split(": ")[0].rsplit("/", 1)[-1] for problem in refused.value.extra["errors"]]
    assert sorted(places) == ["a.md:1", "a.md:1", "a.md:4", "b.md:1"]


def words(longest: int, shortest: int = 0) -> st.SearchStrategy[str]:
    """Any text at all but surrogates, which no file can hold."""
    characters = st.characters(exclude_categories=["Cs"])
    return st.text(characters, max_size=longest).filter(lambda text: len(text.strip()) >= shortest)


keys = st.from_regex(r"[a-z][a-z0-9_]{0,20}(\.[a-z0-9_]{1,12}){1,3}", fullmatch=True).filter(lambda key: len(key) <= 64)
spoken_words = words(80, 1).filter(lambda text: "\n" not in text and "http" not in text)
any_articles = st.builds(
    ArticleIn,
    key=keys,
    category=words(100, 1),
    question=words(200, 2),
    extended=st.lists(words(200, 2), max_size=5, unique_by=str.strip),
    spoken=spoken_words,
    text=words(400, 1),
    tags=st.lists(words(40), max_size=3),
    related=st.lists(keys, max_size=3),
    channels=st.lists(st.sampled_from(["web", "app", "phone", "no", "2026-01-01", "1e3"]), max_size=3),
    source=words(300),
    valid_from=st.none() | st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    valid_to=st.none() | st.dates(date(2030, 1, 2), date(2060, 1, 1)),
)


@given(any_articles)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_again(article: ArticleIn) -> None:
    assert parse(write(article), "article.md") == article


@pytest.mark.parametrize(
    "text", ["---\n正文里的横线\n---", "- 列表\n\n    代码", "| 表 | 格 |\n|---|---|", "行一\r\n行二"]
)
def test_markdown_that_looks_like_front_matter_stays_text(text: str) -> None:
    article = parse(GOOD, "lost.md").model_copy(update={"text": text})
    assert parse(write(article), "lost.md").text == text.replace("\r\n", "\n")
