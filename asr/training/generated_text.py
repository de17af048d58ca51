"""Many different sentences for the language model and the synthetic voices, from the grammars beside this file."""

import random
from pathlib import Path

from asr.training.grammar import Choice, Grammar
from asr.training.spoken_numbers import SPOKEN_NUMBERS

GRAMMARS = Path(__file__).parent / "grammars"
# With so much chance a form that does not already do so is opened and closed as people do.
OPENING, CLOSING = 0.18, 0.15
CONVERSATION_SHARE = 0.12


class SentenceGenerator:
    """Random sentences of customers; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311
        self.grammar = Grammar(SPOKEN_NUMBERS)
        self.grammar.read(GRAMMARS / "parts.txt")
        self.customers = self.grammar.read(GRAMMARS / "customers.txt")
        self.conversation = self.grammar.read(GRAMMARS / "conversation.txt")

    def distinct(self, count: int) -> list[str]:
        """`count` sentences, no two alike."""
        found: dict[str, None] = {}
        while len(found) < count:
            found[self.sentence()] = None
        return list(found)

    def sentence(self) -> str:
        forms = self.conversation if self.rng.random() < CONVERSATION_SHARE else self.customers
        return self._dressed(self.rng.choice(forms))

    def _dressed(self, form: Choice) -> str:
        said = self.grammar.sentence(form, self.rng)
        if self.rng.random() < OPENING:
            said = self._part(self.rng.choice(["hello", "ask", "fill"])) + said
        if self.rng.random() < CLOSING and not said.endswith(("吗", "呢", "吧", "谢谢")):
            said += self._part("end")
        return said

    def _part(self, name: str) -> str:
        return self.grammar.sentence(self.grammar.parts[name], self.rng)
