"""Measure or try a trained model, in the repository root:

`python -m bot.evaluate eval FILE.jsonl --model PATH [--errors FILE]`,
`python -m bot.evaluate parse TEXT --model PATH`.

Each prints one JSON object. The embedding model's folder comes from --embedding or TELLER_EMBEDDING_MODEL.
"""

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.quiet import claim_stdout, quieten_logs, set_environment
from bot.without_tensorflow import stand_in

Entity = tuple[str, str]


class BadRow(Exception):
    """A line of the evaluation file is not a labelled utterance."""


@dataclass(frozen=True)
class Labelled:
    """One row of an evaluation file."""

    text: str
    intent: str
    entities: tuple[Entity, ...]


@dataclass
class Tally:
    """Right, missed and false ones of one class."""

    right: int = 0
    missed: int = 0
    false: int = 0

    @property
    def support(self) -> int:
        return self.right + self.missed

    def figures(self) -> dict[str, float]:
        """Precision, recall and F1; 0 where there is nothing to divide by."""
        precision = self.right / (self.right + self.false) if self.right + self.false else 0.0
        recall = self.right / self.support if self.support else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


@dataclass
class Score:
    """Sums up predictions against labels."""

    n: int = 0
    right: int = 0
    intents: dict[str, Tally] = field(default_factory=dict)
    entities: Tally = field(default_factory=Tally)

    def add(self, row: Labelled, intent: str, entities: list[Entity]) -> bool:
        """Count one prediction; True when intent and entities are all right."""
        self.n += 1
        self._count_intent(row.intent, intent)
        labelled, predicted = Counter(row.entities), Counter(entities)
        self.entities.right += sum((labelled & predicted).values())
        self.entities.missed += sum((labelled - predicted).values())
        self.entities.false += sum((predicted - labelled).values())
        return row.intent == intent and labelled == predicted

    def _count_intent(self, labelled: str, predicted: str) -> None:
        tally = self.intents.setdefault(labelled, Tally())
        if labelled == predicted:
            self.right += 1
            tally.right += 1
        else:
            tally.missed += 1
            self.intents.setdefault(predicted, Tally()).false += 1

    def report(self) -> dict[str, Any]:
        """Accuracy and macro-F1 over the intents that occur in the labels; entities micro-averaged, type and value."""
        labelled = {name: tally for name, tally in sorted(self.intents.items()) if tally.support}
        per_intent = {name: {**tally.figures(), "support": tally.support} for name, tally in labelled.items()}
        macro = sum(figures["f1"] for figures in per_intent.values()) / len(per_intent) if per_intent else 0.0
        return {
            "n": self.n,
            "accuracy": round(self.right / self.n, 4) if self.n else 0.0,
            "macro_f1": round(macro, 4),
            "per_intent": per_intent,
            "entities": self.entities.figures(),
        }


def read_rows(file: Path) -> list[Labelled]:
    """The rows of a JSON-lines file. Raises BadRow with file and line, OSError."""
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            rows.append(_row(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadRow(f"{file}:{number}: not a row with text, intent and entities ({error})") from error
    if not rows:
        raise BadRow(f"{file}: no rows")
    return rows


def _row(fields: dict[str, Any]) -> Labelled:
    text, intent = fields["text"], fields["intent"]
    if not (isinstance(text, str) and text.strip() and isinstance(intent, str)):
        raise ValueError("text and intent must be strings")
    entities = tuple((str(one["entity"]), str(one["value"])) for one in fields.get("entities") or [])
    return Labelled(text, intent, entities)


class Understanding:
    """A trained model without a server."""

    def __init__(self, model: Path) -> None:
        """Load the model. Raises FileNotFoundError."""
        from rasa.core.agent import Agent

        if not model.is_file():
            raise FileNotFoundError(f"no model at {model}")
        quieten_logs()
        self._agent = Agent.load(str(model))
        self._loop = asyncio.new_event_loop()

    def parse(self, text: str) -> dict[str, Any]:
        """Intent, ranking and entities as Rasa gives them, for the text as the channel would pass it on."""
        # See bot/channels/gateway_channel.py: a leading slash would be obeyed as a command.
        safe = "／" + text[1:] if text.startswith("/") else text
        return self._loop.run_until_complete(self._agent.parse_message(safe))


def entities_of(parsed: dict[str, Any]) -> list[Entity]:
    """Type and value of each entity found."""
    return [(entity["entity"], str(entity["value"])) for entity in parsed["entities"]]


def evaluate(understanding: Understanding, rows: list[Labelled]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The report, and the rows that were not understood wholly."""
    score, errors = Score(), []
    for row in rows:
        parsed = understanding.parse(row.text)
        entities = entities_of(parsed)
        if not score.add(row, parsed["intent"]["name"], entities):
            errors.append(_error(row, parsed, entities))
    return score.report(), errors


def _error(row: Labelled, parsed: dict[str, Any], entities: list[Entity]) -> dict[str, Any]:
    return {
        "text": row.text,
        "intent": row.intent,
        "predicted": parsed["intent"]["name"],
        "confidence": round(parsed["intent"]["confidence"], 4),
        "ranking": [guess["name"] for guess in parsed.get("intent_ranking", [])[:3]],
        "entities": [{"entity": name, "value": value} for name, value in row.entities],
        "predicted_entities": [{"entity": name, "value": value} for name, value in entities],
    }


def parsed_result(parsed: dict[str, Any]) -> dict[str, Any]:
    """What `parse` prints."""
    return {
        "text": parsed["text"],
        "intent": parsed["intent"],
        "ranking": parsed.get("intent_ranking", [])[:3],
        "entities": [
            {name: entity[name] for name in ("entity", "value", "start", "end")} for entity in parsed["entities"]
        ],
    }


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.evaluate", description="Measure or try a trained model.")
    commands = parser.add_subparsers(dest="command", required=True)
    measure = commands.add_parser("eval", help="measure on a JSON-lines file")
    measure.add_argument("file", type=Path)
    measure.add_argument("--errors", type=Path, help="write the rows that were not understood here")
    one = commands.add_parser("parse", help="try one text")
    one.add_argument("text")
    for command in (measure, one):
        command.add_argument("--model", type=Path, required=True)
        command.add_argument("--embedding", type=Path, help="folder of the embedding model")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    if options.command == "parse":
        return parsed_result(Understanding(options.model).parse(options.text))
    rows = read_rows(options.file)
    report, errors = evaluate(Understanding(options.model), rows)
    if options.errors:
        lines = [json.dumps(error, ensure_ascii=False) + "\n" for error in errors]
        options.errors.write_text("".join(lines), encoding="utf-8")
    return report


def main(arguments: list[str] | None = None) -> int:
    options = _arguments(arguments)
    if options.embedding:
        os.environ["TELLER_EMBEDDING_MODEL"] = str(options.embedding.resolve())
    result = claim_stdout()
    set_environment()
    stand_in()
    try:
        answer = _run(options)
    except (BadRow, OSError, RuntimeError) as failure:
        print(f"evaluation failed: {failure}", file=sys.stderr)
        return 1
    json.dump(answer, result, ensure_ascii=False)
    result.write("\n")
    result.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
