"""The one path of every turn: order, repeats, failures, evidence, hand-off."""

import asyncio
from typing import Any

import pytest

from app.main import Teller
from conversations.ownership import Owner
from conversations.schemas import ConversationView
from conversations.service import ConversationClosed, ConversationNotFound
from gateway import wording
from gateway.incoming import EmptyMessage, MessageTooLong
from gateway.turn import Incoming, TurnResult
from gateway.understanding import Understanding
from tests.fakes import INDEX, QUESTIONS, SEEN, FakeClock, FakeKnowledge, FakeRasa, Gate, found
from tests.staff import Staff

pytestmark = pytest.mark.unit

LOST, LIMIT, UNKNOWN = QUESTIONS["debit.lost"], QUESTIONS["transfer.limit"], "今天吃什么"


@pytest.fixture
async def view(teller: Teller) -> ConversationView:
    view, _ = await teller.conversations.start("web", elder=False)
    return view


async def say(teller: Teller, view: ConversationView, text: str, message_id: str = "", **more: Any) -> TurnResult:
    incoming = Incoming(view.id, message_id or f"m{len(text)}-{abs(hash(text))}", text, **more)
    return await teller.gateway.turns.handle_turn(incoming)


def has_person_button(result: TurnResult) -> bool:
    return any(button.action == "human" for message in result.messages for button in message.buttons)


class TestOrder:
    async def test_turns_of_one_conversation_are_taken_one_at_a_time(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        gate = rasa.before = Gate()
        first = asyncio.create_task(say(teller, view, LOST))
        await gate.arrived.get()
        second = asyncio.create_task(say(teller, view, LIMIT))
        for _ in range(50):
            await asyncio.sleep(0)
        assert [call["text"] for call in rasa.calls] == [LOST]
        gate.open()
        await asyncio.gather(first, second)
        history = await teller.conversations.history(view.id)
        assert [(message.seq, message.sender) for message in history.messages] == [
            (1, "customer"), (2, "bot"), (3, "customer"), (4, "bot"),
        ]  # fmt: skip

    async def test_a_slow_conversation_does_not_hold_up_another(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        gate = Gate()

        async def slow_for_one(text: str) -> None:
            if text == LOST:
                await gate(text)

        rasa.before = slow_for_one
        slow = asyncio.create_task(say(teller, view, LOST))
        await gate.arrived.get()
        other, _ = await teller.conversations.start("web", elder=False)
        assert (await say(teller, other, LIMIT)).article == "transfer.limit"
        assert not slow.done()
        gate.open()
        assert (await slow).article == "debit.lost"

    async def test_no_lock_is_kept_for_conversations_at_rest(self, teller: Teller, view: ConversationView) -> None:
        await asyncio.gather(say(teller, view, LOST, "a"), say(teller, view, LIMIT, "b"))
        assert not teller.gateway.turns._locks._locks

    async def test_a_turn_that_breaks_gives_the_conversation_free(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        rasa.taught["炸"] = ZeroDivisionError()
        with pytest.raises(ZeroDivisionError):
            await say(teller, view, "炸")
        assert (await say(teller, view, LOST)).article == "debit.lost"


class TestRepeats:
    async def test_a_repeated_id_gets_the_stored_result(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        first = await say(teller, view, LOST, "same")
        again = await say(teller, view, LOST, "same")
        assert again.model_dump(exclude={"timings_ms"}) == first.model_dump(exclude={"timings_ms"})
        assert len(rasa.calls) == 1
        assert len(await teller.conversations.messages_after(view.id, 0)) == 2

    async def test_of_repeats_at_the_same_instant_one_is_taken(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        results = await asyncio.gather(*(say(teller, view, LOST, "same") for _ in range(5)))
        assert len({result.turn for result in results}) == 1
        assert len(rasa.calls) == 1

    async def test_the_same_id_in_two_conversations_is_two_messages(
        self, teller: Teller, view: ConversationView
    ) -> None:
        other, _ = await teller.conversations.start("web", elder=False)
        assert (await say(teller, view, LOST, "same")).turn != (await say(teller, other, LOST, "same")).turn

    async def test_a_message_whose_turn_was_cut_off_is_answered_when_it_comes_again(
        self, teller: Teller, view: ConversationView
    ) -> None:
        await teller.conversations.receive(view.id, LOST, "same")  # the app stopped right after this
        assert (await say(teller, view, LOST, "same")).article == "debit.lost"
        assert [message.seq for message in await teller.conversations.messages_after(view.id, 0)] == [1, 2]

    async def test_a_repeat_after_a_suppressed_answer_says_nothing(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        gate = rasa.before = Gate()
        thinking = asyncio.create_task(say(teller, view, LOST, "same"))
        await gate.arrived.get()
        await teller.gateway.handoff.request(view.id, "asked", "customer")
        gate.open()
        assert (await thinking).decision == "silent"
        again = await say(teller, view, LOST, "same")
        assert (again.decision, again.messages) == ("silent", [])


class TestEvidence:
    async def test_a_turn_is_stored_whole(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa, clock: FakeClock
    ) -> None:
        result = await say(teller, view, LOST, "m1")
        (turn,) = (await teller.conversations.history(view.id)).turns
        assert turn.id == result.turn
        assert (turn.seq, turn.channel, turn.kind, turn.text) == (1, "web", "text", LOST)
        assert (turn.intent, turn.intent_confidence) == (SEEN["intent"], SEEN["confidence"])
        assert turn.intent_ranking == SEEN["ranking"]
        assert turn.entities == SEEN["entities"]
        assert turn.nlu_model == SEEN["model"]
        assert (turn.decision, turn.kb_confidence) == ("answer", 0.9)
        assert [candidate["key"] for candidate in turn.kb_candidates] == ["debit.lost"]
        assert {"key", "question", "matched", "score", "version"} <= turn.kb_candidates[0].keys()
        assert (turn.article_key, turn.article_version) == ("debit.lost", 1)
        assert turn.kb_index == INDEX
        assert turn.reply == result.reply
        assert {"receive", "understand", "rasa", "kb_embed", "kb_search", "kb_score", "total"} <= turn.timings_ms.keys()
        assert (turn.failure, turn.suppressed, turn.rateable, turn.rating) == (None, False, True, None)
        assert turn.started_at == turn.finished_at == clock.now

    async def test_what_rasa_is_told(self, teller: Teller, rasa: FakeRasa) -> None:
        view, _ = await teller.conversations.start("app", elder=True)
        await say(teller, view, LOST)
        (message,) = [m for m in await teller.conversations.messages_after(view.id, 0) if m.sender == "customer"]
        (call,) = rasa.calls
        assert call == {
            "sender": f"{view.id}.0.0", "message_id": message.id, "text": LOST, "channel": "app", "elder": True,
        }  # fmt: skip

    async def test_rasa_gets_a_fresh_tracker_after_many_turns_and_after_a_person(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        teller.settings.rasa_session_turns = 2
        for number in range(3):
            await say(teller, view, LOST, f"m{number}")
        await teller.gateway.handoff.request(view.id, "asked", "customer")
        await teller.gateway.handoff.leave(view.id)
        await say(teller, view, LOST, "last")
        senders = [call["sender"].removeprefix(view.id) for call in rasa.calls]
        assert senders == [".0.0", ".0.0", ".0.1", ".2.1"]

    async def test_the_result_has_the_shape_of_the_command_line(self, teller: Teller, view: ConversationView) -> None:
        result = (await say(teller, view, LOST)).model_dump()
        assert result["session"] == view.id
        assert result["candidates"] == [{"key": "debit.lost", "score": 0.9}]
        assert (result["decision"], result["article"], result["owner"]) == ("answer", "debit.lost", "BOT")
        assert result["reply"] == [message["text"] for message in result["messages"]]

    async def test_candidates_are_numbered_in_plain_text(
        self, teller: Teller, view: ConversationView, knowledge: FakeKnowledge
    ) -> None:
        knowledge.results["卡丢了"] = found("clarify", "debit.lost", "credit.lost")
        assert (await say(teller, view, "卡丢了")).reply == [
            f"{wording.CLARIFY}\n1. {QUESTIONS['debit.lost']}\n2. {QUESTIONS['credit.lost']}"
        ]


class TestFailingStages:
    async def test_without_rasa_the_knowledge_base_answers_and_a_person_is_offered(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        rasa.is_down = True
        result = await say(teller, view, LOST)
        assert (result.decision, result.article) == ("answer", "debit.lost")
        assert result.reply[-1] == wording.RASA_DOWN
        assert has_person_button(result)
        assert (await teller.conversations.history(view.id)).turns[0].failure == "rasa"

    @pytest.mark.parametrize("decision", ["clarify", "unrecognised"])
    async def test_without_rasa_a_person_is_offered_whatever_the_knowledge_base_finds(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa, knowledge: FakeKnowledge, decision: str
    ) -> None:
        rasa.is_down = True
        knowledge.results["某事"] = found(decision, "debit.lost", "credit.lost")
        assert has_person_button(await say(teller, view, "某事"))

    async def test_without_the_knowledge_base_rasa_says_so_and_a_person_is_offered(
        self, teller: Teller, view: ConversationView, knowledge: FakeKnowledge
    ) -> None:
        knowledge.is_down = True
        result = await say(teller, view, LOST)
        assert result.reply == [wording.KB_DOWN]
        assert has_person_button(result)
        assert (await teller.conversations.history(view.id)).turns[0].failure == "kb"

    async def test_without_both_the_customer_is_told_honestly_and_a_person_is_offered(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa, knowledge: FakeKnowledge
    ) -> None:
        rasa.is_down = knowledge.is_down = True
        result = await say(teller, view, LOST)
        assert result.reply == [wording.ALL_DOWN]
        assert has_person_button(result)
        assert (await teller.conversations.history(view.id)).turns[0].failure == "rasa+kb"

    @pytest.mark.parametrize("text", ["人工", "转人工！", "0", "我要找真人客服"])
    async def test_asking_for_a_person_works_without_both(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa, knowledge: FakeKnowledge, text: str
    ) -> None:
        rasa.is_down = knowledge.is_down = True
        assert (await say(teller, view, text)).owner == "QUEUED"

    async def test_picking_without_the_knowledge_base_is_answered_honestly(
        self, teller: Teller, view: ConversationView, knowledge: FakeKnowledge
    ) -> None:
        knowledge.is_down = True
        result = await say(teller, view, LOST, pick="debit.lost")
        assert result.reply == [wording.KB_DOWN]

    async def test_picking_an_article_that_is_gone_is_answered(self, teller: Teller, view: ConversationView) -> None:
        assert (await say(teller, view, "旧问题", pick="old.article")).reply == [wording.UNRECOGNISED]

    async def test_the_bot_is_used_again_as_soon_as_it_is_back(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        rasa.is_down = True
        await say(teller, view, LOST, "m1")
        rasa.is_down = False
        assert wording.RASA_DOWN not in (await say(teller, view, LOST, "m2")).reply


class TestBadInput:
    async def test_an_empty_message_stores_nothing(self, teller: Teller, view: ConversationView) -> None:
        with pytest.raises(EmptyMessage):
            await say(teller, view, " \u200b\x00 ")
        assert await teller.conversations.messages_after(view.id, 0) == []

    @pytest.mark.parametrize("length", [501, 10_000, 10_001])
    async def test_a_message_beyond_the_limit_stores_nothing(
        self, teller: Teller, view: ConversationView, length: int
    ) -> None:
        with pytest.raises(MessageTooLong):
            await say(teller, view, "长" * length)
        assert await teller.conversations.messages_after(view.id, 0) == []

    async def test_500_characters_are_taken(self, teller: Teller, view: ConversationView) -> None:
        assert (await say(teller, view, "长" * 500)).decision == "unrecognised"

    async def test_emoji_alone_get_a_calm_answer_and_are_no_failure(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        for number in range(3):
            result = await say(teller, view, "😀🎉！？", f"m{number}")
        assert result.reply == [wording.NO_WORDS]
        assert result.owner == "BOT"
        assert not rasa.calls

    @pytest.mark.parametrize("text", ["<script>alert(1)</script>", "[点我](javascript:alert(1))", "/restart", "/"])
    async def test_markup_and_commands_are_only_text(self, teller: Teller, view: ConversationView, text: str) -> None:
        await say(teller, view, text)
        (first, *_) = await teller.conversations.messages_after(view.id, 0)
        assert (first.text, first.format) == (text, "plain")

    async def test_an_unknown_conversation_is_told(self, teller: Teller) -> None:
        with pytest.raises(ConversationNotFound):
            await teller.gateway.turns.handle_turn(Incoming("nobody", "m", LOST))

    async def test_a_closed_conversation_takes_nothing_more(self, teller: Teller, view: ConversationView) -> None:
        await teller.gateway.close(view.id, "customer")
        with pytest.raises(ConversationClosed):
            await say(teller, view, LOST)


class TestHandOff:
    async def test_two_unrecognised_in_a_row_bring_a_person(self, teller: Teller, view: ConversationView) -> None:
        assert (await say(teller, view, UNKNOWN, "m1")).owner == "BOT"
        assert (await say(teller, view, UNKNOWN, "m2")).owner == "QUEUED"
        assert (await teller.conversations.get(view.id)).handoff_reason == "unrecognised"

    async def test_an_answer_between_two_failures_ends_the_run(self, teller: Teller, view: ConversationView) -> None:
        for number, text in enumerate([UNKNOWN, LOST, UNKNOWN]):
            assert (await say(teller, view, text, f"m{number}")).owner == "BOT"

    async def test_an_answer_called_unsolved_does_not_end_the_run(self, teller: Teller, view: ConversationView) -> None:
        await say(teller, view, UNKNOWN, "m1")
        answered = await say(teller, view, LOST, "m2")
        await teller.gateway.rate(view.id, str(answered.turn), "unsolved")
        assert (await teller.conversations.get(view.id)).owner == Owner.QUEUED
        assert (await teller.conversations.get(view.id)).handoff_reason == "unresolved"

    async def test_a_social_answer_does_not_end_the_run(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        rasa.taught["谢谢"] = Understanding("social", texts=["不客气"])
        await say(teller, view, UNKNOWN, "m1")
        assert (await say(teller, view, "谢谢", "m2")).decision == "social"
        assert (await say(teller, view, UNKNOWN, "m3")).owner == "QUEUED"

    async def test_how_many_failures_bring_a_person_is_a_setting(self, teller: Teller, view: ConversationView) -> None:
        teller.settings.handoff_after_failures = 1
        assert (await say(teller, view, UNKNOWN)).owner == "QUEUED"

    @pytest.mark.parametrize(("reason", "priority"), [("asked", 0), ("fraud", 1), ("complaint", 0), ("abuse", 0)])
    async def test_rasas_hand_off_queues_with_its_reason_and_priority(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa, reason: str, priority: int
    ) -> None:
        rasa.taught["某事"] = Understanding("handoff", handoff_reason=reason, handoff_priority=priority)
        result = await say(teller, view, "某事")
        (waiting,) = await teller.conversations.waiting()
        assert (result.decision, result.owner) == ("handoff", "QUEUED")
        assert (waiting.handoff_reason, waiting.priority) == (reason, priority)
        last = (await teller.conversations.messages_after(view.id, 0))[-1]
        assert last.sender == "system"
        assert last.text.startswith(wording.HANDOFF[reason])

    async def test_fraud_is_served_before_those_who_waited_longer(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa, clock: FakeClock
    ) -> None:
        rasa.taught["被骗了"] = Understanding("handoff", handoff_reason="fraud", handoff_priority=1)
        await teller.gateway.handoff.request(view.id, "asked", "customer")
        clock.advance(minutes=1)
        urgent, _ = await teller.conversations.start("web", elder=False)
        await say(teller, urgent, "被骗了")
        assert await teller.gateway.handoff.positions() == {urgent.id: 1, view.id: 2}

    async def test_asking_twice_queues_once(self, teller: Teller, view: ConversationView) -> None:
        handoff = teller.gateway.handoff
        asked = [handoff.request(view.id, "asked", "customer") for _ in range(4)]
        assert sorted(await asyncio.gather(*asked)) == [False, False, False, True]
        assert len((await teller.conversations.history(view.id)).ownership) == 1

    async def test_a_late_request_does_not_take_the_customer_from_the_agent(
        self, teller: Teller, view: ConversationView, staff: Staff, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agent = await staff.hire("wang")
        handoff = teller.gateway.handoff
        agents_ready = handoff.agents_ready

        async def meanwhile() -> int:
            """Between the look at the owner and the change somebody else is faster, and an agent too."""
            monkeypatch.setattr(handoff, "_agents_ready", agents_ready_again)
            await handoff.request(view.id, "asked", "customer")
            await teller.desk.take(agent.user, view.id)
            return 1

        agents_ready_again = handoff._agents_ready
        assert agents_ready
        monkeypatch.setattr(handoff, "_agents_ready", meanwhile)
        assert await handoff.request(view.id, "asked", "customer") is False
        assert (await teller.conversations.get(view.id)).agent_id == agent.user.id

    async def test_while_a_person_owns_it_the_bot_is_silent_and_the_text_is_kept(
        self, teller: Teller, view: ConversationView, staff: Staff, rasa: FakeRasa
    ) -> None:
        agent = await staff.hire("wang")
        await teller.gateway.handoff.request(view.id, "asked", "customer")
        queued = await say(teller, view, LOST, "m1")
        await teller.desk.take(agent.user, view.id)
        with_person = await say(teller, view, LIMIT, "m2")
        for result, owner in ((queued, "QUEUED"), (with_person, "HUMAN")):
            assert (result.decision, result.messages, result.owner) == ("silent", [], owner)
        assert not rasa.calls
        texts = [m.text for m in await teller.conversations.messages_after(view.id, 0) if m.sender == "customer"]
        assert texts == [LOST, LIMIT]

    async def test_a_hand_off_while_the_bot_thinks_suppresses_its_answer(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        gate = rasa.before = Gate()
        thinking = asyncio.create_task(say(teller, view, LOST))
        await gate.arrived.get()
        await teller.gateway.handoff.request(view.id, "asked", "customer")
        gate.open()
        result = await thinking
        assert (result.decision, result.owner) == ("silent", "QUEUED")
        assert [message.sender for message in result.messages] == ["system"]
        (turn,) = (await teller.conversations.history(view.id)).turns
        assert turn.suppressed
        assert turn.decision == "answer"
        assert not turn.rateable

    async def test_leaving_and_asking_again_while_the_bot_thinks_still_suppresses_the_old_answer(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        gate = rasa.before = Gate()
        thinking = asyncio.create_task(say(teller, view, LOST))
        await gate.arrived.get()
        await teller.gateway.handoff.request(view.id, "asked", "customer")
        await teller.gateway.handoff.leave(view.id)
        gate.open()
        assert (await thinking).decision == "silent"

    async def test_a_suppressed_failure_does_not_bring_a_second_hand_off(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        teller.settings.handoff_after_failures = 1
        gate = rasa.before = Gate()
        thinking = asyncio.create_task(say(teller, view, UNKNOWN))
        await gate.arrived.get()
        await teller.gateway.close(view.id, "customer")
        gate.open()
        assert (await thinking).owner == "CLOSED"
        assert len((await teller.conversations.history(view.id)).ownership) == 1


class TestControls:
    async def test_repeat_says_the_last_answer_again_without_a_second_rating(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        rasa.taught["再说一遍"] = Understanding("control", control="repeat")
        said = await say(teller, view, LOST)
        again = await say(teller, view, "再说一遍")
        assert again.reply == said.reply
        assert [message.rateable for message in again.messages] == [False]

    async def test_repeat_with_nothing_said_says_so(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa
    ) -> None:
        rasa.taught["再说一遍"] = Understanding("control", control="repeat")
        assert (await say(teller, view, "再说一遍")).reply == [wording.NOTHING_TO_REPEAT]

    async def test_menu_shows_the_topics(self, teller: Teller, view: ConversationView, rasa: FakeRasa) -> None:
        rasa.taught["返回"] = Understanding("control", control="menu")
        (message,) = (await say(teller, view, "返回")).messages
        assert len(message.candidates) == 6

    async def test_elder_mode_is_switched_on(self, teller: Teller, view: ConversationView, rasa: FakeRasa) -> None:
        rasa.taught["字太小"] = Understanding("control", control="elder_mode")
        assert (await say(teller, view, "字太小")).reply == [wording.ELDER_ON]
        assert (await teller.conversations.get(view.id)).elder

    @pytest.mark.parametrize("control", ["slower", "cancel", "language", "something new"])
    async def test_no_control_is_met_with_silence(
        self, teller: Teller, view: ConversationView, rasa: FakeRasa, control: str
    ) -> None:
        rasa.taught["某事"] = Understanding("control", control=control)
        assert all((await say(teller, view, "某事")).reply)


class TestTopics:
    async def test_what_customers_ask_most_comes_first(self, teller: Teller, view: ConversationView) -> None:
        for number in range(2):
            await say(teller, view, QUESTIONS["credit.lost"], f"m{number}")
        topics = await teller.gateway.topics.most_asked(elder=False)
        assert topics[0].key == "credit.lost"
        assert len(topics) == len({topic.key for topic in topics}) == 6

    async def test_elder_mode_shows_three(self, teller: Teller) -> None:
        assert [topic.key for topic in await teller.gateway.topics.most_asked(elder=True)] == [
            "life.pension", "account.password_reset", "debit.lost",
        ]  # fmt: skip

    async def test_they_are_asked_for_again_when_the_knowledge_base_is_back(
        self, teller: Teller, knowledge: FakeKnowledge
    ) -> None:
        knowledge.is_down = True
        assert await teller.gateway.topics.most_asked(elder=False) == []
        knowledge.is_down = False
        assert len(await teller.gateway.topics.most_asked(elder=False)) == 6
