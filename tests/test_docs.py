"""What the documents name exists: commands with their options, linked files, paths of the repository."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli.commands import build

pytestmark = pytest.mark.unit

PROJECT = Path(__file__).parents[1]
BLOCK = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
COMMAND = re.compile(r"^(?:\.venv/bin/|\S*/\.venv/bin/)?teller ([a-z].*)$")
PATH = re.compile(r"[\w.@-]+(?:/[\w.@-]+)*/?")
# Made by set-up or by running; not in a fresh clone.
MADE = ("var", ".venv", "bot/.venv", "web/dist", "web/node_modules", ".env")


def documents() -> list[Path]:
    rooms = ("bot", "kb", "nlu_data", "web", "tests")
    beside = [PROJECT / "README.md", *(PROJECT / room / "README.md" for room in rooms)]
    return [path for path in [*beside, *sorted((PROJECT / "docs").rglob("*.md"))] if path.is_file()]


each_document = pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(PROJECT)))


def without_blocks(text: str) -> str:
    return BLOCK.sub("", text)


def commands_in(text: str) -> Iterator[str]:
    """Every `teller …`, in backticks or as a line of a block."""
    lines = [line.strip().removeprefix("$ ") for block in BLOCK.findall(text) for line in block.splitlines()]
    for piece in [*CODE.findall(without_blocks(text)), *lines]:
        if found := COMMAND.match(piece.strip()):
            yield found[1]


def known_command(words: list[str]) -> Any:
    """The command that the words begin with; None when there is none."""
    command = build()
    for word in words:
        if not hasattr(command, "commands"):
            return command
        command = command.commands.get(word)
        if command is None:
            return None
    return command


@each_document
def test_commands_exist(document: Path) -> None:
    wrong = []
    for text in commands_in(document.read_text(encoding="utf-8")):
        words = re.findall(r"[^\s\[\]]+", text.split("#")[0])
        command = known_command([word for word in words if re.fullmatch(r"[a-z-]+", word) and word[0] != "-"])
        options = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        known = {name for parameter in command.params for name in parameter.opts} if command else set()
        if command is None or options - known - {"--help"}:
            wrong.append(f"teller {text}")
    assert wrong == []


def anchors(document: Path) -> set[str]:
    headings = HEADING.findall(without_blocks(document.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_relative_links_resolve(document: Path) -> None:
    broken = []
    for link in LINK.findall(without_blocks(document.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def top_level() -> set[str]:
    return {path.name for path in PROJECT.iterdir()}


def looks_like_a_path(piece: str) -> bool:
    """A path from the repository's root: it has a slash, and begins with something that is there."""
    return "/" in piece and bool(PATH.fullmatch(piece)) and piece.partition("/")[0] in top_level()


def is_made(piece: str) -> bool:
    return any(piece == made or piece.startswith(f"{made}/") for made in MADE)


@each_document
def test_paths_exist(document: Path) -> None:
    pieces = CODE.findall(without_blocks(document.read_text(encoding="utf-8")))
    paths = [piece for piece in pieces if looks_like_a_path(piece) and not is_made(piece)]
    # A README in a room may name what lies beside it.
    missing = [path for path in paths if not (PROJECT / path).exists() and not (document.parent / path).exists()]
    assert missing == []


def test_index_lists_every_document() -> None:
    index = (PROJECT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [path for path in (PROJECT / "docs").rglob("*.md") if path.name != "README.md"]
    assert [path.name for path in pages if f"({path.relative_to(PROJECT / 'docs')})" not in index] == []
