"""The figures of `nlu eval`, without a model."""

from pathlib import Path

import pytest

from bot.evaluate import BadRow, Labelled, Score, read_rows

pytestmark = pytest.mark.unit


def score_of(*pairs: tuple[Labelled, str, list[tuple[str, str]]]) -> Score:
    score = Score()
    for row, intent, entities in pairs:
        score.add(row, intent, entities)
    return score


def row(intent: str, *entities: tuple[str, str]) -> Labelled:
    return Labelled("text", intent, entities)


def test_macro_f1_is_over_the_labelled_intents_alone() -> None:
    report = score_of(
        (row("greet"), "greet", []), (row("greet"), "nlu_fallback", []), (row("thank"), "thank", [])
    ).report()
    assert report["n"] == 3
    assert report["accuracy"] == pytest.approx(0.6667)
    assert set(report["per_intent"]) == {"greet", "thank"}
    assert report["per_intent"]["greet"] == {"precision": 1.0, "recall": 0.5, "f1": 0.6667, "support": 2}
    assert report["macro_f1"] == pytest.approx(0.8333, abs=1e-3)


def test_entities_count_by_type_and_value_once_each() -> None:
    city = ("city", "北京")
    report = score_of((row("greet", city, city), "greet", [city, ("city", "上海")])).report()
    assert report["entities"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5}


def test_nothing_found_and_nothing_labelled_is_no_division_by_zero() -> None:
    assert score_of((row("greet"), "thank", [])).report()["entities"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"text": "你好"}', '{"text": "", "intent": "greet"}', '{"text": "你好", "intent": 3}']
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "你好", "intent": "greet"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(BadRow, match=r"rows\.jsonl:2"):
        read_rows(file)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(BadRow, match="no rows"):
        read_rows(file)
