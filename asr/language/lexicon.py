"""The words a recogniser knows and how they sound."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from asr.language.phones import PHONE_ID, PHONES
from asr.language.readings import readings
from asr.language.text import in_characters

UNKNOWN = "[unk]"
# A rarer reading of a character is believed less: only in a sentence does it compete with the usual one.
RARE_READING_COST = 2.0


@dataclass(frozen=True)
class Pronunciation:
    """One way to say a word; `cost` is minus the log of its probability, relative to the usual way."""

    word: str
    phones: tuple[str, ...]
    cost: float = 0.0


def gb2312_characters(levels: Sequence[int] = (1, 2)) -> list[str]:
    """The Chinese characters of GB 2312: 3755 usual ones of level 1, 3008 rarer ones of level 2."""
    rows = {1: range(0xB0, 0xD8), 2: range(0xD8, 0xF8)}
    pairs = (bytes([row, cell]) for level in levels for row in rows[level] for cell in range(0xA1, 0xFF))
    characters = (pair.decode("gb2312", errors="ignore") for pair in pairs)
    return [character for character in characters if character]


def choose_words(
    counts: Counter[str], general: Mapping[str, int], least: int = 2, general_words: int = 10000
) -> list[str]:
    """The vocabulary: words of the text that occur `least` times, the commonest words of general text, every character
    of GB 2312. Sorted, without those that cannot be read."""
    chosen = {word for word, count in counts.items() if count >= least or len(word) == 1}
    chosen |= set(sorted(general, key=lambda word: -general[word])[:general_words])
    chosen |= set(gb2312_characters())
    return sorted(word for word in chosen if readings(in_characters(word)))


def make_lexicon(words: Iterable[str]) -> list[Pronunciation]:
    """All pronunciations of `words`, and the unknown word.

    That one sounds like silence and costs so much that it is never chosen, but grammars may name it.
    """
    entries = [Pronunciation(UNKNOWN, ("SIL",), 30.0)]
    for word in words:
        for rank, phones in enumerate(readings(in_characters(word))):
            if all(phone in PHONE_ID for phone in phones):
                entries.append(Pronunciation(word, phones, RARE_READING_COST * rank))
    return entries


def lexicon_text(lexicon: Sequence[Pronunciation], numbers: dict[str, int]) -> tuple[str, int]:
    """A loop over all pronunciations in OpenFst's text form, and how many disambiguation symbols it uses.

    Where a pronunciation is another's or begins another one, a symbol at its end keeps it apart (Mohri et al. 2002).
    """
    same = Counter(entry.phones for entry in lexicon)
    beginnings = {entry.phones[:length] for entry in lexicon for length in range(1, len(entry.phones))}
    used: Counter[tuple[str, ...]] = Counter()
    lines, next_state = [], 1
    for entry in lexicon:
        labels = [PHONE_ID[phone] for phone in entry.phones]
        if same[entry.phones] > 1 or entry.phones in beginnings:
            used[entry.phones] += 1
            labels.append(len(PHONES) + used[entry.phones])
        state = 0
        for place, label in enumerate(labels):
            target = 0 if place == len(labels) - 1 else next_state
            next_state += target != 0
            word, cost = (numbers[entry.word], entry.cost) if place == 0 else (0, 0.0)
            lines.append(f"{state} {target} {label} {word} {cost:.4f}")
            state = target
    return "\n".join([*lines, "0 0", ""]), max(used.values(), default=0)
