"""How well a model's language part foresees sentences, read from its word graph (Gr.fst) without sound."""

import math
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asr.model_folder import GRAMMAR_GRAPH
from asr.problems import AdaptationFailed

EPSILON, BACK_OFF_SYMBOL, END = 0, "#0", "</s>"
UNHEARD = 25.0  # the cost of a word that the model cannot hear, as nats

Arc = tuple[int, float]  # target, cost


@dataclass
class WordGraph:
    """A back-off n-gram model as a graph: each state's arcs by word, and its way to the shorter history."""

    numbers: dict[str, int]
    start: int = 0
    arcs: dict[int, dict[int, Arc]] = field(default_factory=dict)
    back_off: dict[int, Arc] = field(default_factory=dict)
    final: dict[int, float] = field(default_factory=dict)

    @classmethod
    def read(cls, model: Path) -> "WordGraph":
        """Raises AdaptationFailed where OpenFst's programs are missing."""
        _, words_to_words, symbols = (model / name for name in GRAMMAR_GRAPH)
        rows = (line.split() for line in symbols.read_text(encoding="utf-8").splitlines())
        graph = cls({word: int(number) for word, number in rows})
        for number, line in enumerate(_printed(words_to_words).splitlines()):
            graph._add(line.split(), is_first=number == 0)
        return graph

    def _add(self, parts: Sequence[str], is_first: bool) -> None:
        state = int(parts[0])
        if is_first:
            self.start = state
        if len(parts) <= 2:
            self.final[state] = float(parts[1]) if len(parts) == 2 else 0.0
            return
        arc = int(parts[1]), float(parts[4]) if len(parts) > 4 else 0.0
        word = int(parts[2])
        if word == EPSILON:
            self.back_off[state] = arc
        else:
            self.arcs.setdefault(state, {})[word] = arc

    def cost(self, words: Sequence[str]) -> float:
        """Minus the log-probability of a sentence, in nats."""
        state, total = self.start, 0.0
        for word in words:
            state, cost = self._step(state, self.numbers.get(word, -1))
            total += cost
        return total + self._ending(state)

    def _step(self, state: int, word: int) -> Arc:
        total = 0.0
        while True:
            if arc := self.arcs.get(state, {}).get(word):
                return arc[0], total + arc[1]
            if state not in self.back_off:
                return state, total + UNHEARD
            state, cost = self.back_off[state]
            total += cost

    def _ending(self, state: int) -> float:
        total = 0.0
        while state not in self.final:
            if state not in self.back_off:
                return total + UNHEARD
            state, cost = self.back_off[state]
            total += cost
        return total + self.final[state]


def _printed(path: Path) -> str:
    try:
        done = subprocess.run(["fstprint", str(path)], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise AdaptationFailed("fstprint is missing: as root, apt-get install libfst-tools") from None
    except subprocess.CalledProcessError as error:
        raise AdaptationFailed(f"{path} cannot be read: {error.stderr.strip()[-300:]}") from None
    return done.stdout


def perplexity(graph: WordGraph, sentences: Sequence[str]) -> float:
    """Perplexity by character: between how many equally likely characters the model wavers. Lower is better."""
    from asr.language.segment import words_of

    total, characters = 0.0, 0
    for sentence in sentences:
        words = [part for word in words_of(sentence) for part in ([word] if word in graph.numbers else word)]
        total += graph.cost(words)
        characters += len(sentence) + 1
    return math.exp(total / characters) if characters else math.nan
