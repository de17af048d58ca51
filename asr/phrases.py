"""Phrases that a caller is expected to say, in the words that a model knows."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from asr.language.text import spoken_form

# What is expected in the usual states of a dialogue, with the ways to say it.
DIGITS = (*"零一二三四五六七八九", "幺", "两", "洞")
YES_NO = (
    *("是", "是的", "对", "对的", "好", "好的", "可以", "行", "没错", "确认", "嗯", "要", "需要"),
    *("不", "不是", "不对", "不要", "不用", "不需要", "不行", "不可以", "错了", "取消", "没有", "算了"),
)


@dataclass(frozen=True)
class Phrases:
    grammar: list[str] = field(default_factory=list)  # words parted by spaces, as Vosk wants them
    unknown: list[str] = field(default_factory=list)  # phrases with characters that the lexicon lacks


def in_known_words(texts: Sequence[str], vocabulary: Set[str]) -> Phrases:
    """Divide each phrase into words of `vocabulary`: as it is parted already, or else as few words as possible, single
    characters at worst. Without a vocabulary the phrases stay as they are."""
    phrases = Phrases()
    for text in texts:
        words = text.split() if not vocabulary else _known_words(text, vocabulary)
        if words:
            phrases.grammar.append(" ".join(words))
        elif text.strip():
            phrases.unknown.append(text)
    return phrases


def _known_words(text: str, vocabulary: Set[str]) -> list[str] | None:
    from asr.language.segment import fewest_words

    parted = text.split()
    if all(word in vocabulary for word in parted):
        return parted
    return fewest_words(spoken_form(text), frozenset(vocabulary))
