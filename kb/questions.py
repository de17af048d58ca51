"""Question files (JSON lines) for calibration and evaluation.

A text with its article key, or without one when none answers it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from core.problems import InvalidInput

FOLDER = Path(__file__).parent / "evaluation"
CALIBRATION = FOLDER / "calibration.jsonl"  # in scope and not
AMBIGUOUS = FOLDER / "ambiguous.jsonl"  # may mean several articles; these teach asking back
NEGATIVES = FOLDER / "negatives.jsonl"  # no article answers these; they teach refusal
# Never used for training or calibration:
HELD_OUT = FOLDER / "held_out.jsonl"
OUTSIDER = FOLDER / "outsider.jsonl"  # in other styles, by somebody who knew the articles' titles alone
AMBIGUOUS_HELD_OUT = FOLDER / "ambiguous_held_out.jsonl"


@dataclass(frozen=True)
class LabelledQuestion:
    text: str
    key: str | None = None
    also: frozenset[str] = frozenset()  # other articles that answer it as well, or that it may mean
    ambiguous: bool = False  # it may mean any of the accepted articles: right is to ask back

    @property
    def accepted(self) -> frozenset[str]:
        return self.also | {self.key} if self.key else frozenset()


def read_questions(path: Path) -> list[LabelledQuestion]:
    """Raises InvalidInput naming the file's bad lines."""
    questions, errors = [], []
    try:
        # Not `splitlines`: the other signs that it takes for line ends may stand inside JSON strings.
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            questions.append(_question(json.loads(line)))
        except (ValueError, TypeError) as error:
            errors.append(f"{path}:{number}: {error}")
    if errors:
        raise InvalidInput("\n".join(errors[:20]))
    if not questions:
        raise InvalidInput(f"{path} has no questions")
    return questions


def _question(row: object) -> LabelledQuestion:
    if not isinstance(row, dict):
        raise ValueError("a line must be a JSON object")
    text, key, also = row.get("text"), row.get("key"), row.get("also") or []
    ambiguous = row.get("ambiguous", False)
    if not isinstance(text, str) or not text.strip():
        raise ValueError('"text" must be a non-empty string')
    if key is not None and not isinstance(key, str):
        raise ValueError('"key" must be a string')
    if not isinstance(also, list) or not all(isinstance(other, str) for other in also):
        raise ValueError('"also" must be a list of strings')
    if not isinstance(ambiguous, bool):
        raise ValueError('"ambiguous" must be true or false')
    return LabelledQuestion(text.strip(), key or None, frozenset(also), ambiguous)
