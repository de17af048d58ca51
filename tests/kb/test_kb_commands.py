"""What the command line does with the knowledge base."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.problems import InvalidInput
from core.settings import Settings
from kb import commands
from kb.article_file import InvalidArticles
from kb.questions import LabelledQuestion, read_questions
from kb.schemas import ArticleIn
from kb.transfer import read_articles, write_articles
from tests.kb import sample
from tests.kb.fake_encoder import FakeEncoder

pytestmark = pytest.mark.unit


@pytest.fixture
def articles_file(tmp_path: Path) -> Path:
    path = tmp_path / "articles.jsonl"
    write_articles(sample.articles(), path)
    return path


@pytest.fixture
def loaded(settings: Settings, articles_file: Path, faked: FakeEncoder) -> Settings:
    commands.import_file(settings, articles_file)
    return settings


def exported(settings: Settings, path: Path) -> list[ArticleIn]:
    commands.export_file(settings, path)
    return read_articles(path)


def test_an_import_stores_all_and_a_second_one_changes_nothing(settings: Settings, articles_file: Path) -> None:
    assert commands.import_file(settings, articles_file) == {"read": 6, "changed": 6, "unchanged": 0}
    assert commands.import_file(settings, articles_file) == {"read": 6, "changed": 0, "unchanged": 6}


def test_only_what_differs_is_changed(loaded: Settings, articles_file: Path) -> None:
    changed = [sample.article(text="第2版"), *sample.articles()[1:], sample.article("new.one")]
    write_articles(changed, articles_file)
    assert commands.import_file(loaded, articles_file) == {"read": 7, "changed": 2, "unchanged": 5}


def test_an_import_with_one_bad_line_stores_nothing(loaded: Settings, articles_file: Path, tmp_path: Path) -> None:
    write_articles([sample.article(text="第2版"), sample.article("new.one")], articles_file)
    with articles_file.open("a") as file:
        file.write('{"key": "half"}\n')
    with pytest.raises(InvalidArticles, match=r"articles\.jsonl:3: "):
        commands.import_file(loaded, articles_file)
    assert exported(loaded, tmp_path / "after.jsonl") == sorted(sample.articles(), key=lambda article: article.key)


def test_an_import_that_breaks_off_stores_nothing(
    loaded: Settings, articles_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = commands.ArticleRepository.put

    def breaking(self: Any, article: ArticleIn, author: str) -> object:
        if article.key == "new.two":
            raise OSError("disk full")
        return put(self, article, author)

    monkeypatch.setattr(commands.ArticleRepository, "put", breaking)
    write_articles([sample.article("new.one"), sample.article("new.two")], articles_file)
    with pytest.raises(OSError, match="disk full"):
        commands.import_file(loaded, articles_file)
    assert "new.one" not in {article.key for article in exported(loaded, tmp_path / "after.jsonl")}


@pytest.mark.parametrize("name", ["out.jsonl", "out"])
def test_an_export_imported_elsewhere_is_the_same_knowledge(name: str, loaded: Settings, tmp_path: Path) -> None:
    path = tmp_path / name
    assert commands.export_file(loaded, path) == {"written": 6, "path": str(path)}
    assert commands.import_file(loaded, path)["changed"] == 0
    assert {article.key for article in read_articles(path)} == sample.WORDINGS.keys()


def test_a_search_tells_decision_and_candidates(loaded: Settings) -> None:
    found = commands.search(loaded, "银行卡丢了怎么办", 2)
    assert found["decision"] == "answer"
    assert found["candidates"][0]["key"] == "card.lost"
    assert len(found["candidates"]) == 2
    assert json.dumps(found)


def test_status_and_rebuild_tell_what_is_served(loaded: Settings, faked: FakeEncoder) -> None:
    assert commands.status(loaded)["articles"] == 6
    faked.encoded.clear()
    assert commands.rebuild(loaded)["questions"] == 24
    assert len(set(faked.encoded)) >= 24


def test_set_up_loads_the_shipped_articles_once(
    settings: Settings, articles_file: Path, faked: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "SHIPPED_ARTICLES", articles_file)
    first = commands.load_and_build(settings)
    assert (first["loaded"], first["articles"]) == (6, 6)
    write_articles([sample.article("new.one")], articles_file)
    again = commands.load_and_build(settings)
    assert (again["loaded"], again["articles"]) == (0, 6)
    assert again["generation"] == first["generation"]


def test_an_evaluation_counts_every_kind_of_outcome(loaded: Settings, tmp_path: Path) -> None:
    path, errors = tmp_path / "questions.jsonl", tmp_path / "errors.jsonl"
    rows = [
        {"text": "银行卡丢了怎么办", "key": "card.lost"},
        {"text": "今天美元汇率是多少", "key": "card.lost"},
        {"text": "今天美元汇率是多少", "key": "card.lost", "also": ["fx.rate"]},
        {"text": "世界杯谁赢了"},
        {"text": "取款机吞卡怎么办"},
        {"text": "钱包被偷了卡在里面", "key": "card.lost", "also": ["card.swallowed"], "ambiguous": True},
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    figures = commands.evaluate(loaded, path, errors)
    assert figures["n"] == 6
    assert figures["recall_at_1"] == pytest.approx(3 / 4, abs=1e-4)
    assert figures["in_scope"] == {"n": 3, "answered": 3, "answered_right": 2, "clarified": 0, "clarified_right": 0,
                                   "unrecognised": 0}  # fmt: skip
    assert figures["ambiguous"] == {"n": 1, "answered": 1, "clarified": 0, "clarified_right": 0, "unrecognised": 0}
    assert figures["out_of_scope"]["n"] == 2
    assert figures["out_of_scope"]["answered"] == 1
    failed = [json.loads(line) for line in errors.read_text(encoding="utf-8").splitlines()]
    assert {"text": "取款机吞卡怎么办", "key": None, "decision": "answer"}.items() <= failed[-2].items()
    assert failed[-1]["text"] == "钱包被偷了卡在里面"  # an answer would be a guess
    assert {"text": "今天美元汇率是多少", "key": "card.lost"}.items() <= failed[0].items()


def test_figures_over_nothing_are_none(loaded: Settings, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text('{"text": "世界杯谁赢了"}\n', encoding="utf-8")
    figures = commands.evaluate(loaded, path)
    assert (figures["recall_at_1"], figures["recall_at_3"], figures["mrr"]) == (None, None, None)


BAD_LINES = [
    ("{", "Expecting"),
    ("[]", "must be a JSON object"),
    ("7", "must be a JSON object"),
    ("{}", '"text" must be'),
    ('{"text": " "}', '"text" must be'),
    ('{"text": 7}', '"text" must be'),
    ('{"text": "卡", "key": 7}', '"key" must be'),
    ('{"text": "卡", "key": "a.b", "also": "c.d"}', '"also" must be'),
    ('{"text": "卡", "also": [1]}', '"also" must be'),
    ('{"text": "卡", "ambiguous": "yes"}', '"ambiguous" must be'),
]


@pytest.mark.parametrize(("line", "message"), BAD_LINES)
def test_a_bad_question_is_refused_by_file_and_line(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(f'{{"text": "好的"}}\n\n{line}\n{{"text": "也好"}}\n', encoding="utf-8")
    with pytest.raises(InvalidInput) as refused:
        read_questions(path)
    assert refused.value.detail.startswith(f"{path}:3: ")
    assert message in refused.value.detail


@pytest.mark.parametrize("content", [b"", b"\n\n", "卡".encode("gb18030")])
def test_a_file_without_readable_questions_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"questions\.jsonl"):
        read_questions(path)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_questions(tmp_path / "nothing.jsonl")


def test_questions_may_hold_any_sign_and_several_right_articles(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    row = {"text": "一\u2028二\x85三", "key": "a.b", "also": ["c.d"], "kind": "noise"}
    path.write_text("\ufeff" + json.dumps(row, ensure_ascii=False) + "\r\n", encoding="utf-8", newline="")
    (question,) = read_questions(path)
    assert question == LabelledQuestion(row["text"], "a.b", frozenset({"c.d"}))  # type: ignore[arg-type]
    assert question.accepted == {"a.b", "c.d"}
    assert LabelledQuestion("x").accepted == frozenset()
