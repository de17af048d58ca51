"""What the command line does with accounts."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from accounts.roles import Role
from accounts.schemas import Username
from accounts.service import Accounts
from core.database import Database
from core.problems import InvalidInput
from core.settings import Settings

Result = TypeVar("Result")
FIRST_ADMINISTRATOR = "admin"


def _with_accounts(settings: Settings, work: Callable[[Accounts], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        with closing(Database(settings.resolved_database_url)) as database:
            return await work(Accounts(settings, database))

    return asyncio.run(run())


def add_user(settings: Settings, username: str, role: str, display_name: str | None = None) -> dict[str, Any]:
    """Raises InvalidInput for a bad name or role and UserExists."""
    try:
        username, checked = TypeAdapter(Username).validate_python(username), Role(role)
    except ValidationError:
        raise InvalidInput("a user name has 2 to 64 letters, digits and . _ -") from None
    except ValueError:
        raise InvalidInput(f"no role {role}; the roles are {', '.join(Role)}") from None

    async def work(accounts: Accounts) -> dict[str, Any]:
        password = await accounts.add(username, checked, display_name)
        return {"username": username, "role": str(checked), "password": password}

    return _with_accounts(settings, work)


def list_users(settings: Settings) -> list[dict[str, Any]]:
    async def work(accounts: Accounts) -> list[dict[str, Any]]:
        return [user.model_dump(mode="json") for user in await accounts.all()]

    return _with_accounts(settings, work)


def reset_password(settings: Settings, username: str) -> dict[str, Any]:
    async def work(accounts: Accounts) -> dict[str, Any]:
        user, password = await accounts.reset_password(username)
        return {"username": user.username, "role": str(user.role), "password": password}

    return _with_accounts(settings, work)


def ensure_administrator(settings: Settings) -> str | None:
    """On a new installation make the first administrator and give the password, this once; else None."""

    async def work(accounts: Accounts) -> str | None:
        if await accounts.all():
            return None
        return await accounts.add(FIRST_ADMINISTRATOR, Role.ADMINISTRATOR, "管理员")

    return _with_accounts(settings, work)
