"""A small grammar language for varied sentences.

`name = a|b` defines a part; other lines are sentence forms. `{name}` inserts a part, `(a|b|)` one of several (here also
none), `*` before an alternative makes it three times as likely. Parts in capitals are functions given by the caller.
"""

import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path

STARRED_WEIGHT = 3
_DEFINITION = re.compile(r"^([a-z_]+) = (.+)$")


class Insert:
    """The part of the given name."""

    def __init__(self, name: str) -> None:
        self.name = name


class Choice:
    """One of several sequences of nodes, by weight."""

    def __init__(self, alternatives: "list[Sequence]", weights: list[int]) -> None:
        self.alternatives, self.weights = alternatives, weights


Node = str | Choice | Insert
Sequence = tuple[Node, ...]


class Grammar:
    """Parts and sentence forms, and random sentences of them.

    Raises ValueError for a form that cannot be read or names a part that is not there.
    """

    def __init__(self, functions: Mapping[str, Callable[[random.Random], str]]) -> None:
        self.functions = functions
        self.parts: dict[str, Choice] = {}
        self.forms: list[Choice] = []

    def read(self, path: Path) -> list[Choice]:
        """Add the parts and forms of a file; return its forms."""
        forms = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            if match := _DEFINITION.match(line):
                self.parts[match[1]] = _parsed(match[2])
            else:
                forms.append(_parsed(line))
        self.forms += forms
        return forms

    def sentence(self, form: Choice, rng: random.Random) -> str:
        """One sentence of `form`."""
        sequence = rng.choices(form.alternatives, form.weights)[0]
        return "".join(self._said(node, rng) for node in sequence)

    def _said(self, node: Node, rng: random.Random) -> str:
        if isinstance(node, str):
            return node
        if isinstance(node, Choice):
            return self.sentence(node, rng)
        if node.name in self.functions:
            return self.functions[node.name](rng)
        if node.name not in self.parts:
            raise ValueError(f"no part is called {node.name}")
        return self.sentence(self.parts[node.name], rng)


def _parsed(text: str) -> Choice:
    choice, end = _choice(text, 0)
    if end != len(text):
        raise ValueError(f"closed without being opened: {text[:end]}>{text[end:]}")
    return choice


def _choice(text: str, start: int) -> tuple[Choice, int]:
    """The alternatives from `start` to the closing parenthesis or the end, and where that is."""
    alternatives: list[Sequence] = []
    weights: list[int] = []
    while True:
        starred = text.startswith("*", start)
        sequence, start = _sequence(text, start + starred)
        alternatives.append(sequence)
        weights.append(STARRED_WEIGHT if starred else 1)
        if not text.startswith("|", start):
            return Choice(alternatives, weights), start
        start += 1


def _sequence(text: str, start: int) -> tuple[Sequence, int]:
    nodes: list[Node] = []
    while start < len(text) and text[start] not in "|)":
        if text[start] == "(":
            choice, start = _choice(text, start + 1)
            if not text.startswith(")", start):
                raise ValueError(f"opened without being closed: {text}")
            nodes.append(choice)
            start += 1
        elif text[start] == "{":
            end = text.index("}", start)
            nodes.append(Insert(text[start + 1 : end]))
            start = end + 1
        else:
            plain = re.compile(r"[^|(){}]+").match(text, start)
            if not plain:
                raise ValueError(f"cannot be read from {text[start:]}")
            nodes.append(plain[0])
            start = plain.end()
    return tuple(nodes), start
