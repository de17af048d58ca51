"""What agents do, over HTTP as their pages do it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from accounts.models import AuditEntry
from accounts.roles import Role
from app.main import Teller
from conversations.schemas import ConversationView
from desk.service import CLOSING, RETURNED
from gateway.turn import Incoming
from tests.fakes import QUESTIONS, FakeClock, FakeKnowledge, FakeRasa
from tests.staff import Person, Staff

pytestmark = pytest.mark.unit

LOST = QUESTIONS["debit.lost"]


class Page:
    """An agent's page."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def overview(self) -> dict[str, Any]:
        answer = await self.client.get("/api/v1/desk/overview")
        assert answer.status_code == 200
        overview: dict[str, Any] = answer.json()
        return overview

    async def post(self, conversation: str, what: str, **body: Any) -> httpx.Response:
        return await self.client.post(f"/api/v1/desk/conversations/{conversation}/{what}", json=body or None)

    async def open(self, conversation: str) -> httpx.Response:
        return await self.client.get(f"/api/v1/desk/conversations/{conversation}")

    async def presence(self, state: str) -> httpx.Response:
        return await self.client.put("/api/v1/desk/presence", json={"state": state})


@pytest.fixture
async def agent(staff: Staff) -> Person:
    return await staff.hire("wang")


@pytest.fixture
async def page(staff: Staff, agent: Person) -> AsyncIterator[Page]:
    async with staff.browser(agent) as client:
        yield Page(client)


@pytest.fixture
async def colleague(staff: Staff) -> AsyncIterator[Page]:
    async with staff.browser(await staff.hire("li")) as client:
        yield Page(client)


@pytest.fixture
async def supervisor(staff: Staff) -> AsyncIterator[Page]:
    async with staff.browser(await staff.hire("zhao", Role.SUPERVISOR)) as client:
        yield Page(client)


async def customer_asks(teller: Teller, text: str = LOST) -> ConversationView:
    """A conversation in which the bot has answered once and a person was asked for."""
    view, _ = await teller.conversations.start("web", elder=False)
    await teller.gateway.turns.handle_turn(Incoming(view.id, "m1", text))
    await teller.gateway.handoff.request(view.id, "asked", "customer")
    return view


async def audited(teller: Teller) -> list[tuple[str, str]]:
    with teller.database.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(row.action, row.subject) for row in rows if "conversation" in row.action]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


class TestPresence:
    async def test_everybody_begins_away(self, page: Page) -> None:
        overview = await page.overview()
        assert (overview["presence"], overview["agents_ready"]) == ("not_ready", 0)

    async def test_ready_agents_are_counted(self, page: Page, colleague: Page) -> None:
        assert (await page.presence("ready")).status_code == 204
        await colleague.presence("ready")
        assert (await page.overview())["agents_ready"] == 2
        await page.presence("not_ready")
        overview = await page.overview()
        assert (overview["presence"], overview["agents_ready"]) == ("not_ready", 1)

    async def test_an_unknown_state_is_invalid(self, page: Page) -> None:
        assert code(await page.presence("asleep")) == (422, "invalid_input")

    async def test_after_a_start_nobody_is_ready(self, page: Page, teller: Teller) -> None:
        await page.presence("ready")
        await teller.desk.everybody_away()
        assert (await page.overview())["presence"] == "not_ready"


class TestQueue:
    async def test_it_shows_who_waits_for_how_long_and_why(self, page: Page, teller: Teller, clock: FakeClock) -> None:
        view = await customer_asks(teller)
        clock.advance(seconds=75)
        (item,) = (await page.overview())["queue"]
        assert item == item | {
            "conversation": view.id, "channel": "web", "elder": False, "reason": "asked", "priority": 0,
            "waiting_seconds": 75, "last_text": LOST, "agent": None, "unread": 1,
        }  # fmt: skip

    async def test_a_taken_one_is_mine_and_no_longer_waits(self, page: Page, teller: Teller, agent: Person) -> None:
        view = await customer_asks(teller)
        assert (await page.post(view.id, "take")).status_code == 204
        overview = await page.overview()
        assert overview["queue"] == []
        (item,) = overview["mine"]
        assert (item["conversation"], item["agent"]) == (view.id, agent.user.display_name)

    async def test_the_second_who_takes_it_is_told(self, page: Page, colleague: Page, teller: Teller) -> None:
        view = await customer_asks(teller)
        await page.post(view.id, "take")
        assert code(await colleague.post(view.id, "take")) == (409, "already_taken")
        assert (await colleague.overview())["mine"] == []

    async def test_what_does_not_wait_cannot_be_taken(self, page: Page, teller: Teller) -> None:
        view, _ = await teller.conversations.start("web", elder=False)
        assert code(await page.post(view.id, "take")) == (409, "already_taken")
        await teller.gateway.close(view.id, "customer")
        assert code(await page.post(view.id, "take")) == (409, "conversation_closed")
        assert code(await page.post("nothing", "take")) == (404, "conversation_not_found")


class TestTalk:
    async def test_only_its_agent_may_act_on_it(
        self, page: Page, colleague: Page, supervisor: Page, teller: Teller
    ) -> None:
        view = await customer_asks(teller)
        await page.post(view.id, "take")
        acts: list[tuple[str, dict[str, Any]]] = [
            ("messages", {"id": "a1", "text": "您好"}), ("articles", {"id": "a2", "key": "debit.lost"}),
            ("typing", {}), ("read", {"seq": 1}), ("return", {"note": ""}), ("close", {}),
        ]  # fmt: skip
        for what, body in acts:
            for other in (colleague, supervisor):
                assert code(await other.post(view.id, what, **body)) == (403, "not_yours"), what
        for what, body in acts[:4]:
            assert (await page.post(view.id, what, **body)).is_success, what

    async def test_before_it_is_taken_nobody_may(self, page: Page, teller: Teller) -> None:
        view = await customer_asks(teller)
        assert code(await page.post(view.id, "messages", id="a1", text="您好")) == (403, "not_yours")

    async def test_a_message_sent_twice_stands_once(self, page: Page, teller: Teller) -> None:
        view = await customer_asks(teller)
        await page.post(view.id, "take")
        first, again = [(await page.post(view.id, "messages", id="a1", text="您好")).json() for _ in range(2)]
        assert first == again
        assert first["sender"] == "agent"

    async def test_long_ids_that_differ_at_their_end_are_two_messages(self, page: Page, teller: Teller) -> None:
        view = await customer_asks(teller)
        await page.post(view.id, "take")
        first, second = [
            (await page.post(view.id, "messages", id="i" * 60 + end, text=end)).json() for end in ("-1", "-2")
        ]
        assert (first["text"], second["text"]) == ("-1", "-2")

    async def test_an_id_of_the_customers_is_not_the_agents(self, page: Page, teller: Teller) -> None:
        view = await customer_asks(teller)
        await page.post(view.id, "take")
        said = (await page.post(view.id, "messages", id="m1", text="您好")).json()
        assert (said["sender"], said["text"]) == ("agent", "您好")

    @pytest.mark.parametrize("text", ["", "  ", "长" * 2001, "a\x00b"])
    async def test_an_unusable_text_is_invalid(self, page: Page, teller: Teller, text: str) -> None:
        view = await customer_asks(teller)
        await page.post(view.id, "take")
        assert code(await page.post(view.id, "messages", id="a1", text=text)) == (422, "invalid_input")

    async def test_an_article_is_sent_as_it_is_in_force(self, page: Page, teller: Teller) -> None:
        view = await customer_asks(teller)
        await page.post(view.id, "take")
        sent = (await page.post(view.id, "articles", id="a1", key="credit.lost")).json()
        assert (sent["article"]["key"], sent["article"]["version"], sent["format"]) == ("credit.lost", 1, "markdown")

    async def test_an_article_that_is_not_there_is_not_sent(
        self, page: Page, teller: Teller, knowledge: FakeKnowledge
    ) -> None:
        view = await customer_asks(teller)
        await page.post(view.id, "take")
        assert code(await page.post(view.id, "articles", id="a1", key="no.such")) == (404, "not_found")
        knowledge.is_down = True
        assert code(await page.post(view.id, "articles", id="a1", key="debit.lost")) == (503, "unavailable")

    async def test_reading_lowers_the_count_of_unread(self, page: Page, teller: Teller) -> None:
        view = await customer_asks(teller)
        await page.post(view.id, "take")
        await page.post(view.id, "read", seq=99)
        assert (await page.overview())["mine"][0]["unread"] == 0


class TestEnd:
    async def test_given_back_the_bot_answers_again_and_the_note_is_kept(
        self, page: Page, teller: Teller, rasa: FakeRasa
    ) -> None:
        view = await customer_asks(teller)
        await page.post(view.id, "take")
        assert (await page.post(view.id, "return", note="已核实")).status_code == 204
        history = await teller.conversations.history(view.id)
        assert history.conversation.owner == "BOT"
        assert history.ownership[-1].note == "已核实"
        assert history.messages[-1].text == RETURNED
        result = await teller.gateway.turns.handle_turn(Incoming(view.id, "m2", LOST))
        assert result.article == "debit.lost"

    async def test_closed_it_is_over(self, page: Page, teller: Teller) -> None:
        view = await customer_asks(teller)
        await page.post(view.id, "take")
        assert (await page.post(view.id, "close")).status_code == 204
        history = await teller.conversations.history(view.id)
        assert history.conversation.owner == "CLOSED"
        assert history.messages[-1].text == CLOSING
        assert (await page.overview())["mine"] == []
        assert (await page.post(view.id, "messages", id="a1", text="您好")).status_code in (403, 409)

    async def test_every_privileged_action_is_audited(self, page: Page, supervisor: Page, teller: Teller) -> None:
        view = await customer_asks(teller)
        await supervisor.open(view.id)
        await page.post(view.id, "take")
        await page.open(view.id)
        await page.post(view.id, "return", note="")
        assert await audited(teller) == [
            ("read_conversation", view.id), ("take_conversation", view.id), ("conversation_returned", view.id),
        ]  # fmt: skip


class TestOpen:
    async def test_the_whole_history_with_the_bots_guesses(self, page: Page, teller: Teller) -> None:
        view = await customer_asks(teller)
        opened = (await page.open(view.id)).json()
        assert opened["conversation"] == opened["conversation"] | {
            "id": view.id, "channel": "web", "owner": "QUEUED", "elder": False, "agent": None,
        }  # fmt: skip
        assert [message["sender"] for message in opened["messages"]] == ["customer", "bot", "system"]
        (turn,) = opened["turns"]
        assert (turn["text"], turn["intent"], turn["article"]) == (LOST, "ask_faq", "debit.lost")
        assert turn["ranking"][0]["name"] == "ask_faq"
        assert {"key", "question", "score"} <= turn["candidates"][0].keys()
        (change,) = opened["ownership"]
        assert (change["from"], change["to"], change["reason"], change["actor"]) == (
            "BOT", "QUEUED", "asked", "customer",
        )  # fmt: skip

    async def test_a_colleagues_conversation_is_not_shown_to_an_agent_but_to_a_supervisor(
        self, page: Page, colleague: Page, supervisor: Page, teller: Teller
    ) -> None:
        view = await customer_asks(teller)
        await page.post(view.id, "take")
        assert code(await colleague.open(view.id)) == (403, "not_yours")
        assert (await supervisor.open(view.id)).status_code == 200

    async def test_an_unknown_one_is_not_found(self, page: Page) -> None:
        for conversation in ("nothing", "%00", "会话", "x" * 500):
            assert code(await page.open(conversation)) == (404, "conversation_not_found")


class TestKnowledge:
    async def test_it_can_be_searched_and_read(self, page: Page) -> None:
        found = await page.client.get("/api/v1/knowledge/search", params={"q": LOST})
        assert found.json()["candidates"][0]["key"] == "debit.lost"
        read = await page.client.get("/api/v1/knowledge/articles/debit.lost")
        assert read.json()["question"] == LOST

    @pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": "  "}, {"q": "长" * 501}, {"q": "卡", "k": 21}])
    async def test_a_strange_search_is_invalid(self, page: Page, query: dict[str, Any]) -> None:
        answer = await page.client.get("/api/v1/knowledge/search", params=query)
        assert code(answer) == (422, "invalid_input")

    async def test_what_is_not_there_is_told(self, page: Page, knowledge: FakeKnowledge) -> None:
        assert code(await page.client.get("/api/v1/knowledge/articles/no.such")) == (404, "not_found")
        knowledge.is_down = True
        assert code(await page.client.get("/api/v1/knowledge/search", params={"q": "卡"})) == (503, "unavailable")
