"""The shared memory of conversations."""

import asyncio
from typing import Any

import pytest

from conversations import events
from conversations.ownership import ALLOWED_CHANGES, Owner
from conversations.schemas import ConversationView, MessageDraft, Outcome, TurnRecord
from conversations.service import (
    ConversationClosed,
    ConversationNotFound,
    Conversations,
    Finished,
    OwnerConflict,
    TurnNotFound,
    new_id,
)
from tests.fakes import FakeClock
from tests.staff import Staff


@pytest.fixture
async def view(conversations: Conversations) -> ConversationView:
    view, _ = await conversations.start("web", elder=False)
    return view


@pytest.fixture
def heard(conversations: Conversations) -> list[Any]:
    """Every fact that goes out from now on."""
    heard: list[Any] = []

    async def listener(event: Any) -> None:
        heard.append(event)

    for kind in (
        events.MessageAdded, events.OwnerChanged, events.TurnFinished, events.AnswerRated, events.MessagesRead,
        events.ElderModeChanged, events.ConversationClosed, events.Typing,
    ):  # fmt: skip
        conversations.bus.subscribe(kind, listener)
    return heard


def turn(conversations: Conversations, seq: int, **more: Any) -> TurnRecord:
    now = conversations.clock()
    content = {"text": "问", "decision": "answer", "rateable": True, "reply": ["答"]} | more
    return TurnRecord(id=new_id(), seq=seq, channel="web", started_at=now, finished_at=now, **content)


async def answer(
    conversations: Conversations, view: ConversationView, outcome: Outcome = "answered", said: str = "答", **more: Any
) -> Finished:
    """One whole turn of the bot."""
    received = await conversations.receive(view.id, "问", new_id())
    draft = MessageDraft(sender="bot", text=said, rateable=True)
    record = turn(conversations, received.message.seq, **more)
    return await conversations.finish_turn(view.id, received.conversation.owner_epoch, record, [draft], outcome)


async def give_to(conversations: Conversations, view: ConversationView, agent: Any, to: Owner) -> None:
    """Bring the conversation to an owner by allowed steps."""
    if to in (Owner.QUEUED, Owner.HUMAN):
        await conversations.change_owner(view.id, Owner.QUEUED, "asked", "customer")
    if to == Owner.HUMAN:
        name = (agent.user.id, agent.user.display_name)
        await conversations.change_owner(view.id, Owner.HUMAN, "taken", agent.user.id, agent=name)
    if to == Owner.CLOSED:
        await conversations.change_owner(view.id, Owner.CLOSED, "customer", "customer")


class TestStart:
    async def test_a_new_conversation_is_the_bots(self, view: ConversationView, clock: FakeClock) -> None:
        assert (view.owner, view.owner_epoch, view.last_seq, view.created_at) == (Owner.BOT, 0, 0, clock.now)

    async def test_its_token_opens_it_and_nothing_else_does(self, conversations: Conversations) -> None:
        view, token = await conversations.start("web", elder=False)
        other, other_token = await conversations.start("web", elder=False)
        assert await conversations.of_customer(view.id, token) == view.id
        for conversation, wrong in ((view.id, other_token), (other.id, token), (view.id, ""), ("会话", token)):
            with pytest.raises(ConversationNotFound):
                await conversations.of_customer(conversation, wrong)

    async def test_tokens_are_long_and_never_alike(self, conversations: Conversations) -> None:
        tokens = {(await conversations.start("web", elder=False))[1] for _ in range(20)}
        assert len(tokens) == 20
        assert min(map(len, tokens)) >= 43

    async def test_what_is_not_there_is_told(self, conversations: Conversations) -> None:
        assert await conversations.by_token("nobody's") is None
        draft = MessageDraft(sender="system", text="x")
        for asked in (
            conversations.get("nothing"), conversations.history("nothing"), conversations.set_elder("nothing", True),
            conversations.receive("nothing", "x", "m"), conversations.say("nothing", draft),
            conversations.mark_read("nothing", "agent", 1),
            conversations.change_owner("nothing", Owner.QUEUED, "asked", "customer"),
            conversations.finish_turn("nothing", 0, turn(conversations, 1), [], "answered"),
        ):  # fmt: skip
            with pytest.raises(ConversationNotFound):
                await asked


class TestReceive:
    async def test_messages_are_numbered_and_told_with_the_customers_id(
        self, conversations: Conversations, view: ConversationView, heard: list[Any]
    ) -> None:
        for number in (1, 2):
            received = await conversations.receive(view.id, f"第{number}句", f"m{number}")
            assert (received.message.seq, received.is_repeat) == (number, False)
        assert [(event.message.text, event.client_id) for event in heard] == [("第1句", "m1"), ("第2句", "m2")]

    async def test_a_repeated_id_stores_nothing_and_tells_nobody(
        self, conversations: Conversations, view: ConversationView, heard: list[Any]
    ) -> None:
        await conversations.receive(view.id, "一", "same")
        again = await conversations.receive(view.id, "又一", "same")
        assert (again.is_repeat, again.message.seq, again.message.text) == (True, 1, "一")
        assert len(heard) == 1

    async def test_at_one_instant_every_message_gets_its_own_number(
        self, conversations: Conversations, view: ConversationView
    ) -> None:
        ids = [f"m{number % 8}" for number in range(16)]  # each comes twice
        received = await asyncio.gather(*(conversations.receive(view.id, "x", one) for one in ids))
        assert sum(not one.is_repeat for one in received) == 8
        messages = await conversations.messages_after(view.id, 0)
        assert [message.seq for message in messages] == list(range(1, 9))

    async def test_a_closed_conversation_takes_only_repeats(
        self, conversations: Conversations, view: ConversationView
    ) -> None:
        await conversations.receive(view.id, "一", "m1")
        await give_to(conversations, view, None, Owner.CLOSED)
        with pytest.raises(ConversationClosed):
            await conversations.receive(view.id, "二", "m2")
        assert (await conversations.receive(view.id, "一", "m1")).is_repeat

    async def test_any_character_that_may_arrive_is_kept(
        self, conversations: Conversations, view: ConversationView
    ) -> None:
        text = "𠮷😀👨‍👩‍👧 é \u2028 <b>' OR 1=1; --\\ %s {x}"
        await conversations.receive(view.id, text, "m1")
        assert (await conversations.messages_after(view.id, 0))[0].text == text


class TestFinishTurn:
    async def test_the_reply_stands_in_the_conversation_with_its_turn(
        self, conversations: Conversations, view: ConversationView, heard: list[Any]
    ) -> None:
        finished = await answer(conversations, view)
        (message,) = finished.messages
        assert (message.seq, message.sender, message.turn) == (2, "bot", finished.turn.id)
        assert [type(event) for event in heard[1:]] == [events.MessageAdded, events.TurnFinished]
        assert (await conversations.get(view.id)).turn_count == 1

    async def test_after_a_change_of_owner_nothing_is_said_and_the_turn_is_kept(
        self, conversations: Conversations, view: ConversationView, heard: list[Any]
    ) -> None:
        received = await conversations.receive(view.id, "问", "m1")
        await give_to(conversations, view, None, Owner.QUEUED)
        draft = MessageDraft(sender="bot", text="答")
        record = turn(conversations, received.message.seq)
        finished = await conversations.finish_turn(view.id, 0, record, [draft], "failed")
        assert finished.messages == []
        assert finished.turn.suppressed
        assert not finished.turn.rateable
        (stored,) = (await conversations.history(view.id)).turns
        assert (stored.suppressed, stored.reply) == (True, ["答"])
        assert (await conversations.get(view.id)).failures == 0
        assert isinstance(heard[-1], events.TurnFinished)

    async def test_an_answer_from_before_a_hand_off_and_back_is_too_old(
        self, conversations: Conversations, view: ConversationView
    ) -> None:
        await give_to(conversations, view, None, Owner.QUEUED)
        await conversations.change_owner(view.id, Owner.BOT, "left_queue", "customer")
        finished = await conversations.finish_turn(view.id, 0, turn(conversations, 1), [], "answered")
        assert finished.turn.suppressed

    async def test_the_stored_result_can_be_had_again(
        self, conversations: Conversations, view: ConversationView
    ) -> None:
        finished = await answer(conversations, view)
        stored, messages = await conversations.replay(view.id, 1)
        assert stored == finished.turn
        assert messages == finished.messages
        assert await conversations.replay(view.id, 99) == (None, [])

    async def test_the_last_reply_is_the_last_one_with_content(
        self, conversations: Conversations, view: ConversationView
    ) -> None:
        assert await conversations.last_reply(view.id) == []
        await answer(conversations, view, said="第一")
        await answer(conversations, view, said="第二")
        await answer(conversations, view, said="不客气", decision="social", rateable=False)
        assert [message.text for message in await conversations.last_reply(view.id)] == ["第二"]


class TestFailures:
    """A failure counts until an answer stands that was not called 没解决."""

    @pytest.mark.parametrize(
        ("story", "failures"),
        [
            ("failed", 1),
            ("failed failed", 2),
            ("answered failed", 1),
            ("failed answered", 1),  # not yet ended: it may still be called 没解决
            ("failed answered failed", 1),
            ("failed answered neutral failed", 1),
            ("failed neutral failed", 2),
            ("answered unsolved", 1),
            ("answered unsolved answered unsolved", 2),
            ("failed answered unsolved", 2),
            ("answered unsolved failed", 2),
            ("answered unsolved unsolved", 1),
            ("answered unsolved solved", 0),
            ("failed answered solved", 0),
            ("answered solved unsolved", 1),
            ("failed failed answered answered", 0),
        ],
    )
    async def test_stories(
        self, conversations: Conversations, view: ConversationView, story: str, failures: int
    ) -> None:
        last = ""
        for step in story.split():
            if step in ("solved", "unsolved"):
                await conversations.rate(view.id, last, step)  # type: ignore[arg-type]
            else:
                last = (await answer(conversations, view, step)).turn.id  # type: ignore[arg-type]
        assert (await conversations.get(view.id)).failures == failures

    async def test_back_from_a_person_the_count_begins_anew(
        self, conversations: Conversations, view: ConversationView
    ) -> None:
        await answer(conversations, view, "failed")
        await give_to(conversations, view, None, Owner.QUEUED)
        await conversations.change_owner(view.id, Owner.BOT, "left_queue", "customer")
        assert (await conversations.get(view.id)).failures == 0


class TestRating:
    async def test_it_is_kept_with_its_time_and_told(
        self, conversations: Conversations, view: ConversationView, heard: list[Any]
    ) -> None:
        rated = (await answer(conversations, view)).turn.id
        await conversations.rate(view.id, rated, "solved")
        assert heard[-1] == events.AnswerRated(view.id, rated, "solved")
        assert (await conversations.messages_after(view.id, 1))[0].rating == "solved"
        assert (await conversations.history(view.id)).turns[0].rating == "solved"

    async def test_the_customer_may_change_her_mind(self, conversations: Conversations, view: ConversationView) -> None:
        rated = (await answer(conversations, view)).turn.id
        await conversations.rate(view.id, rated, "solved")
        await conversations.rate(view.id, rated, "unsolved")
        assert (await conversations.history(view.id)).turns[0].rating == "unsolved"

    async def test_what_cannot_be_rated_is_not_found(
        self, conversations: Conversations, view: ConversationView
    ) -> None:
        other, _ = await conversations.start("web", elder=False)
        foreign = (await answer(conversations, other)).turn.id
        social = (await answer(conversations, view, "neutral", decision="social", rateable=False)).turn.id
        for conversation, rated in ((view.id, "nothing"), (view.id, foreign), (view.id, social), ("nothing", foreign)):
            with pytest.raises(TurnNotFound):
                await conversations.rate(conversation, rated, "solved")


class TestOwner:
    @pytest.mark.parametrize("to", list(Owner))
    @pytest.mark.parametrize("before", list(Owner))
    async def test_only_allowed_changes_happen(
        self, conversations: Conversations, view: ConversationView, staff: Staff, before: Owner, to: Owner
    ) -> None:
        agent = await staff.hire("wang")
        await give_to(conversations, view, agent, before)
        earlier = await conversations.history(view.id)
        changed: Any
        try:
            changed = await conversations.change_owner(view.id, to, "operator", "system")
        except OwnerConflict:
            changed = "refused"
        except ConversationClosed:
            changed = "closed"
        allowed = to in ALLOWED_CHANGES[before]
        expected: Any = True if allowed else "closed" if before == Owner.CLOSED else "refused"
        if before == to:
            expected = False
        assert changed == expected
        later = await conversations.history(view.id)
        assert later.conversation.owner == (to if allowed else before)
        assert len(later.ownership) == len(earlier.ownership) + allowed
        assert later.conversation.owner_epoch == earlier.conversation.owner_epoch + allowed

    async def test_an_owner_that_was_not_expected_is_a_conflict(
        self, conversations: Conversations, view: ConversationView
    ) -> None:
        with pytest.raises(OwnerConflict):
            await conversations.change_owner(view.id, Owner.CLOSED, "agent", "x", expected=[Owner.HUMAN])
        await give_to(conversations, view, None, Owner.QUEUED)
        with pytest.raises(OwnerConflict):
            await conversations.change_owner(view.id, Owner.QUEUED, "asked", "x", expected=[Owner.BOT])

    async def test_each_change_is_kept_with_reason_actor_note_and_time(
        self, conversations: Conversations, view: ConversationView, clock: FakeClock
    ) -> None:
        await conversations.change_owner(view.id, Owner.QUEUED, "fraud", "customer", priority=1)
        clock.advance(minutes=3)
        await conversations.change_owner(view.id, Owner.BOT, "returned", "x", note="已解释")
        first, second = (await conversations.history(view.id)).ownership
        assert (first.from_owner, first.to_owner, first.reason, first.actor) == ("BOT", "QUEUED", "fraud", "customer")
        assert (second.from_owner, second.to_owner, second.note, second.at) == ("QUEUED", "BOT", "已解释", clock.now)

    async def test_what_is_said_stands_in_the_same_transaction_and_the_facts_follow_in_order(
        self, conversations: Conversations, view: ConversationView, heard: list[Any]
    ) -> None:
        said = [MessageDraft(sender="system", text="再见")]
        await conversations.change_owner(view.id, Owner.CLOSED, "customer", "customer", say=said)
        assert [type(event) for event in heard] == [
            events.OwnerChanged, events.MessageAdded, events.ConversationClosed,
        ]  # fmt: skip

    async def test_of_two_who_take_it_at_one_instant_one_has_it(
        self, conversations: Conversations, view: ConversationView, staff: Staff
    ) -> None:
        agents = [await staff.hire(name) for name in ("wang", "li", "zhao")]
        await give_to(conversations, view, None, Owner.QUEUED)
        taken = await asyncio.gather(
            *(
                conversations.change_owner(
                    view.id, Owner.HUMAN, "taken", agent.user.id, agent=(agent.user.id, agent.user.display_name),
                    expected=[Owner.QUEUED],
                )
                for agent in agents
            ),
            return_exceptions=True,
        )  # fmt: skip
        assert [type(one) for one in taken].count(OwnerConflict) == 2
        winner = agents[taken.index(True)]
        assert (await conversations.get(view.id)).agent_id == winner.user.id

    async def test_only_its_agent_speaks_in_it(
        self, conversations: Conversations, view: ConversationView, staff: Staff
    ) -> None:
        agent, colleague = await staff.hire("wang"), await staff.hire("li")
        draft = MessageDraft(sender="agent", text="您好", name="小王")
        with pytest.raises(OwnerConflict):
            await conversations.say(view.id, draft, agent=agent.user.id)
        await give_to(conversations, view, agent, Owner.HUMAN)
        with pytest.raises(OwnerConflict):
            await conversations.say(view.id, draft, agent=colleague.user.id)
        first = await conversations.say(view.id, draft, "a1", agent=agent.user.id)
        again = await conversations.say(view.id, draft, "a1", agent=agent.user.id)
        assert first.seq == again.seq == 1

    async def test_only_its_agent_gives_it_away(
        self, conversations: Conversations, view: ConversationView, staff: Staff
    ) -> None:
        agent, colleague = await staff.hire("wang"), await staff.hire("li")
        await give_to(conversations, view, agent, Owner.HUMAN)
        with pytest.raises(OwnerConflict):
            await conversations.change_owner(view.id, Owner.BOT, "returned", "x", held_by=colleague.user.id)
        assert await conversations.change_owner(view.id, Owner.BOT, "returned", "x", held_by=agent.user.id)

    async def test_the_queue_is_served_by_priority_then_by_time(
        self, conversations: Conversations, clock: FakeClock
    ) -> None:
        order = []
        for priority in (0, 1, 0, 1):
            view, _ = await conversations.start("web", elder=False)
            clock.advance(seconds=1)
            await conversations.change_owner(view.id, Owner.QUEUED, "asked", "customer", priority=priority)
            order.append(view.id)
        waiting = [view.id for view in await conversations.waiting()]
        assert waiting == [order[1], order[3], order[0], order[2]]


class TestMarks:
    async def test_read_marks_only_move_forward_and_not_beyond_the_end(
        self, conversations: Conversations, view: ConversationView, heard: list[Any]
    ) -> None:
        for number in range(3):
            await conversations.receive(view.id, "x", f"m{number}")
        heard.clear()
        for seq in (2, 1, 2, 99, 3):
            await conversations.mark_read(view.id, "agent", seq)
        assert [event.seq for event in heard] == [2, 3]
        assert (await conversations.get(view.id)).agent_read_seq == 3
        assert (await conversations.get(view.id)).customer_read_seq == 0

    async def test_unread_is_what_the_customer_said_since(
        self, conversations: Conversations, view: ConversationView
    ) -> None:
        for number in range(3):
            await conversations.receive(view.id, f"第{number}句", f"m{number}")
        await give_to(conversations, view, None, Owner.QUEUED)
        await conversations.mark_read(view.id, "agent", 1)
        (summary,) = await conversations.waiting_summaries()
        assert (summary.unread, summary.last_text) == (2, "第2句")

    async def test_elder_mode_is_told_when_it_changes(
        self, conversations: Conversations, view: ConversationView, heard: list[Any]
    ) -> None:
        for on in (True, True, False):
            await conversations.set_elder(view.id, on)
        assert [event.on for event in heard] == [True, False]

    async def test_typing_is_told_and_kept_nowhere(
        self, conversations: Conversations, view: ConversationView, heard: list[Any]
    ) -> None:
        await conversations.types(view.id, "customer")
        assert heard == [events.Typing(view.id, "customer")]
        assert await conversations.messages_after(view.id, 0) == []


class TestLooking:
    async def test_the_history_holds_everything(self, conversations: Conversations, view: ConversationView) -> None:
        await answer(conversations, view)
        await give_to(conversations, view, None, Owner.QUEUED)
        history = await conversations.history(view.id)
        assert [message.sender for message in history.messages] == ["customer", "bot"]
        assert len(history.turns) == len(history.ownership) == 1
        assert history.conversation.owner == Owner.QUEUED

    async def test_of_very_many_messages_the_newest_are_given(
        self, conversations: Conversations, view: ConversationView
    ) -> None:
        for number in range(6):
            await conversations.receive(view.id, "x", f"m{number}")
        from conversations.repository import ConversationRepository

        with conversations.database.reading() as session:
            newest = ConversationRepository(session).messages_after(view.id, 0, limit=4)
        assert [message.seq for message in newest] == [3, 4, 5, 6]

    async def test_the_idle_are_those_silent_for_longer(
        self, conversations: Conversations, view: ConversationView, clock: FakeClock
    ) -> None:
        clock.advance(minutes=10)
        assert await conversations.idle([Owner.BOT], 10) == []
        assert await conversations.idle([Owner.BOT], 9) == [view.id]
        assert await conversations.idle([Owner.HUMAN], 9) == []

    async def test_the_most_asked_are_counted_over_the_last_days(
        self, conversations: Conversations, view: ConversationView, clock: FakeClock
    ) -> None:
        await answer(conversations, view, article_key="old.one")
        clock.advance(days=30)
        for key in ("debit.lost", "credit.lost", "credit.lost"):
            await answer(conversations, view, article_key=key)
        assert await conversations.most_asked(28, 6) == ["credit.lost", "debit.lost"]
        assert await conversations.most_asked(28, 1) == ["credit.lost"]
