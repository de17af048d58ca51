"""`teller user …`"""

from typing import Annotated, Any

import typer

from app.cli.output import Json, emit, print_facts, print_table
from app.cli.rooms import call

group = typer.Typer()

Name = Annotated[str, typer.Argument(help="The name to sign in with.")]
Role = Annotated[str, typer.Option("--role", help="administrator, supervisor, agent, trainer or kb_manager.")]
DisplayName = Annotated[str | None, typer.Option("--display-name", help="The name that customers and colleagues see.")]


@group.command()
def add(name: Name, role: Role, display_name: DisplayName = None, json: Json = False) -> None:
    """Make an account; its password is printed once."""
    from accounts.commands import add_user

    emit(call(add_user, name, role, display_name), json, _print_password)


@group.command("list")
def list_(json: Json = False) -> None:
    """List all accounts."""
    from accounts.commands import list_users

    emit(call(list_users), json, _print_users)


@group.command("reset-password")
def reset_password(name: Name, json: Json = False) -> None:
    """Give an account a new password, printed once; its sessions end."""
    from accounts.commands import reset_password as new_password

    emit(call(new_password, name), json, _print_password)


def _print_password(account: dict[str, Any]) -> None:
    print_facts(account)
    print("The password is not shown again.")


def _print_users(accounts: list[dict[str, Any]]) -> None:
    columns = ("username", "display_name", "role")
    print_table(columns, [[account.get(column, "") for column in columns] for account in accounts])
