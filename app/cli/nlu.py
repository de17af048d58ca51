"""`teller nlu …`: runs in the bot's own environment, without its server."""

import json as json_format
import os
import subprocess
import sys
from typing import Annotated, Any

import typer

from app.cli.errors import CommandFailed
from app.cli.output import Json, emit, print_facts, print_table
from app.cli.rooms import ErrorsFile, InputFile, load_settings, readable, writable

group = typer.Typer()


@group.command()
def parse(text: Annotated[str, typer.Argument(help="What the customer says.")], json: Json = False) -> None:
    """Show the intent and the entities that the bot finds in TEXT."""
    emit(_bot("bot.parse", "--", text), json, _print_parse)


@group.command()
def train(
    force: Annotated[bool, typer.Option("--force", help="Train even when nothing has changed.")] = False,
    json: Json = False,
) -> None:
    """Train the bot's model."""
    emit(_bot("bot.train", *(["--force"] if force else [])), json, print_facts)


@group.command("eval")
def evaluate(file: InputFile, errors: ErrorsFile = None, json: Json = False) -> None:
    """Measure intents and entities on FILE (JSON lines: text, intent, entities)."""
    arguments = [str(readable(file)), *(["--errors", str(writable(errors))] if errors else [])]
    emit(_bot("bot.evaluate", *arguments), json, print_facts)


def _bot(module: str, *arguments: str) -> Any:
    """Run a module in the bot's environment: its last line of output is a JSON value, its messages go to standard error."""
    from app.processes.table import bot_environment
    from app.setup.places import BOT_ENV, PROJECT, python_of

    settings = load_settings()
    python = python_of(BOT_ENV)
    if not python.exists():
        raise CommandFailed("the bot's environment is missing; run `make setup`", code="not_set_up")
    result = subprocess.run(
        [str(python), "-m", module, *arguments], cwd=PROJECT, env={**os.environ, **bot_environment(settings)},
        stdin=subprocess.DEVNULL, check=False, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    if result.returncode:
        raise CommandFailed(_cause(result.stderr or result.stdout), code="bot_failed")
    try:
        return json_format.loads(_last_line(result.stdout))
    except ValueError:
        sys.stderr.write(result.stderr)
        raise CommandFailed(f"{module} gave no JSON", code="bot_failed") from None


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _cause(text: str) -> str:
    return _last_line(text) or "it gave no reason"


def _print_parse(parsed: dict[str, Any]) -> None:
    intent = parsed["intent"]
    print(f"intent: {intent['name']} ({intent['confidence']:.3f})")
    for entity in parsed.get("entities", []):
        print(f"entity: {entity['entity']} = {entity['value']}")
    ranking = parsed.get("intent_ranking") or parsed.get("ranking") or []
    print_table(("confidence", "intent"), [(f"{item['confidence']:.3f}", item["name"]) for item in ranking[:5]])
