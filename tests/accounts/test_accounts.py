"""Accounts: signing in and out, passwords, sessions, the audit."""

import asyncio
from typing import Any

import pytest
from pwdlib import PasswordHash
from sqlalchemy import select, update

from accounts import commands, service
from accounts.models import AuditEntry, ConsoleSession, User
from accounts.roles import Role
from accounts.service import Accounts, InvalidCredentials, TooManyAttempts, UserExists, UserNotFound, require
from app.main import Teller
from core.limits import RateLimit
from core.problems import Forbidden, InvalidInput
from core.settings import Settings
from tests.fakes import FakeClock

pytestmark = pytest.mark.unit

WRONG = "not the password"


class Hasher:
    """Counts what it is asked; quick, so that the limits can be tried often."""

    def __init__(self) -> None:
        self.verified: list[str] = []

    def hash(self, password: str) -> str:
        return f"hash of {password}"

    def verify(self, password: str, hashed: str) -> bool:
        self.verified.append(hashed)
        return hashed == f"hash of {password}"


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Hasher:
    hasher = Hasher()
    monkeypatch.setattr(service, "_hasher", hasher)
    return hasher


@pytest.fixture
def accounts(teller: Teller) -> Accounts:
    return teller.accounts


@pytest.fixture
def seconds(accounts: Accounts) -> FakeClock:
    """The time of the limits, which is not that of the calendar."""
    clock = FakeClock()
    settings = accounts.settings
    accounts._failures = RateLimit(
        settings.login_attempts, settings.login_pause_minutes * 60, now=lambda: clock().timestamp()
    )
    return clock


async def rows(accounts: Accounts, model: type[Any]) -> list[Any]:
    return list(await accounts.database.read(lambda session: session.scalars(select(model)).all()))


async def actions(accounts: Accounts) -> list[tuple[str, str]]:
    return [(entry.actor, entry.action) for entry in await rows(accounts, AuditEntry)]


async def deactivate(accounts: Accounts, username: str) -> None:
    change = update(User).where(User.username == username).values(active=False)
    await accounts.database.write(lambda session: session.execute(change))


class TestPasswords:
    async def test_a_generated_password_opens_the_account_and_is_not_kept(self, accounts: Accounts) -> None:
        password = await accounts.add("wang", Role.AGENT)
        assert len(password) >= 16
        user, token = await accounts.sign_in("wang", password, "1.2.3.4")
        (row,) = await rows(accounts, User)
        (session,) = await rows(accounts, ConsoleSession)
        assert password not in str(vars(row))
        assert token not in str(vars(session))
        assert user.username == "wang"

    async def test_it_is_hashed_with_argon2id(self, accounts: Accounts) -> None:
        await accounts.add("wang", Role.AGENT)
        (row,) = await rows(accounts, User)
        assert row.password_hash.startswith("$argon2id$v=19$")
        assert isinstance(service._hasher, PasswordHash)

    async def test_no_two_generated_passwords_are_alike(self, accounts: Accounts, hasher: Hasher) -> None:
        assert len({await accounts.add(f"user{number}", Role.AGENT) for number in range(20)}) == 20

    async def test_changing_it_ends_the_other_sessions_only(self, accounts: Accounts, hasher: Hasher) -> None:
        password = await accounts.add("wang", Role.AGENT)
        user, here = await accounts.sign_in("wang", password, "here")
        _, elsewhere = await accounts.sign_in("wang", password, "elsewhere")
        await accounts.change_password(user.id, password, "a new long password", keep=here)
        assert await accounts.of_session(here)
        assert await accounts.of_session(elsewhere) is None
        with pytest.raises(InvalidCredentials):
            await accounts.sign_in("wang", password, "here")
        assert await accounts.sign_in("wang", "a new long password", "here")

    async def test_changing_it_does_not_end_the_sessions_of_others(self, accounts: Accounts, hasher: Hasher) -> None:
        password, other = await accounts.add("wang", Role.AGENT), await accounts.add("li", Role.AGENT)
        user, here = await accounts.sign_in("wang", password, "here")
        _, colleague = await accounts.sign_in("li", other, "there")
        await accounts.change_password(user.id, password, "a new long password", keep=here)
        assert await accounts.of_session(colleague)

    async def test_changing_it_needs_the_current_one_and_another_new_one(
        self, accounts: Accounts, hasher: Hasher
    ) -> None:
        password = await accounts.add("wang", Role.AGENT)
        user, here = await accounts.sign_in("wang", password, "here")
        with pytest.raises(InvalidCredentials):
            await accounts.change_password(user.id, WRONG, "a new long password", keep=here)
        with pytest.raises(InvalidInput):
            await accounts.change_password(user.id, password, password, keep=here)

    async def test_a_reset_ends_every_session(self, accounts: Accounts, hasher: Hasher) -> None:
        old = await accounts.add("wang", Role.AGENT)
        _, token = await accounts.sign_in("wang", old, "here")
        _, new = await accounts.reset_password("wang")
        assert await accounts.of_session(token) is None
        assert new != old
        assert await accounts.sign_in("wang", new, "here")

    async def test_nobody_can_be_reset(self, accounts: Accounts) -> None:
        with pytest.raises(UserNotFound):
            await accounts.reset_password("nobody")

    async def test_a_name_is_given_once(self, accounts: Accounts, hasher: Hasher) -> None:
        await accounts.add("wang", Role.AGENT)
        with pytest.raises(UserExists):
            await accounts.add("wang", Role.SUPERVISOR)


class TestSignIn:
    async def test_an_unknown_name_takes_the_same_path_as_a_wrong_password(
        self, accounts: Accounts, hasher: Hasher
    ) -> None:
        await accounts.add("wang", Role.AGENT)
        seen = []
        for name in ("wang", "nobody"):
            with pytest.raises(InvalidCredentials) as refused:
                await accounts.sign_in(name, WRONG, name)
            seen.append(refused.value.body())
        assert seen[0] == seen[1]
        assert len(hasher.verified) == 2
        assert service._NOBODY.startswith("$argon2id$")

    async def test_a_deactivated_account_stays_out_and_its_session_ends(
        self, accounts: Accounts, hasher: Hasher
    ) -> None:
        password = await accounts.add("wang", Role.AGENT)
        _, token = await accounts.sign_in("wang", password, "here")
        await deactivate(accounts, "wang")
        assert await accounts.of_session(token) is None
        with pytest.raises(InvalidCredentials):
            await accounts.sign_in("wang", password, "here")

    async def test_an_account_is_paused_after_so_many_failures_from_anywhere(
        self, accounts: Accounts, hasher: Hasher, seconds: FakeClock
    ) -> None:
        password = await accounts.add("wang", Role.AGENT)
        for number in range(accounts.settings.login_attempts):
            with pytest.raises(InvalidCredentials):
                await accounts.sign_in("wang", WRONG, f"10.0.0.{number}")
        with pytest.raises(TooManyAttempts) as refused:
            await accounts.sign_in("wang", password, "10.0.1.1")
        assert refused.value.headers == {"Retry-After": "600"}
        seconds.advance(minutes=accounts.settings.login_pause_minutes)
        assert await accounts.sign_in("wang", password, "10.0.1.1")

    async def test_an_address_is_paused_after_so_many_failures_with_any_name(
        self, accounts: Accounts, hasher: Hasher, seconds: FakeClock
    ) -> None:
        password = await accounts.add("wang", Role.AGENT)
        for number in range(accounts.settings.login_attempts):
            with pytest.raises(InvalidCredentials):
                await accounts.sign_in(f"guess{number}", WRONG, "10.0.0.1")
        with pytest.raises(TooManyAttempts):
            await accounts.sign_in("wang", password, "10.0.0.1")
        assert await accounts.sign_in("wang", password, "10.0.0.2")

    async def test_another_spelling_of_the_name_is_no_way_around(
        self, accounts: Accounts, hasher: Hasher, seconds: FakeClock
    ) -> None:
        for number, name in enumerate(["wang", "Wang", "WANG", "wAng", "waNg"]):
            with pytest.raises(InvalidCredentials):
                await accounts.sign_in(name, WRONG, f"10.0.0.{number}")
        with pytest.raises(TooManyAttempts):
            await accounts.sign_in("wanG", WRONG, "10.0.1.1")

    async def test_parallel_guesses_are_no_way_around(
        self, accounts: Accounts, hasher: Hasher, seconds: FakeClock
    ) -> None:
        guesses = [accounts.sign_in("wang", WRONG, f"10.0.0.{number}") for number in range(30)]
        results = await asyncio.gather(*guesses, return_exceptions=True)
        kinds = [type(result) for result in results]
        assert kinds.count(InvalidCredentials) == accounts.settings.login_attempts
        assert kinds.count(TooManyAttempts) == 30 - accounts.settings.login_attempts
        assert len(hasher.verified) == accounts.settings.login_attempts

    async def test_success_forgets_the_failures_before_it(
        self, accounts: Accounts, hasher: Hasher, seconds: FakeClock
    ) -> None:
        password = await accounts.add("wang", Role.AGENT)
        for _ in range(3):
            for _ in range(accounts.settings.login_attempts - 1):
                with pytest.raises(InvalidCredentials):
                    await accounts.sign_in("wang", WRONG, "here")
            await accounts.sign_in("wang", password, "here")


class TestSessions:
    async def test_they_expire(self, accounts: Accounts, hasher: Hasher, clock: FakeClock) -> None:
        password = await accounts.add("wang", Role.AGENT)
        _, token = await accounts.sign_in("wang", password, "here")
        clock.advance(hours=accounts.settings.console_session_hours, seconds=-1)
        assert await accounts.of_session(token)
        clock.advance(seconds=1)
        assert await accounts.of_session(token) is None

    async def test_expired_ones_are_removed_at_the_next_sign_in(
        self, accounts: Accounts, hasher: Hasher, clock: FakeClock
    ) -> None:
        password = await accounts.add("wang", Role.AGENT)
        await accounts.sign_in("wang", password, "here")
        clock.advance(days=2)
        await accounts.sign_in("wang", password, "here")
        assert len(await rows(accounts, ConsoleSession)) == 1

    async def test_signing_out_ends_that_session_alone(self, accounts: Accounts, hasher: Hasher) -> None:
        password = await accounts.add("wang", Role.AGENT)
        tokens = [(await accounts.sign_in("wang", password, "here"))[1] for _ in range(2)]
        await accounts.sign_out(tokens[0])
        assert await accounts.of_session(tokens[0]) is None
        assert await accounts.of_session(tokens[1])

    @pytest.mark.parametrize("token", ["", "x", "会话", "\x00" * 10, "x" * 10_000])
    async def test_a_cookie_that_nobody_was_given_opens_nothing(self, accounts: Accounts, token: str) -> None:
        assert await accounts.of_session(token) is None


class TestAudit:
    async def test_every_privileged_action_leaves_a_row(
        self, accounts: Accounts, hasher: Hasher, clock: FakeClock
    ) -> None:
        password = await accounts.add("wang", Role.AGENT)
        user, token = await accounts.sign_in("wang", password, "here")
        for name in ("wang", "nobody"):
            with pytest.raises(InvalidCredentials):
                await accounts.sign_in(name, WRONG, "here")
        await accounts.change_password(user.id, password, "a new long password", keep=token)
        await accounts.reset_password("wang")
        assert await actions(accounts) == [
            ("command line", "add_user"), (user.id, "sign_in"), (user.id, "sign_in_failed"),
            ("unknown", "sign_in_failed"), (user.id, "set_password"), ("command line", "set_password"),
        ]  # fmt: skip
        assert {entry.at for entry in await rows(accounts, AuditEntry)} == {clock.now}

    async def test_no_row_holds_a_password(self, accounts: Accounts, hasher: Hasher) -> None:
        password = await accounts.add("wang", Role.AGENT)
        with pytest.raises(InvalidCredentials):
            await accounts.sign_in("wang", WRONG, "here")
        written = str([vars(entry) for entry in await rows(accounts, AuditEntry)])
        assert password not in written
        assert WRONG not in written


class TestRoles:
    async def test_a_fitting_role_passes_and_another_does_not(self, accounts: Accounts, hasher: Hasher) -> None:
        await accounts.add("wang", Role.TRAINER)
        (user,) = await accounts.all()
        assert require(user, (Role.AGENT, Role.TRAINER)) is user
        with pytest.raises(Forbidden):
            require(user, (Role.AGENT,))

    async def test_names_are_known_by_id(self, accounts: Accounts, hasher: Hasher) -> None:
        await accounts.add("wang", Role.AGENT, display_name="小王")
        (user,) = await accounts.all()
        assert await accounts.name_of(user.id) == "小王"
        assert await accounts.name_of("nobody") is None
        assert await accounts.name_of(None) is None


class TestCommands:
    """What `teller user` does."""

    def test_the_first_administrator_is_made_once(self, settings: Settings) -> None:
        password = commands.ensure_administrator(settings)
        assert password
        assert commands.ensure_administrator(settings) is None
        (user,) = commands.list_users(settings)
        assert (user["username"], user["role"]) == ("admin", "administrator")

    def test_adding_listing_and_resetting(self, settings: Settings) -> None:
        added = commands.add_user(settings, "li", "supervisor", "小李")
        again = commands.reset_password(settings, "li")
        assert added["role"] == again["role"] == "supervisor"
        assert added["password"] != again["password"]
        assert [user["display_name"] for user in commands.list_users(settings)] == ["小李"]

    @pytest.mark.parametrize(
        ("name", "role"),
        [("li", "boss"), ("x", "agent"), ("a b", "agent"), ("小李", "agent"), ("", "agent"), ("a" * 65, "agent")],
    )
    def test_a_bad_name_or_role_is_refused(self, settings: Settings, name: str, role: str) -> None:
        with pytest.raises(InvalidInput):
            commands.add_user(settings, name, role)
        assert commands.list_users(settings) == []
