"""What the command line does with conversations: all of them out to JSON lines, and logs of other systems in.

One line is one conversation (docs/conversation-format.md):
``{"id", "channel", "started_at", "messages": [{"sender", "text", "at"}], "turns": [...], "ownership": [...]}``.
"""

import json
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from conversations import models
from conversations.ownership import Owner
from conversations.repository import ConversationRepository
from conversations.schemas import ConversationHistory, MessageDraft, Sender, TurnRecord
from conversations.service import new_id
from core.database import STORABLE, Database
from core.problems import InvalidInput
from core.settings import Settings

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


def export_file(settings: Settings, path: Path) -> dict[str, Any]:
    """Every conversation, oldest first, one a line."""
    written = 0
    with closing(Database(settings.resolved_database_url)) as database, path.open("w", encoding="utf-8") as file:
        with database.reading() as session:
            query = select(models.Conversation.id).order_by(models.Conversation.created_at, models.Conversation.id)
            conversations = list(session.scalars(query))
        for conversation in conversations:
            with database.reading() as session:
                history = ConversationRepository(session).history(conversation)
            if history:  # none when it was deleted meanwhile
                file.write(json.dumps(_exported(history), ensure_ascii=False) + "\n")
                written += 1
    return {"written": written, "path": str(path)}


def _exported(whole: ConversationHistory) -> dict[str, Any]:
    history = whole.model_dump(mode="json")
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
    added = 0
    with closing(Database(settings.resolved_database_url)) as database:
        for row in rows:
            with database.writing() as session:
                added += _store(session, row)
    return {"read": len(rows), "added": added, "known": len(rows) - added, "errors": errors}


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


def _store(session: Session, row: ImportedConversation) -> int:
    repository = ConversationRepository(session)
    if repository.get(row.id):
        return 0
    last: datetime = row.messages[-1].at if row.messages else row.started_at
    conversation = models.Conversation(
        id=row.id, token_hash="", channel=row.channel, elder=False, owner=Owner.CLOSED, owner_epoch=0,
        last_seq=len(row.messages), turn_count=len(row.turns),
        failures=0, answer_stands=False, customer_read_seq=0, agent_read_seq=0, priority=0,
        created_at=row.started_at, last_activity_at=last, closed_at=last, close_reason="import", source="import",
    )  # fmt: skip
    session.add(conversation)
    session.flush()
    for seq, message in enumerate(row.messages, 1):
        draft = MessageDraft(sender=message.sender, text=message.text, name=message.name)
        repository.add_message(row.id, seq, draft, new_id(), message.at)
    for turn in row.turns:
        repository.add_turn(row.id, turn.model_copy(update={"id": new_id()}))
    return 1
