import random
from pathlib import Path

import pytest

from asr.language.text import spoken_form
from asr.training.generated_text import SentenceGenerator
from asr.training.grammar import Grammar
from asr.training.spoken_numbers import SPOKEN_NUMBERS
from asr.training.texts import test_sentences as held_out_sentences

pytestmark = pytest.mark.unit


def read_grammar(tmp_path: Path, text: str) -> Grammar:
    grammar = Grammar(SPOKEN_NUMBERS)
    path = tmp_path / "grammar.txt"
    path.write_text(text, encoding="utf-8")
    grammar.read(path)
    return grammar


def test_forms_insert_parts_and_choose(tmp_path: Path) -> None:
    grammar = read_grammar(tmp_path, "card = 卡|存折\n\n# a comment\n(查|看){card}(余额|)\n")
    rng = random.Random(1)
    said = {grammar.sentence(grammar.forms[0], rng) for _ in range(200)}
    assert said == {f"{verb}{card}{rest}" for verb in "查看" for card in ("卡", "存折") for rest in ("余额", "")}


@pytest.mark.parametrize("form", ["查(余额", "查余额)", "查{余额"])
def test_broken_forms_are_refused(tmp_path: Path, form: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_grammar(tmp_path, form)


def test_unknown_parts_are_named(tmp_path: Path) -> None:
    grammar = read_grammar(tmp_path, "查{nothing}")
    with pytest.raises(ValueError, match="no part is called nothing"):
        grammar.sentence(grammar.forms[0], random.Random(1))


def test_every_form_of_the_shipped_grammars_can_be_said() -> None:
    generator = SentenceGenerator(1)
    for form in generator.grammar.forms:
        for _ in range(20):
            said = generator.grammar.sentence(form, generator.rng)
            assert said == spoken_form(said), "only what is spoken"


def test_generated_sentences_differ_and_repeat_with_the_seed() -> None:
    once, again = SentenceGenerator(3).distinct(500), SentenceGenerator(3).distinct(500)
    assert once == again
    assert len(set(once)) == 500


@pytest.mark.parametrize("kind", sorted(SPOKEN_NUMBERS))
def test_spoken_numbers_are_chinese_characters(kind: str) -> None:
    rng = random.Random(5)
    for _ in range(200):
        said = SPOKEN_NUMBERS[kind](rng)
        assert said
        assert said.replace("X", "") == spoken_form(said).replace("X", "")


def test_test_sentences_are_many_and_are_not_generated() -> None:
    held_out = held_out_sentences()
    assert len(held_out) == len(set(held_out)) >= 150
    assert not set(held_out) & set(SentenceGenerator(20260101).distinct(20000))
