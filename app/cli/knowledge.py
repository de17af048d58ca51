"""`teller kb …`"""

from typing import Annotated, Any

import typer

from app.cli.output import Json, emit, print_facts, print_table
from app.cli.rooms import ErrorsFile, InputFile, OutputFile, call, readable, writable

group = typer.Typer()


@group.command("import")
def import_(file: InputFile, json: Json = False) -> None:
    """Load articles from FILE; refused whole when a line of it is wrong."""
    from kb.commands import import_file

    emit(call(import_file, readable(file, folder=True)), json, print_facts)


@group.command()
def export(file: OutputFile, json: Json = False) -> None:
    """Write all articles to FILE."""
    from kb.commands import export_file

    emit(call(export_file, writable(file)), json, print_facts)


@group.command()
def search(
    text: Annotated[str, typer.Argument(help="The question.")],
    k: Annotated[int, typer.Option("-k", min=1, max=20, help="How many candidates.")] = 5,
    json: Json = False,
) -> None:
    """Find the articles that answer TEXT."""
    from kb.commands import search as search_articles

    emit(call(search_articles, text, k), json, _print_candidates)


@group.command("eval")
def evaluate(file: InputFile, errors: ErrorsFile = None, json: Json = False) -> None:
    """Measure answers on the questions of FILE (JSON lines: text, key, also)."""
    from kb.commands import evaluate as evaluate_questions

    emit(call(evaluate_questions, readable(file), writable(errors) if errors else None), json, print_facts)


@group.command()
def rebuild(json: Json = False) -> None:
    """Build the index anew from the articles in the database."""
    from kb.commands import rebuild as rebuild_index

    emit(call(rebuild_index), json, print_facts)


@group.command()
def status(json: Json = False) -> None:
    """Tell how many articles and questions there are, and which model serves them."""
    from kb.commands import status as knowledge_status

    emit(call(knowledge_status), json, print_facts)


def _print_candidates(found: dict[str, Any]) -> None:
    print(f"decision: {found['decision']}")
    rows = [
        (f"{item['score']:.3f}", item["key"], item["question"], item.get("matched", "")) for item in found["candidates"]
    ]
    print_table(("score", "key", "question", "matched"), rows, right=("score",))
