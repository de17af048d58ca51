"""Queries on the agents' states."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from desk.models import Presence


class PresenceRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def state_of(self, user: str) -> str:
        row = await self.session.get(Presence, user)
        return row.state if row else "not_ready"

    async def set(self, user: str, state: str, now: datetime) -> None:
        await self.session.merge(Presence(user_id=user, state=state, since=now))

    async def ready(self) -> int:
        return await self.session.scalar(select(func.count()).where(Presence.state == "ready")) or 0

    async def all_away(self, now: datetime) -> None:
        await self.session.execute(update(Presence).values(state="not_ready", since=now))
