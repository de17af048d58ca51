"""`teller conversations …`"""

import typer

from app.cli.output import Json, emit, print_facts
from app.cli.rooms import InputFile, OutputFile, call, readable, writable

group = typer.Typer()


@group.command("import")
def import_(file: InputFile, json: Json = False) -> None:
    """Load conversations from FILE (JSON lines)."""
    from conversations.commands import import_file

    emit(call(import_file, readable(file)), json, print_facts)


@group.command()
def export(file: OutputFile, json: Json = False) -> None:
    """Write all conversations to FILE (JSON lines). It holds customers' words: keep it safe."""
    from conversations.commands import export_file

    emit(call(export_file, writable(file)), json, print_facts)
