"""The one way into the console: a signed-in user with a fitting role, and for changes a request from our own pages."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Cookie, Depends, Header, Request
from starlette.requests import HTTPConnection

from accounts.roles import Role
from accounts.schemas import UserView
from accounts.service import Accounts, require
from core.problems import Forbidden, Unauthenticated

COOKIE = "teller_session"
READING_METHODS = {"GET", "HEAD", "OPTIONS"}


async def the_accounts(connection: HTTPConnection) -> Accounts:
    accounts: Accounts = connection.app.state.accounts
    return accounts


async def signed_in(
    request: Request,
    teller_session: Annotated[str, Cookie(max_length=128)] = "",
    x_teller_csrf: Annotated[str, Header(max_length=8)] = "",
) -> UserView:
    """Raises Unauthenticated, or Forbidden for a change that does not carry our pages' own header.

    Other sites' pages cannot send that header without a CORS grant, which is never given (OWASP: custom request
    headers).
    """
    if request.method not in READING_METHODS and x_teller_csrf != "1":
        raise Forbidden("the X-Teller-CSRF header is missing")
    user = await (await the_accounts(request)).of_session(teller_session) if teller_session else None
    if user is None:
        raise Unauthenticated
    return user


SignedIn = Annotated[UserView, Depends(signed_in)]


def with_role(*roles: Role) -> Callable[..., Coroutine[Any, Any, UserView]]:
    """A dependency that gives the signed-in user when he has one of these roles."""

    async def user_with_role(user: SignedIn) -> UserView:
        return require(user, roles)

    return user_with_role
