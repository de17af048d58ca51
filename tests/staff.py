"""The bank's people, for tests: accounts that exist and are signed in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from fastapi import FastAPI

from accounts.access import COOKIE
from accounts.roles import Role
from accounts.schemas import UserView
from app.main import Teller, create_app

FROM_OUR_PAGES = {"X-Teller-CSRF": "1"}


@dataclass(frozen=True)
class Person:
    user: UserView
    password: str
    cookie: str


class Staff:
    def __init__(self, teller: Teller) -> None:
        self.teller = teller
        self._app: FastAPI | None = None  # made when it is first needed; making it takes longer than asking it

    async def hire(self, name: str, role: Role = Role.AGENT) -> Person:
        """A new account, signed in."""
        password = await self.teller.accounts.add(name, role, display_name=f"{name}的显示名")
        user, cookie = await self.teller.accounts.sign_in(name, password, f"desk of {name}")
        return Person(user, password, cookie)

    @asynccontextmanager
    async def browser(self, person: Person | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """A client as the console's pages are one, signed in as `person`."""
        self._app = self._app or create_app(self.teller)
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        cookies = {COOKIE: person.cookie} if person else {}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://teller.test", cookies=cookies, headers=FROM_OUR_PAGES
        ) as client:
            yield client
