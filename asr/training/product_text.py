"""What the product itself knows of banking talk: its articles, and the utterances that its bot learns from.

The sets that the product is measured on (`held_out`, `evaluation`) are never read here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from asr.language.text import sentences

# An entity in Rasa's training format: [明天](date) or [借记卡]{"entity": …}.
_ENTITY = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\{[^}]*\})")


def product_sentences(project: Path) -> list[str]:
    """All distinct spoken sentences of the product, in a fixed order: questions and utterances first, then answers."""
    asked = [*_questions(project / "kb" / "articles"), *_utterances(project / "nlu_data" / "train")]
    return list(dict.fromkeys([*_spoken(asked), *_spoken(_answers(project / "kb" / "articles"))]))


def questions_and_utterances(project: Path) -> list[str]:
    """The distinct spoken sentences that customers say."""
    return list(
        dict.fromkeys(_spoken([*_questions(project / "kb" / "articles"), *_utterances(project / "nlu_data" / "train")]))
    )


def _spoken(texts: list[str]) -> Iterator[str]:
    for text in texts:
        yield from sentences(text)


def _articles(folder: Path) -> Iterator[tuple[dict[str, object], str]]:
    """Head and body of every article."""
    for path in sorted(folder.rglob("*.md")):
        _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
        yield yaml.safe_load(head), body


def _questions(folder: Path) -> list[str]:
    texts: list[str] = []
    for head, _ in _articles(folder):
        extended = head.get("extended") or []
        assert isinstance(extended, list)
        texts += [str(head["question"]), *map(str, extended)]
    return texts


def _answers(folder: Path) -> list[str]:
    return [text for head, body in _articles(folder) for text in (str(head.get("spoken") or ""), body)]


def _utterances(folder: Path) -> list[str]:
    texts = []
    for path in sorted(folder.glob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            for line in str(block.get("examples", "")).splitlines():
                texts.append(_ENTITY.sub(r"\1", line.removeprefix("- ")))
    return texts
