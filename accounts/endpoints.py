"""Signing in and out of the console."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Request, Response

from accounts.access import COOKIE, SignedIn, the_accounts
from accounts.schemas import Login, PasswordChange, UserView
from accounts.service import Accounts

router = APIRouter(prefix="/api/v1/auth", tags=["accounts"])

TheAccounts = Annotated[Accounts, Depends(the_accounts)]
SessionCookie = Annotated[str, Cookie(alias=COOKIE, max_length=128)]


@router.post("/login")
async def login(body: Login, request: Request, response: Response, accounts: TheAccounts) -> UserView:
    address = request.client.host if request.client else ""
    user, token = await accounts.sign_in(body.username, body.password, address)
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="strict", secure=accounts.settings.secure_cookies, path="/",
        max_age=round(accounts.settings.console_session_hours * 3600),
    )  # fmt: skip
    return user


@router.post("/logout", status_code=204)
async def logout(response: Response, accounts: TheAccounts, _user: SignedIn, token: SessionCookie = "") -> None:
    await accounts.sign_out(token)
    response.delete_cookie(COOKIE, path="/")


@router.get("/me")
async def me(user: SignedIn) -> UserView:
    return user


@router.post("/password", status_code=204)
async def change_password(
    body: PasswordChange, accounts: TheAccounts, user: SignedIn, token: SessionCookie = ""
) -> None:
    await accounts.change_password(user.id, body.current, body.new, keep=token)
