"""`teller nlu …`: runs in the bot's own environment, without its server."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from app.cli.errors import CommandFailed
from app.cli.output import Json, emit, print_facts, print_table
from app.cli.rooms import ErrorsFile, InputFile, load_settings, readable, writable

group = typer.Typer()


@group.command()
def parse(text: Annotated[str, typer.Argument(help="What the customer says.")], json: Json = False) -> None:
    """Show the intent and the entities that the bot finds in TEXT."""
    from app.processes.bot import parse as parse_text

    emit(_call(parse_text, text), json, _print_parse)


@group.command()
def train(
    force: Annotated[bool, typer.Option("--force", help="Train even when nothing has changed.")] = False,
    json: Json = False,
) -> None:
    """Train the bot's model; a running Teller takes it at its next start."""
    from app.processes.bot import train_model
    from app.setup.plan import mark_done

    trained = _call(train_model, force)
    mark_done("bot-model")
    emit(trained, json, print_facts)


@group.command("eval")
def evaluate(file: InputFile, errors: ErrorsFile = None, json: Json = False) -> None:
    """Measure intents and entities on FILE (JSON lines: text, intent, entities)."""
    from app.processes.bot import evaluate as evaluate_rows

    emit(_call(evaluate_rows, readable(file), writable(errors) if errors else None), json, print_facts)


def _call(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    from app.processes.bot import BotFailed

    try:
        return function(load_settings(), *arguments)
    except BotFailed as failure:
        raise CommandFailed(str(failure), code="bot_failed") from None


def _print_parse(parsed: dict[str, Any]) -> None:
    print(f"intent: {parsed['intent']['name']} ({parsed['intent']['confidence']:.3f})")
    for entity in parsed["entities"]:
        print(f"entity: {entity['entity']} = {entity['value']}")
    print_table(
        ("confidence", "intent"),
        [(f"{item['confidence']:.3f}", item["name"]) for item in parsed["ranking"]],
        right=("confidence",),
    )
