"""Conversations end after a silence."""

import pytest

from app.main import Teller
from conversations.ownership import Owner
from gateway import wording
from gateway.idle import close_idle
from tests.fakes import FakeClock
from tests.serving import visit
from tests.staff import Staff

pytestmark = pytest.mark.unit


async def test_a_conversation_with_the_bot_ends_after_the_silence_with_a_closing_message(
    teller: Teller, clock: FakeClock
) -> None:
    view, _ = await teller.conversations.start("web", elder=False)
    clock.advance(minutes=teller.settings.idle_minutes)
    assert await close_idle(teller.gateway) == 0
    clock.advance(seconds=1)
    assert await close_idle(teller.gateway) == 1
    history = await teller.conversations.history(view.id)
    assert history.conversation.owner == Owner.CLOSED
    assert history.conversation.closed_at == clock.now
    assert [message.text for message in history.messages] == [wording.CLOSED["idle"]]
    assert [(change.reason, change.actor) for change in history.ownership] == [("idle", "system")]


async def test_whoever_writes_stays(teller: Teller, clock: FakeClock) -> None:
    view, _ = await teller.conversations.start("web", elder=False)
    clock.advance(minutes=20)
    await teller.conversations.receive(view.id, "在吗", "m1")
    clock.advance(minutes=20)
    assert await close_idle(teller.gateway) == 0


async def test_nobody_who_waits_for_a_person_is_closed(teller: Teller, clock: FakeClock) -> None:
    view, _ = await teller.conversations.start("web", elder=False)
    await teller.gateway.handoff.request(view.id, "asked", "customer")
    clock.advance(days=2)
    assert await close_idle(teller.gateway) == 0
    assert (await teller.conversations.get(view.id)).owner == Owner.QUEUED


async def test_whoever_asked_for_a_person_at_that_very_moment_is_not_closed(
    teller: Teller, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, _ = await teller.conversations.start("web", elder=False)
    clock.advance(days=1)
    idle = teller.conversations.idle

    async def then_asks(*arguments: object) -> list[str]:
        found = await idle(*arguments)  # type: ignore[arg-type]
        await teller.gateway.handoff.request(view.id, "asked", "customer")
        return found

    monkeypatch.setattr(teller.conversations, "idle", then_asks)
    assert await close_idle(teller.gateway) == 0
    assert (await teller.conversations.get(view.id)).owner == Owner.QUEUED


async def test_with_a_person_the_silence_may_be_longer(teller: Teller, clock: FakeClock, staff: Staff) -> None:
    agent = await staff.hire("wang")
    view, _ = await teller.conversations.start("web", elder=False)
    await teller.gateway.handoff.request(view.id, "asked", "customer")
    await teller.desk.take(agent.user, view.id)
    clock.advance(minutes=teller.settings.idle_minutes + 1)
    assert await close_idle(teller.gateway) == 0
    clock.advance(minutes=teller.settings.human_idle_minutes)
    assert await close_idle(teller.gateway) == 1


async def test_what_is_closed_is_not_closed_again(teller: Teller, clock: FakeClock) -> None:
    await teller.conversations.start("web", elder=False)
    clock.advance(days=1)
    assert [await close_idle(teller.gateway), await close_idle(teller.gateway)] == [1, 0]


async def test_one_that_cannot_be_closed_does_not_keep_the_others_open(
    teller: Teller, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = await teller.conversations.start("web", elder=False)
    await teller.conversations.start("web", elder=False)
    clock.advance(days=1)
    idle = teller.conversations.idle

    async def with_one_that_just_ended(*arguments: object) -> list[str]:
        found = await idle(*arguments)  # type: ignore[arg-type]
        return ["gone meanwhile", *found]

    monkeypatch.setattr(teller.conversations, "idle", with_one_that_just_ended)
    assert await close_idle(teller.gateway) == 2
    assert first


async def test_the_open_page_is_told(teller: Teller, clock: FakeClock, address: str) -> None:
    async with visit(address) as customer:
        clock.advance(days=1)
        await close_idle(teller.gateway)
        assert (await customer.message("system"))["text"] == wording.CLOSED["idle"]
        assert await customer.until("closed") == {"type": "closed", "reason": "idle"}
