"""Queries on the agents' states."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from desk.models import Presence


class PresenceRepository:
    def __init__(self, session: Session) -> None:
        self.session = session

    def state_of(self, user: str) -> str:
        row = self.session.get(Presence, user)
        return row.state if row else "not_ready"

    def set(self, user: str, state: str, now: datetime) -> None:
        self.session.merge(Presence(user_id=user, state=state, since=now))

    def ready(self) -> int:
        return self.session.scalar(select(func.count()).where(Presence.state == "ready")) or 0

    def all_away(self, now: datetime) -> None:
        self.session.execute(update(Presence).values(state="not_ready", since=now))
