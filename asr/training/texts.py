"""Gather and write all texts: what the language model learns, what the synthetic voices speak, what is only tested."""

import random
from pathlib import Path

from asr.language.text import spoken_form
from asr.training.generated_text import SentenceGenerator
from asr.training.places import PROJECT, TEXT
from asr.training.product_text import product_sentences, questions_and_utterances

GENERATED_SENTENCES = 160_000
SPOKEN_LENGTH = range(4, 33)  # characters; longer sentences cost much and teach little
SPOKEN_SENTENCES = 3000  # of each kind: some three hours of speech
LANGUAGE_SEED, SPEECH_SEED = 20260101, 20260102
TEST_SENTENCES = Path(__file__).parent / "test_sentences.txt"


def test_sentences() -> list[str]:
    """The sentences for testing, which are in no other text."""
    return [spoken_form(line) for line in TEST_SENTENCES.read_text(encoding="utf-8").split()]


def write_texts() -> None:
    """Write what the language model learns (language-*.txt) and what the voices speak (speak-*.txt)."""
    TEXT.mkdir(parents=True, exist_ok=True)
    held_out = set(test_sentences())
    product, customers = product_sentences(PROJECT), questions_and_utterances(PROJECT)
    generated = SentenceGenerator(LANGUAGE_SEED).distinct(GENERATED_SENTENCES)
    _write("language-product", product, held_out)
    _write("language-generated", generated, held_out)
    _write("speak-product", _speakable(customers), held_out)
    _write("speak-generated", _speakable(SentenceGenerator(SPEECH_SEED).distinct(2 * SPOKEN_SENTENCES)), held_out)


def _write(name: str, sentences: list[str], held_out: set[str]) -> None:
    kept = [sentence for sentence in sentences if sentence not in held_out]
    (TEXT / f"{name}.txt").write_text("\n".join(kept) + "\n", encoding="utf-8")
    print(f"{name}: {len(kept)} sentences")


def _speakable(sentences: list[str]) -> list[str]:
    """SPOKEN_SENTENCES of a length that is worth speaking, in random order."""
    chosen = [text for text in sentences if len(text) in SPOKEN_LENGTH]
    random.Random(SPEECH_SEED).shuffle(chosen)  # noqa: S311
    return chosen[:SPOKEN_SENTENCES]


if __name__ == "__main__":
    write_texts()
