"""Accounts of the staff: signing in and out, passwords, and the audit of privileged actions."""

import asyncio
import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import Any

from pwdlib import PasswordHash
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from accounts.models import AuditEntry, ConsoleSession, User
from accounts.roles import Role
from accounts.schemas import UserView
from core.clock import Clock, utc_now
from core.database import Database
from core.limits import RateLimit
from core.problems import Conflict, Forbidden, InvalidInput, NotFound, Problem
from core.settings import Settings

COMMAND_LINE = "command line"
GENERATED_BYTES = 12  # 96 bits, 16 characters

_hasher = PasswordHash.recommended()  # Argon2id
# Checked when there is no such user, so that an answer takes as long as for a wrong password.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


class InvalidCredentials(Problem):
    code = "invalid_credentials"
    status = 401
    title = "用户名或密码不正确"


class TooManyAttempts(Problem):
    code = "too_many_attempts"
    status = 429
    title = "登录失败次数过多，请稍后再试"
    retry = True

    def __init__(self, seconds: float) -> None:
        super().__init__(retry_after=round(seconds))
        self.headers = {"Retry-After": str(round(seconds))}


class UserExists(Conflict):
    code = "user_exists"
    title = "用户名已存在"


class UserNotFound(NotFound):
    code = "user_not_found"
    title = "没有这个用户"


class Accounts:
    def __init__(self, settings: Settings, database: Database, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.database = database
        self.clock = clock
        self._failures = RateLimit(settings.login_attempts, settings.login_pause_minutes * 60)

    async def sign_in(self, username: str, password: str, address: str) -> tuple[UserView, str]:
        """The user and a new session's cookie value. Raises InvalidCredentials or TooManyAttempts.

        Attempts are counted for the account and for the address, whether or not the account exists.
        """
        keys = (f"user:{username.lower()}", f"address:{address}")
        wait = max(self._failures.wait(key) for key in keys)
        if wait:
            raise TooManyAttempts(wait)
        for key in keys:  # counted before the slow check: parallel guesses are no way around the limit
            self._failures.count(key)
        user = await self.database.read(lambda session: _by_username(session, username))
        matches = await asyncio.to_thread(_hasher.verify, password, user.password_hash if user else _NOBODY)
        if user is None or not matches or not user.active:
            await self.audit(user.id if user else "unknown", "sign_in_failed", username[:64])
            raise InvalidCredentials
        for key in keys:
            self._failures.forget(key)
        return UserView.model_validate(user), await self._open_session(user.id)

    async def _open_session(self, user: str) -> str:
        token, now = secrets.token_urlsafe(32), self.clock()
        expires = now + timedelta(hours=self.settings.console_session_hours)

        def store(session: Session) -> None:
            session.execute(delete(ConsoleSession).where(ConsoleSession.expires_at < now))
            session.add(ConsoleSession(token_hash=_hash(token), user_id=user, created_at=now, expires_at=expires))
            session.add(_entry(now, user, "sign_in", user))

        await self.database.write(store)
        return token

    async def sign_out(self, token: str) -> None:
        ended = delete(ConsoleSession).where(ConsoleSession.token_hash == _hash(token))
        await self.database.write(lambda session: session.execute(ended))

    async def of_session(self, token: str) -> UserView | None:
        """Who is signed in with this cookie; None when nobody is, any more."""
        query = (
            select(User)
            .join(ConsoleSession, ConsoleSession.user_id == User.id)
            .where(ConsoleSession.token_hash == _hash(token), ConsoleSession.expires_at > self.clock(), User.active)
        )
        user = await self.database.read(lambda session: session.scalars(query).first())
        return UserView.model_validate(user) if user else None

    async def change_password(self, user: str, current: str, new: str, keep: str) -> None:
        """Change one's own password; every session but the one with cookie `keep` ends."""
        if current == new:
            raise InvalidInput("the new password must differ")
        row = await self.database.read(lambda session: session.get(User, user))
        if row is None or not await asyncio.to_thread(_hasher.verify, current, row.password_hash):
            raise InvalidCredentials
        await self._set_password(user, new, actor=user, keep=_hash(keep))

    async def add(self, username: str, role: Role, display_name: str | None = None, actor: str = COMMAND_LINE) -> str:
        """A new account; gives its generated password, which is shown once and not kept."""
        password = secrets.token_urlsafe(GENERATED_BYTES)
        hashed, now = await asyncio.to_thread(_hasher.hash, password), self.clock()
        user = User(
            id=uuid.uuid4().hex, username=username, display_name=display_name or username, role=role,
            password_hash=hashed, password_changed_at=now, active=True, created_at=now,
        )  # fmt: skip

        def store(session: Session) -> None:
            if _by_username(session, username):
                raise UserExists(username)
            session.add(user)
            session.add(_entry(now, actor, "add_user", user.id, {"username": username, "role": role}))

        await self.database.write(store)
        return password

    async def all(self) -> list[UserView]:
        users = await self.database.read(lambda session: session.scalars(select(User).order_by(User.username)).all())
        return [UserView.model_validate(user) for user in users]

    async def name_of(self, user: str | None) -> str | None:
        """The display name of a user's id."""
        if user is None:
            return None
        row = await self.database.read(lambda session: session.get(User, user))
        return row.display_name if row else None

    async def reset_password(self, username: str, actor: str = COMMAND_LINE) -> tuple[UserView, str]:
        """A generated password; every session of the account ends."""
        user = await self.database.read(lambda session: _by_username(session, username))
        if user is None:
            raise UserNotFound(username)
        password = secrets.token_urlsafe(GENERATED_BYTES)
        await self._set_password(user.id, password, actor=actor)
        return UserView.model_validate(user), password

    async def _set_password(self, user: str, password: str, actor: str, keep: str = "") -> None:
        hashed, now = await asyncio.to_thread(_hasher.hash, password), self.clock()
        others = (ConsoleSession.user_id == user, ConsoleSession.token_hash != keep)

        def store(session: Session) -> None:
            row = session.get_one(User, user)
            row.password_hash, row.password_changed_at = hashed, now
            session.execute(delete(ConsoleSession).where(*others))
            session.add(_entry(now, actor, "set_password", user))

        await self.database.write(store)

    async def audit(self, actor: str, action: str, subject: str, **detail: Any) -> None:
        """Record a privileged action."""
        entry = _entry(self.clock(), actor, action, subject, detail)
        await self.database.write(lambda session: session.add(entry))


def require(user: UserView, roles: tuple[Role, ...]) -> UserView:
    if user.role not in roles:
        raise Forbidden(f"needs one of: {', '.join(roles)}")
    return user


def _by_username(session: Session, username: str) -> User | None:
    return session.scalars(select(User).where(User.username == username)).first()


def _entry(at: Any, actor: str, action: str, subject: str, detail: dict[str, Any] | None = None) -> AuditEntry:
    return AuditEntry(at=at, actor=actor, action=action, subject=subject, detail=detail or {})


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
