"""The chat page's socket, over a real server and real sockets."""

import asyncio
import json
import secrets

import pytest
import websockets

from app.main import Teller
from conversations.ownership import Owner
from core.limits import RateLimit
from core.sockets import OUTBOX_FRAMES
from gateway import wording
from gateway.channels import webchat
from tests.fakes import QUESTIONS, FakeClock, FakeKnowledge, FakeRasa, Gate, found
from tests.serving import PATIENCE, Tab, desk_page, until, visit
from tests.staff import Staff

pytestmark = pytest.mark.unit

LOST = QUESTIONS["debit.lost"]


class TestWelcome:
    async def test_a_new_customer_gets_a_session_a_token_and_six_topics(self, address: str) -> None:
        async with visit(address) as customer:
            welcome = customer.welcome
        assert welcome["type"] == "welcome"
        assert welcome["owner"] == "BOT"
        assert len(welcome["token"]) >= 40
        assert welcome["messages"] == []
        assert welcome["queue"] is None
        assert welcome["max_chars"] == 500
        assert welcome["greeting"]["text"] == wording.GREETING
        assert len(welcome["greeting"]["topics"]) == 6

    async def test_elder_mode_has_fewer_topics_and_names_the_person_first(self, address: str) -> None:
        async with visit(address, elder=True) as customer:
            assert customer.welcome["elder"] is True
            assert len(customer.welcome["greeting"]["topics"]) == 3
            assert "转人工" in customer.welcome["greeting"]["text"]

    async def test_the_greeting_comes_without_topics_when_the_knowledge_base_is_down(
        self, address: str, knowledge: FakeKnowledge
    ) -> None:
        knowledge.is_down = True
        async with visit(address) as customer:
            assert customer.welcome["greeting"]["topics"] == []

    async def test_a_token_that_nobody_has_starts_a_new_conversation(self, address: str) -> None:
        async with visit(address, token="x" * 43) as customer:
            assert customer.token != "x" * 43
            assert customer.welcome["messages"] == []


class TestTurn:
    async def test_a_message_is_acknowledged_then_the_bot_types_then_it_answers(self, address: str) -> None:
        async with visit(address) as customer:
            message_id = await customer.say(LOST)
            answer = await customer.message("bot")
            kinds = [frame["type"] for frame in await customer.settled()]
        assert kinds[:5] == ["welcome", "ack", "message", "typing", "message"]
        assert customer.frames[1] == {"type": "ack", "id": message_id, "seq": 1}
        assert customer.frames[3]["who"] == "bot"
        assert answer["article"]["key"] == "debit.lost"
        assert answer["format"] == "markdown"
        assert answer["rateable"] is True
        assert answer["turn"]

    async def test_a_candidate_can_be_picked(self, address: str, knowledge: FakeKnowledge, teller: Teller) -> None:
        knowledge.results["卡丢了"] = found("clarify", "debit.lost", "credit.lost", confidence=0.5)
        async with visit(address) as customer:
            asked = await customer.ask("卡丢了")
            assert [candidate["key"] for candidate in asked["candidates"]] == ["debit.lost", "credit.lost"]
            await customer.send(type="pick", id="p1", key="credit.lost", turn=asked["turn"])
            answer = await customer.message("bot")
            assert answer["article"]["key"] == "credit.lost"
            history = await teller.conversations.history(customer.session)
        assert [turn.kind for turn in history.turns] == ["text", "pick"]
        assert history.turns[1].picked_from == asked["turn"]
        assert history.messages[2].text == QUESTIONS["credit.lost"]

    async def test_picking_what_is_not_there_is_an_error(self, address: str) -> None:
        async with visit(address) as customer:
            await customer.send(type="pick", id="p1", key="no.such_article", turn=None)
            assert (await customer.until("error"))["code"] == "not_found"

    async def test_a_rating_is_told_to_every_tab_and_kept(self, address: str) -> None:
        async with visit(address) as customer, visit(address, token=customer.token) as second:
            answer = await customer.ask(LOST)
            await customer.send(type="rate", turn=answer["turn"], rating="solved")
            assert (await second.until("rated")) == {"type": "rated", "turn": answer["turn"], "rating": "solved"}
        async with visit(address, token=customer.token) as again:
            assert again.welcome["messages"][1]["rating"] == "solved"

    async def test_rating_an_unknown_turn_is_an_error(self, address: str) -> None:
        async with visit(address) as customer:
            await customer.send(type="rate", turn="nothing", rating="solved")
            assert (await customer.until("error"))["code"] == "turn_not_found"

    async def test_two_verdicts_of_unsolved_bring_a_person(self, address: str) -> None:
        async with visit(address) as customer:
            for question in (LOST, QUESTIONS["credit.lost"]):
                answer = await customer.ask(question)
                await customer.send(type="rate", turn=answer["turn"], rating="unsolved")
            assert (await customer.until("owner"))["owner"] == "QUEUED"
            assert (await customer.message("system"))["text"].startswith(wording.HANDOFF["unresolved"])

    async def test_a_replayed_id_is_acknowledged_again_and_answered_once(self, address: str, rasa: FakeRasa) -> None:
        async with visit(address) as customer:
            for _ in range(3):
                await customer.send(type="message", id="same", text=LOST)
            await customer.message("bot")
            await customer.settled()
            assert customer.seqs() == [1, 2]
            assert {frame["seq"] for frame in customer.frames if frame["type"] == "ack"} == {1}
        assert len(rasa.calls) == 1


class TestTabs:
    async def test_both_tabs_see_everything(self, address: str) -> None:
        async with visit(address) as first, visit(address, token=first.token) as second:
            assert second.session == first.session
            await first.say(LOST)
            assert (await second.message("customer"))["text"] == LOST
            assert (await second.message("bot"))["article"]["key"] == "debit.lost"
            await second.say(QUESTIONS["credit.lost"])
            await first.message("bot")
            assert (await first.message("bot"))["article"]["key"] == "credit.lost"

    async def test_a_reconnect_brings_what_was_missed_and_nothing_twice(
        self, address: str, rasa: FakeRasa, teller: Teller
    ) -> None:
        async with visit(address) as before:
            await before.ask(LOST)
        gate = rasa.before = Gate()
        async with visit(address, token=before.token, last_seq=max(before.seqs())) as cut_off:
            await cut_off.say(QUESTIONS["credit.lost"])
            await gate.arrived.get()
            await cut_off.message("customer")
            cut_off.socket.transport.abort()  # the line breaks while the bot thinks
        gate.open()
        async with visit(address, token=before.token, last_seq=3) as after:
            if not after.seqs():
                await after.message("bot")
        assert before.seqs() + cut_off.seqs() + after.seqs() == [1, 2, 3, 4]

    async def test_the_read_state_reaches_the_customer(self, address: str, staff: Staff, teller: Teller) -> None:
        agent = await staff.hire("wang")
        async with visit(address) as customer:
            await customer.queue_up()
            await teller.desk.take(agent.user, customer.session)
            await customer.say("在吗")
            message = await customer.message("customer")
            await teller.desk.read(agent.user, customer.session, message["seq"])
            assert (await customer.until("read"))["seq"] == message["seq"]
        async with visit(address, token=customer.token) as again:
            assert again.welcome["read_seq"] == message["seq"]


class TestQueue:
    async def test_waiting_customers_see_their_places_and_move_up(
        self, address: str, staff: Staff, teller: Teller, clock: FakeClock
    ) -> None:
        agent = await staff.hire("wang")
        await teller.desk.set_presence(agent.user, "ready")
        async with visit(address) as first, visit(address) as second:
            await first.send(type="human", id="h1")
            assert await first.until("queue") == {"type": "queue", "position": 1, "agents_ready": 1}
            clock.advance(seconds=1)
            await second.send(type="human", id="h2")
            assert (await second.until("queue"))["position"] == 2
            await teller.desk.take(agent.user, first.session)
            assert (await second.until("queue", position=1))["agents_ready"] == 1
            assert (await first.until("owner", owner="HUMAN"))["agent"] == agent.user.display_name

    async def test_the_first_line_says_the_place_and_that_nobody_is_there(self, address: str) -> None:
        async with visit(address) as customer:
            await customer.send(type="human", id="h1")
            said = (await customer.message("system"))["text"]
        assert wording.POSITION.format(position=1) in said
        assert wording.NOBODY_READY in said

    async def test_whoever_leaves_the_queue_talks_to_the_bot_again(self, address: str, clock: FakeClock) -> None:
        async with visit(address) as first, visit(address) as second:
            await first.queue_up()
            clock.advance(seconds=1)
            await second.queue_up()
            await first.send(type="leave_queue", id="l1")
            assert (await first.until("owner"))["owner"] == "BOT"
            await second.until("queue", position=1)
            assert (await first.ask(LOST))["article"]["key"] == "debit.lost"

    async def test_the_bot_is_silent_while_a_customer_waits(self, address: str, rasa: FakeRasa) -> None:
        async with visit(address) as customer:
            await customer.queue_up()
            await customer.say(LOST)
            await customer.until("ack")
            await customer.settled()
        assert not rasa.calls
        assert not [f for f in customer.frames if f["type"] == "message" and f["message"]["sender"] == "bot"]

    async def test_reconnecting_in_the_queue_shows_the_place(self, address: str) -> None:
        async with visit(address) as customer:
            await customer.queue_up()
        async with visit(address, token=customer.token) as again:
            assert again.welcome["owner"] == "QUEUED"
            assert again.welcome["queue"] == {"position": 1}


class TestPerson:
    async def test_a_whole_conversation_with_an_agent(
        self, address: str, staff: Staff, teller: Teller, rasa: FakeRasa
    ) -> None:
        agent = await staff.hire("wang")
        desk, name = teller.desk, agent.user.display_name
        async with visit(address) as customer:
            await customer.queue_up()
            await desk.take(agent.user, customer.session)
            assert (
                name in (await customer.message("system"))["text"] or name in (await customer.message("system"))["text"]
            )
            await customer.say(LOST)
            await customer.message("customer")
            await desk.typing(agent.user, customer.session)
            assert (await customer.until("typing"))["who"] == "agent"
            await desk.say(agent.user, customer.session, "您好，我来帮您", "a1")
            said = await customer.message("agent")
            assert (said["text"], said["name"]) == ("您好，我来帮您", name)
            await desk.send_article(agent.user, customer.session, "debit.lost", "a2")
            sent = await customer.message("agent")
            assert sent["article"]["key"] == "debit.lost"
            assert sent["format"] == "markdown"
            assert rasa.calls == []
            await desk.give_back(agent.user, customer.session, "已解释")
            assert (await customer.until("owner"))["owner"] == "BOT"
            assert (await customer.ask(QUESTIONS["credit.lost"]))["article"]["key"] == "credit.lost"

    async def test_when_the_agent_closes_the_customer_is_told_and_can_write_no_more(
        self, address: str, staff: Staff, teller: Teller
    ) -> None:
        agent = await staff.hire("wang")
        async with visit(address) as customer:
            await customer.queue_up()
            await teller.desk.take(agent.user, customer.session)
            await teller.desk.close(agent.user, customer.session)
            assert await customer.until("closed") == {"type": "closed", "reason": "agent"}
            await customer.say("还有一个问题")
            assert (await customer.until("error"))["code"] == "conversation_closed"

    async def test_the_agents_name_is_known_after_a_reconnect(self, address: str, staff: Staff, teller: Teller) -> None:
        agent = await staff.hire("wang")
        async with visit(address) as customer:
            await customer.queue_up()
            await teller.desk.take(agent.user, customer.session)
            await teller.desk.say(agent.user, customer.session, "您好", "a1")
            last = (await customer.message("agent"))["seq"]
        async with visit(address, token=customer.token, last_seq=last) as again:
            assert again.welcome["owner"] == "HUMAN"
            assert again.welcome["agent"] == agent.user.display_name

    async def test_the_customer_can_end_the_conversation(self, address: str, teller: Teller) -> None:
        async with visit(address) as customer:
            await customer.send(type="close")
            assert (await customer.until("closed"))["reason"] == "customer"
        assert (await teller.conversations.get(customer.session)).owner == Owner.CLOSED


class TestSmallFrames:
    async def test_ping_is_answered(self, address: str) -> None:
        async with visit(address) as customer:
            await customer.settled()

    async def test_elder_mode_is_told_to_every_tab(self, address: str) -> None:
        async with visit(address) as customer, visit(address, token=customer.token) as second:
            await customer.send(type="elder", on=True)
            assert (await second.until("elder"))["on"] is True

    async def test_entering_with_elder_mode_changes_the_conversation(self, address: str) -> None:
        async with visit(address) as customer:
            pass
        async with visit(address, token=customer.token, elder=True) as again:
            assert again.welcome["elder"] is True

    async def test_reading_beyond_the_end_marks_the_end(self, address: str, teller: Teller) -> None:
        async with visit(address) as customer:
            await customer.ask(LOST)
            await customer.send(type="read", seq=10**6)
            await customer.settled()
            # Frames are answered beside each other: the mark is stored when its event is out.
            async with asyncio.timeout(PATIENCE):
                while not (seen := (await teller.conversations.get(customer.session)).customer_read_seq):
                    pass
            assert seen == 2


BAD_FRAMES = {
    "not JSON": "{nope",
    "not an object": "[1, 2]",
    "nested too deeply": "[" * 4000,
    "no type": "{}",
    "unknown type": '{"type": "dance"}',
    "a second hello": '{"type": "hello"}',
    "a message without an id": '{"type": "message", "text": "x"}',
    "an id with strange characters": '{"type": "message", "id": "a b", "text": "x"}',
    "an id of half a character": '{"type": "message", "id": "\\ud800", "text": "x"}',
    "a text of half a character": '{"type": "message", "id": "m", "text": "\\ud800"}',
    "a text that is a number": '{"type": "message", "id": "m", "text": 5}',
    "a number too long to read": '{"type": "read", "seq": ' + "9" * 5000 + "}",
    "an invented rating": '{"type": "rate", "turn": "t", "rating": "great"}',
    "a negative seq": '{"type": "read", "seq": -1}',
    "a turn of a thousand characters": '{"type": "rate", "turn": "' + "t" * 1000 + '", "rating": "solved"}',
}


class TestBadInput:
    @pytest.mark.parametrize("frame", BAD_FRAMES.values(), ids=BAD_FRAMES.keys())
    async def test_a_bad_frame_gets_an_error_and_the_conversation_goes_on(self, address: str, frame: str) -> None:
        async with visit(address) as customer:
            await customer.socket.send(frame)
            error = await customer.until("error")
            assert error["code"] in ("bad_frame", "empty_message")
            assert (await customer.ask(LOST))["article"]["key"] == "debit.lost"

    async def test_a_binary_frame_gets_an_error_and_the_conversation_goes_on(self, address: str) -> None:
        async with visit(address) as customer:
            await customer.socket.send(b"\x00\x01\x02")
            assert (await customer.until("error"))["code"] == "bad_frame"
            assert (await customer.ask(LOST))["article"]["key"] == "debit.lost"

    @pytest.mark.parametrize(
        ("text", "code"),
        [("", "empty_message"), (" \t\n", "empty_message"), ("\x00\x07\u200b", "empty_message"),
         ("长" * 501, "message_too_long")],
        ids=["empty", "blank", "control characters", "501 characters"],
    )  # fmt: skip
    async def test_an_unusable_text_gets_a_clear_error_with_its_id(self, address: str, text: str, code: str) -> None:
        async with visit(address) as customer:
            message_id = await customer.say(text)
            error = await customer.until("error")
        assert (error["code"], error["id"]) == (code, message_id)
        assert customer.seqs() == []

    async def test_a_frame_of_70_kb_ends_that_socket_alone(self, address: str) -> None:
        async with visit(address) as other, visit(address) as customer:
            await customer.say("长" * 70_000)
            assert await customer.closed() in (1009, 1006)
            assert (await other.ask(LOST))["article"]["key"] == "debit.lost"
        async with visit(address, token=customer.token) as again:
            assert (await again.ask(LOST))["article"]["key"] == "debit.lost"

    @pytest.mark.parametrize(
        "first",
        ['{"type": "message", "id": "m", "text": "x"}', "{nope", '{"type": "hello", "last_seq": -1}',
         '{"type": "hello", "last_seq": ' + "9" * 30 + "}", '{"type": "hello", "token": "' + "t" * 200 + '"}',
         '{"type": "hello", "token": "\\ud800"}', "[" * 4000],
        ids=["a message", "not JSON", "a negative seq", "a huge seq", "a long token", "half a character", "deep"],
    )  # fmt: skip
    async def test_a_socket_that_does_not_say_hello_properly_is_refused(self, address: str, first: str) -> None:
        async with websockets.connect(f"ws://{address}/ws/chat", proxy=None) as socket:
            tab = Tab(socket)
            await socket.send(first)
            assert await tab.closed() == webchat.POLICY_VIOLATION
        assert tab.frames[0]["code"] == "bad_frame"

    async def test_a_socket_that_says_nothing_is_refused(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(webchat, "HELLO_SECONDS", 0.01)
        async with websockets.connect(f"ws://{address}/ws/chat", proxy=None) as socket:
            assert await Tab(socket).closed() == webchat.POLICY_VIOLATION

    async def test_pages_of_other_sites_are_refused(self, address: str) -> None:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"ws://{address}/ws/chat", origin="https://evil.example", proxy=None)
        assert refused.value.response.status_code == 403

    async def test_our_own_page_and_allowed_sites_may_connect(self, address: str, teller: Teller) -> None:
        teller.settings.allowed_origins.append("https://www.bank.example")
        for origin in (f"http://{address}", "https://www.bank.example"):
            async with websockets.connect(f"ws://{address}/ws/chat", origin=origin, proxy=None) as socket:
                await socket.send('{"type": "hello"}')
                assert json.loads(await socket.recv())["type"] == "welcome"

    async def test_too_many_new_sessions_of_one_address_are_told_so(self, address: str, teller: Teller) -> None:
        teller.gateway._sessions = RateLimit(1, 60.0, now=lambda: 0.0)
        async with (
            visit(address) as first,
            visit(address) as refused,
            visit(address, token=first.token) as known,
        ):
            assert refused.welcome["code"] == "too_many_sessions"
            assert known.welcome["session"] == first.session

    async def test_many_bad_frames_end_the_socket(self, address: str) -> None:
        async with visit(address) as customer:
            for _ in range(webchat.TOO_MANY_BAD_FRAMES):
                await customer.socket.send("{nope")
            await customer.closed()
        assert sum(frame["type"] == "error" for frame in customer.frames) == webchat.TOO_MANY_BAD_FRAMES

    async def test_a_failure_of_ours_is_told_without_its_inside(
        self, address: str, rasa: FakeRasa, caplog: pytest.LogCaptureFixture
    ) -> None:
        rasa.taught["炸"] = ZeroDivisionError("secret inside")
        async with visit(address) as customer:
            message_id = await customer.say("炸")
            error = await customer.until("error")
            assert (error["code"], error["id"]) == ("internal_error", message_id)
            assert "secret" not in json.dumps(error)
            assert (await customer.ask(LOST))["article"]["key"] == "debit.lost"


class TestHarm:
    async def test_a_flood_is_refused_while_others_are_served(self, address: str) -> None:
        async with visit(address) as flooder, visit(address) as other:
            for number in range(webchat.FRAMES_PER_10_SECONDS + 5):
                await flooder.send(type="typing", number=number)
            assert (await flooder.until("error"))["code"] == "too_fast"
            assert (await other.ask(LOST))["article"]["key"] == "debit.lost"

    async def test_more_waiting_frames_than_allowed_are_refused(self, address: str, rasa: FakeRasa) -> None:
        gate = rasa.before = Gate()
        async with visit(address) as customer:
            for number in range(webchat.PENDING_FRAMES + 1):
                await customer.send(type="message", id=f"m{number}", text=LOST)
            assert (await customer.until("error"))["id"] == f"m{webchat.PENDING_FRAMES}"
            gate.open()
            answers = [await customer.message("bot") for _ in range(webchat.PENDING_FRAMES)]
        assert len({answer["turn"] for answer in answers}) == webchat.PENDING_FRAMES

    async def test_a_client_that_stops_reading_is_cut_off_and_harms_nobody(
        self, address: str, teller: Teller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("core.sockets.SEND_SECONDS", 0.2)
        async with visit(address) as other, visit(address) as deaf:
            deaf.socket.transport.pause_reading()
            connections = teller.gateway.connections
            for _ in range(OUTBOX_FRAMES):
                noise = secrets.token_hex(50_000)  # compression cannot shrink it much
                connections.send(deaf.session, {"type": "pong", "noise": noise})
            assert (await other.ask(LOST))["article"]["key"] == "debit.lost"
            await until(lambda: connections.topics() == [other.session])
            assert (await other.ask(LOST))["article"]["key"] == "debit.lost"
            deaf.socket.transport.abort()

    async def test_a_client_that_falls_behind_for_too_many_frames_is_cut_off(
        self, address: str, teller: Teller
    ) -> None:
        async with visit(address) as other, visit(address) as slow:
            slow.socket.transport.pause_reading()
            connections = teller.gateway.connections
            for _ in range(OUTBOX_FRAMES + 1):  # all at once: none of them is written in between
                connections.send(slow.session, {"type": "pong"})
            await until(lambda: connections.topics() == [other.session])
            slow.socket.transport.abort()

    async def test_customers_who_leave_take_their_sockets_with_them(self, address: str, teller: Teller) -> None:
        async with visit(address), visit(address):
            assert len(teller.gateway.connections) == 2
        await until(lambda: not teller.gateway.connections)


class TestDeskSocket:
    async def test_it_pushes_the_queue_the_messages_and_the_changes_of_owner(
        self, address: str, staff: Staff, teller: Teller
    ) -> None:
        agent = await staff.hire("wang")
        async with desk_page(address, agent.cookie) as page, visit(address) as customer:
            await customer.ask(LOST)
            await customer.queue_up()
            queue = (await page.until("queue"))["queue"]
            assert [item["conversation"] for item in queue] == [customer.session]
            assert (queue[0]["reason"], queue[0]["last_text"]) == ("asked", LOST)
            await teller.desk.take(agent.user, customer.session)
            owner = await page.until("owner", owner="HUMAN")
            assert (owner["conversation"], owner["agent"]) == (customer.session, agent.user.display_name)
            assert (await page.until("queue"))["queue"] == []
            assert [item["conversation"] for item in (await page.until("mine"))["mine"]] == [customer.session]
            await customer.send(type="typing")
            assert (await page.until("typing"))["conversation"] == customer.session
            await customer.say("在吗")
            await page.until("message")
            pushed = page.frames[-1]
            while pushed["message"]["sender"] != "customer":
                pushed = await page.until("message")
            assert (pushed["conversation"], pushed["message"]["text"]) == (customer.session, "在吗")
            await teller.desk.say(agent.user, customer.session, "在的", "a1")
            seq = (await customer.message("agent"))["seq"]
            await customer.send(type="read", seq=seq)
            assert await page.until("read") == {"type": "read", "conversation": customer.session, "seq": seq}

    async def test_a_rating_reaches_the_agent_who_holds_the_conversation(
        self, address: str, staff: Staff, teller: Teller
    ) -> None:
        agent = await staff.hire("wang")
        async with desk_page(address, agent.cookie) as page, visit(address) as customer:
            answer = await customer.ask(LOST)
            await customer.queue_up()
            await teller.desk.take(agent.user, customer.session)
            await customer.send(type="rate", turn=answer["turn"], rating="unsolved")
            assert (await page.until("rated"))["rating"] == "unsolved"

    async def test_words_of_a_conversation_go_to_its_agent_alone(
        self, address: str, staff: Staff, teller: Teller
    ) -> None:
        agent, colleague = await staff.hire("wang"), await staff.hire("li")
        async with (
            desk_page(address, agent.cookie) as page,
            desk_page(address, colleague.cookie) as other,
            visit(address) as customer,
        ):
            await customer.queue_up()
            await teller.desk.take(agent.user, customer.session)
            await customer.say("我的事")
            while (await page.until("message"))["message"]["sender"] != "customer":
                pass
            await other.settled()
        assert not [frame for frame in other.frames if frame["type"] == "message"]

    async def test_without_a_session_it_is_refused(self, address: str) -> None:
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(f"ws://{address}/ws/desk", proxy=None)

    async def test_pages_of_other_sites_are_refused(self, address: str, staff: Staff) -> None:
        agent = await staff.hire("wang")
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(
                f"ws://{address}/ws/desk", origin="https://evil.example", proxy=None,
                additional_headers={"Cookie": f"teller_session={agent.cookie}"},
            )  # fmt: skip

    async def test_it_ends_when_the_agent_has_signed_out(self, address: str, staff: Staff, teller: Teller) -> None:
        agent = await staff.hire("wang")
        async with desk_page(address, agent.cookie) as page:
            await teller.accounts.sign_out(agent.cookie)
            await page.send(type="ping")
            await page.closed()
        assert not [frame for frame in page.frames if frame["type"] == "pong"]
