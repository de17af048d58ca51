"""Text in sentences that are spoken one after the other, and answers in portions that a listener can take in."""

import re
from collections.abc import Sequence

FIRST_CHARS = 14  # the first piece is short, so that the caller soon hears something
MOST_CHARS = 45  # of one piece; memory and waiting grow with it
PORTION_CHARS = 90  # said at a stretch; some 20 seconds

_ENDS = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]+[”」』）)]?|[^。！？!?；;\n]+$")
_PAUSES = re.compile(r"[^，,、：:]*[，,、：:]+|[^，,、：:]+$")


def sentences(text: str) -> list[str]:
    """The text cut at its sentence ends, long ones at their pauses; joined they are the text again."""
    pieces: list[str] = []
    for sentence in _ENDS.findall(text):
        most = MOST_CHARS if pieces else FIRST_CHARS * 2
        pieces += [sentence] if len(sentence) <= most else _at_pauses(sentence, first=not pieces)
    return [piece for piece in pieces if re.search(r"\w", piece)]


def _at_pauses(sentence: str, first: bool) -> list[str]:
    pieces = [""]
    for clause in _PAUSES.findall(sentence):
        most = FIRST_CHARS if first and len(pieces) == 1 else MOST_CHARS
        if pieces[-1] and len(pieces[-1]) + len(clause) > most:
            pieces.append("")
        pieces[-1] += clause
    return [part for piece in pieces for part in _cut(piece)]


def _cut(piece: str) -> list[str]:
    """Without any pause for long: cut where it is."""
    most = MOST_CHARS * 2
    return [piece[start : start + most] for start in range(0, len(piece), most)]


def portions(text: str) -> list[list[str]]:
    """Sentences in groups of at most PORTION_CHARS; a last group of one short sentence joins the one before."""
    groups: list[list[str]] = [[]]
    for sentence in sentences(text):
        if groups[-1] and _length(groups[-1]) + len(sentence) > PORTION_CHARS and _ends(groups[-1][-1]):
            groups.append([])
        groups[-1].append(sentence)
    if len(groups) > 1 and _length(groups[-1]) < PORTION_CHARS // 4:
        groups[-2:] = [groups[-2] + groups[-1]]
    return [group for group in groups if group]


def _length(group: Sequence[str]) -> int:
    return sum(map(len, group))


def _ends(sentence: str) -> bool:
    """A portion ends where a sentence does, not at a comma."""
    return bool(re.search(r"[。！？!?；;\n][”」』）)]?$", sentence))
