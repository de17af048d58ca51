"""A hand-off and the bot's answer at the same instant: whoever comes first, the bot is silent after the hand-off."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from app.main import Teller, bootstrap
from conversations.ownership import Owner
from conversations.schemas import ConversationHistory
from core.settings import Settings
from gateway.turn import Incoming
from tests.fakes import QUESTIONS, FakeClock, FakeKnowledge, FakeRasa, some_turns_of_the_loop

INSTANTS = 200
AT_ONCE = 4  # conversations that race beside each other
QUESTION = QUESTIONS["debit.lost"]


@pytest.fixture
async def racing(
    settings_of_each_database: Settings, rasa: FakeRasa, knowledge: FakeKnowledge, clock: FakeClock
) -> AsyncIterator[Teller]:
    teller = bootstrap(settings_of_each_database, rasa=rasa, knowledge=knowledge, clock=clock)
    yield teller
    teller.database.close()


async def linger(teller: Teller, dice: random.Random, most: int) -> None:
    """Take a random while, counted in what the other side spends too: turns of the loop, looks at the database."""
    for _ in range(dice.randrange(most)):
        await some_turns_of_the_loop(dice, 5)
        await teller.conversations.by_token("nobody's")


async def race(teller: Teller, dice: random.Random) -> ConversationHistory:
    """One customer asks a question and, while the bot answers it, a person."""
    view, _ = await teller.conversations.start("web", elder=False)

    async def hand_off() -> None:
        await linger(teller, dice, 14)
        await teller.gateway.handoff.request(view.id, "asked", "customer")

    await asyncio.gather(teller.gateway.turns.handle_turn(Incoming(view.id, "m1", QUESTION)), hand_off())
    history = await teller.conversations.history(view.id)
    await teller.gateway.close(view.id, "customer")  # a long queue would only make the rest slow
    return history


def outcome(history: ConversationHistory) -> str:
    """Who was faster; fails when the conversation does not say one and the same everywhere."""
    (handed_over,) = [message.seq for message in history.messages if message.sender == "system"]
    said = [message.seq for message in history.messages if message.sender == "bot"]
    assert [message.seq for message in history.messages] == list(range(1, len(history.messages) + 1))
    assert all(seq < handed_over for seq in said), "the bot spoke after the hand-off"
    assert history.conversation.owner == Owner.QUEUED
    assert [change.to_owner for change in history.ownership] == [Owner.QUEUED]
    if not history.turns:
        assert not said
        return "before the bot began"
    (turn,) = history.turns
    assert turn.suppressed == (not said)
    assert turn.reply, "what would have been said is kept"
    return "before the answer" if turn.suppressed else "after the answer"


async def test_after_a_hand_off_the_bot_says_nothing_whoever_was_faster(racing: Teller, rasa: FakeRasa) -> None:
    dice = random.Random(20260302)

    async def think(_text: str) -> None:
        await linger(racing, dice, 8)

    rasa.before = think
    outcomes: Counter[str] = Counter()
    for _ in range(INSTANTS // AT_ONCE):
        raced = await asyncio.gather(*(race(racing, dice) for _ in range(AT_ONCE)))
        outcomes.update(outcome(history) for history in raced)
    assert sum(outcomes.values()) == INSTANTS
    assert outcomes["before the answer"] >= 10, outcomes
    assert outcomes["after the answer"] >= 10, outcomes
