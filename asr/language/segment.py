"""Sentences to words, as the language model counts them."""

import re
from collections.abc import Iterable, Mapping

import jieba

from asr.language.numbers import DIGITS

# jieba takes whole numbers for words, with their units too; then no other number could be heard.
_NUMERALS = frozenset(DIGITS + "两十百千万亿幺点")
_RUN = re.compile(r"[A-Z]+|[^A-Z]+")


def words_of(sentence: str) -> list[str]:
    """The words of a spoken form: jieba's, numbers in single characters, runs of Latin letters whole."""
    words: list[str] = []
    for run in _RUN.findall(sentence):
        for word in [run] if run.isascii() else _tokenizer().cut(run, HMM=False):
            words += word if sum(character in _NUMERALS for character in word) > 1 else [word]
    return words


def _tokenizer() -> jieba.Tokenizer:
    jieba.setLogLevel(60)
    return jieba.dt


def general_frequencies() -> dict[str, int]:
    """Every Chinese word of jieba's dictionary with its frequency in general text."""
    tokenizer = _tokenizer()
    tokenizer.initialize()
    return {word: count for word, count in tokenizer.FREQ.items() if count > 0 and _is_han(word)}


def _is_han(word: str) -> bool:
    return all("一" <= character <= "鿿" for character in word)


def fewest_words(sentence: str, vocabulary: Iterable[str] | Mapping[str, object]) -> list[str] | None:
    """`sentence` in as few words of `vocabulary` as possible, long ones first; None when it cannot be written in them.

    For run-time grammars, where any division will do that the recogniser knows the words of.
    """
    known = vocabulary if isinstance(vocabulary, Mapping | set | frozenset) else set(vocabulary)
    longest = 8
    best: list[list[str] | None] = [[]]
    for end in range(1, len(sentence) + 1):
        choices = [
            [*before, sentence[start:end]]
            for start in range(max(0, end - longest), end)
            if (before := best[start]) is not None and sentence[start:end] in known
        ]
        best.append(min(choices, key=len) if choices else None)
    return best[-1]
