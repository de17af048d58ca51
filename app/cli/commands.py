"""Every command and group of `teller`, in one list."""

from typing import Any

import typer

from app.cli import conversations, knowledge, nlu, product, speech, talk, users

GROUPS = {
    "kb": (knowledge.group, "The knowledge base: import, export, search, evaluate."),
    "nlu": (nlu.group, "What the bot understands: parse, train, evaluate."),
    "asr": (speech.group, "Speech recognition: transcribe, evaluate, adapt, download."),
    "conversations": (conversations.group, "Stored conversations: import, export."),
    "user": (users.group, "Accounts of the console."),
}


def build() -> Any:
    """The whole command line as a callable."""
    teller = typer.Typer(
        name="teller", help="Teller: the robot front line of a bank's contact centre.", no_args_is_help=True,
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    )  # fmt: skip
    for command in (product.up, product.down, product.status, product.doctor, talk.ask, talk.chat):
        teller.command()(command)
    for name, (group, text) in GROUPS.items():
        teller.add_typer(group, name=name, help=text, no_args_is_help=True)
    return typer.main.get_command(teller)
