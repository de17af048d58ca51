"""Conversations out to JSON lines and in again."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from app.main import bootstrap
from conversations import commands
from conversations.ownership import Owner
from conversations.schemas import ConversationHistory
from conversations.service import Conversations
from core.bus import Bus
from core.database import Database
from core.problems import InvalidInput
from core.settings import Settings
from gateway.turn import Incoming
from tests.fakes import QUESTIONS, FakeClock, FakeKnowledge, FakeRasa

AT = "2026-01-05T09:00:00+08:00"
TALK = [
    {"sender": "customer", "text": "卡丢了", "at": AT},
    {"sender": "agent", "text": "请挂失", "at": AT, "name": "王"},
]


def line(conversation: str = "old-1", **more: Any) -> str:
    content = {"id": conversation, "channel": "phone", "started_at": AT, "messages": TALK} | more
    return json.dumps(content, ensure_ascii=False)


@pytest.fixture
def settings(settings_of_each_database: Settings) -> Settings:
    return settings_of_each_database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "talks.jsonl"


def history(settings: Settings, conversation: str) -> ConversationHistory:
    async def look() -> ConversationHistory:
        database = Database(settings.resolved_database_url)
        try:
            return await Conversations(database, Bus()).history(conversation)
        finally:
            database.close()

    return asyncio.run(look())


def talk(settings: Settings) -> str:
    """One live conversation with everything in it; gives its id."""

    async def run() -> str:
        knowledge, clock = FakeKnowledge(), FakeClock()
        teller = bootstrap(settings, rasa=FakeRasa(knowledge), knowledge=knowledge, clock=clock)
        view, _ = await teller.conversations.start("web", elder=False)
        result = await teller.gateway.turns.handle_turn(Incoming(view.id, "m1", QUESTIONS["debit.lost"]))
        await teller.gateway.rate(view.id, str(result.turn), "solved")
        clock.advance(minutes=1)
        await teller.gateway.turns.handle_turn(Incoming(view.id, "m2", "第一行\n第二行\u2028第三行\u0085 😀"))
        await teller.gateway.close(view.id, "customer")
        teller.database.close()
        return view.id

    return asyncio.run(run())


def forget_everything(settings: Settings) -> None:
    from sqlalchemy import delete

    from conversations.models import Conversation

    database = Database(settings.resolved_database_url)
    with database.writing() as session:
        session.execute(delete(Conversation))
    database.close()


def test_what_was_exported_comes_back_as_it_was(settings: Settings, file: Path) -> None:
    conversation = talk(settings)
    before = history(settings, conversation)
    assert commands.export_file(settings, file) == {"written": 1, "path": str(file)}
    forget_everything(settings)
    assert commands.import_file(settings, file) == {"read": 1, "added": 1, "known": 0, "errors": []}
    after = history(settings, conversation)
    assert [(m.seq, m.sender, m.text, m.at) for m in after.messages] == [
        (m.seq, m.sender, m.text, m.at) for m in before.messages
    ]
    assert [turn.model_dump(exclude={"id"}) for turn in after.turns] == [
        turn.model_dump(exclude={"id"}) for turn in before.turns
    ]
    assert after.conversation.owner == Owner.CLOSED
    assert after.conversation.created_at == before.conversation.created_at


def test_a_second_import_adds_nothing(settings: Settings, file: Path) -> None:
    file.write_text(line("old-1") + "\n" + line("old-2") + "\n")
    assert commands.import_file(settings, file)["added"] == 2
    assert commands.import_file(settings, file) == {"read": 2, "added": 0, "known": 2, "errors": []}
    assert len(history(settings, "old-1").messages) == 2


def test_an_id_that_comes_twice_in_one_file_is_added_once(settings: Settings, file: Path) -> None:
    file.write_text(line() + "\n" + line() + "\n")
    assert commands.import_file(settings, file) == {"read": 2, "added": 1, "known": 1, "errors": []}


def test_a_conversation_in_which_nothing_was_said_comes_back_too(settings: Settings, file: Path) -> None:
    file.write_text(line(messages=[]))
    assert commands.import_file(settings, file)["added"] == 1


BAD = {
    "not JSON": "{nope",
    "a list": "[]",
    "a number": "5",
    "nested too deeply": "[" * 100_000,
    "without an id": json.dumps({"channel": "web", "started_at": AT, "messages": TALK}),
    "an id of strange characters": line("a b"),
    "an id that is too long": line("x" * 33),
    "a time without a zone": line(started_at="2026-01-05T09:00:00"),
    "a channel in capitals": line(channel="WEB"),
    "an unknown sender": line(messages=[{"sender": "ghost", "text": "x", "at": AT}]),
    "an empty text": line(messages=[{"sender": "bot", "text": "", "at": AT}]),
    "half a character": line(messages=[{"sender": "bot", "text": "?", "at": AT}]).replace("?", "\\ud800"),
    "a NUL character": line(messages=[{"sender": "bot", "text": "a\x00b", "at": AT}]),
    "a turn of another shape": line(turns=[{"id": "x"}]),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_line_is_named_by_its_number_and_the_good_ones_are_kept(settings: Settings, file: Path, bad: str) -> None:
    file.write_text(f"{line('old-1')}\n\n{bad}\n{line('old-2')}\n")
    done = commands.import_file(settings, file)
    assert done["added"] == 2
    ((number, problem),) = [(error["line"], error["problem"]) for error in done["errors"]]
    assert number == 3
    assert problem


def test_a_file_that_is_not_there_is_told(settings: Settings, file: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        commands.import_file(settings, file)


def test_nobody_can_enter_an_imported_conversation(settings: Settings, file: Path) -> None:
    file.write_text(line())
    commands.import_file(settings, file)

    async def enter() -> list[object]:
        database = Database(settings.resolved_database_url)
        conversations = Conversations(database, Bus())
        found: list[object] = [await conversations.by_token(token) for token in ("", "old-1")]
        database.close()
        return found

    assert asyncio.run(enter()) == [None, None]


def test_an_empty_installation_exports_an_empty_file(settings: Settings, file: Path) -> None:
    assert commands.export_file(settings, file)["written"] == 0
    assert file.read_text() == ""
