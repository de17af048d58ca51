"""What the command line does with conversations: all of them out to JSON lines, and logs of other systems in.

One line is one conversation (docs/conversation-format.md):
``{"id", "channel", "started_at", "messages": [{"sender", "text", "at"}], "turns": [...], "ownership": [...]}``.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conversations import models
from conversations.ownership import Owner
from conversations.repository import ConversationRepository
from conversations.schemas import MessageDraft, Sender, TurnRecord
from conversations.service import Conversations, new_id
from core.bus import Bus
from core.database import STORABLE, Database
from core.problems import InvalidInput
from core.settings import Settings

Result = TypeVar("Result")
MAX_LINE_CHARS = 5_000_000


class ImportedMessage(BaseModel):
    model_config = ConfigDict(extra="ignore")
    sender: Sender
    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000, pattern=STORABLE)]
    at: AwareDatetime
    name: str | None = None


class ImportedConversation(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
    channel: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,16}$")]
    started_at: AwareDatetime
    messages: list[ImportedMessage] = Field(max_length=2000)
    turns: list[TurnRecord] = Field(default_factory=list, max_length=2000)


def _with_database(settings: Settings, work: Callable[[Database], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        database = Database(settings.resolved_database_url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def export_file(settings: Settings, path: Path) -> dict[str, Any]:
    """Every conversation, oldest first, one a line."""

    async def work(database: Database) -> dict[str, Any]:
        conversations, written = Conversations(database, Bus()), 0
        with path.open("w", encoding="utf-8") as file:
            for conversation in await _all_ids(database):
                file.write(json.dumps(await _exported(conversations, conversation), ensure_ascii=False) + "\n")
                written += 1
        return {"written": written, "path": str(path)}

    return _with_database(settings, work)


async def _all_ids(database: Database) -> list[str]:
    async with database.reading() as session:
        query = select(models.Conversation.id).order_by(models.Conversation.created_at, models.Conversation.id)
        return list(await session.scalars(query))


async def _exported(conversations: Conversations, conversation: str) -> dict[str, Any]:
    history = (await conversations.history(conversation)).model_dump(mode="json")
    head = history["conversation"]
    return {
        "id": head["id"],
        "channel": head["channel"],
        "started_at": head["created_at"],
        "owner": head["owner"],
        "messages": history["messages"],
        "turns": history["turns"],
        "ownership": history["ownership"],
    }


def import_file(settings: Settings, path: Path) -> dict[str, Any]:
    """Take in closed conversations of another system. Bad lines are reported by number, good ones are kept.

    A conversation whose id is there already is left as it is, so that a second import adds nothing.
    """
    rows, errors = _read(path)

    async def work(database: Database) -> dict[str, Any]:
        added = 0
        for row in rows:
            async with database.writing() as session:
                added += await _store(session, row)
        return {"read": len(rows), "added": added, "known": len(rows) - added, "errors": errors}

    return _with_database(settings, work)


def _read(path: Path) -> tuple[list[ImportedConversation], list[dict[str, Any]]]:
    rows, errors = [], []
    try:
        # Not splitlines: inside a JSON string U+2028 and its kin are characters of a message.
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            if len(line) > MAX_LINE_CHARS:
                raise ValueError("the line is too long")
            rows.append(ImportedConversation.model_validate(json.loads(line)))
        except ValidationError as invalid:
            first = invalid.errors()[0]
            errors.append({"line": number, "problem": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"})
        except (ValueError, RecursionError) as error:
            errors.append({"line": number, "problem": str(error)})
    return rows, errors


async def _store(session: AsyncSession, row: ImportedConversation) -> int:
    repository = ConversationRepository(session)
    if await repository.get(row.id):
        return 0
    last: datetime = row.messages[-1].at if row.messages else row.started_at
    conversation = models.Conversation(
        id=row.id, token_hash="", channel=row.channel, elder=False, owner=Owner.CLOSED, owner_epoch=0, last_seq=0,
        turn_count=len(row.turns), failures=0, answer_stands=False, customer_read_seq=0, agent_read_seq=0, priority=0,
        created_at=row.started_at, last_activity_at=last, closed_at=last, close_reason="import", source="import",
    )  # fmt: skip
    session.add(conversation)
    await session.flush()
    for message in row.messages:
        draft = MessageDraft(sender=message.sender, text=message.text, name=message.name)
        repository.add_message(conversation, draft, new_id(), message.at)
    for turn in row.turns:
        session.add(models.Turn(conversation_id=row.id, **(turn.model_dump() | {"id": new_id()})))
    return 1
