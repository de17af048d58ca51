"""From what was understood to what is said."""

import pytest

from gateway import wording
from gateway.reply import PERSON_BUTTON, answer_message, compose, plain
from gateway.understanding import Understanding
from tests.fakes import article, found

pytestmark = pytest.mark.unit

FOUR = ("debit.lost", "credit.lost", "transfer.limit", "life.pension")


class TestKnowledge:
    def test_an_answer_is_the_article_with_related_questions_and_a_rating(self) -> None:
        reply = compose(Understanding("knowledge", search=found("answer", *FOUR)), elder=False)
        (draft,) = reply.drafts
        assert (reply.decision, reply.outcome, reply.rateable) == ("answer", "answered", True)
        assert reply.article
        assert reply.article.key == "debit.lost"
        assert draft.format == "markdown"
        assert draft.article
        assert (draft.article.key, draft.article.version) == ("debit.lost", 1)
        assert len(draft.related) == 3
        assert draft.spoken
        assert not draft.buttons

    def test_an_answer_for_the_elderly_has_fewer_choices_and_the_person(self) -> None:
        (draft,) = compose(Understanding("knowledge", search=found("answer", *FOUR)), elder=True).drafts
        assert draft.related == []
        assert draft.buttons == [PERSON_BUTTON]

    @pytest.mark.parametrize(("elder", "shown"), [(False, 3), (True, 2)])
    def test_clarify_shows_a_few_candidates_and_a_way_out(self, elder: bool, shown: int) -> None:
        reply = compose(Understanding("knowledge", search=found("clarify", *FOUR)), elder)
        (draft,) = reply.drafts
        assert (reply.decision, reply.outcome, reply.rateable) == ("clarify", "neutral", False)
        assert [candidate.key for candidate in draft.candidates] == list(FOUR[:shown])
        assert [button.action for button in draft.buttons] == ["human"]

    @pytest.mark.parametrize(
        "search", [found("unrecognised", "debit.lost"), found("unrecognised"), found("clarify")],
        ids=["with candidates", "without", "clarify without candidates"],
    )  # fmt: skip
    def test_not_recognised_says_so_and_offers_a_person(self, search: object) -> None:
        reply = compose(Understanding("knowledge", search=search), elder=False)  # type: ignore[arg-type]
        assert (reply.decision, reply.outcome) == ("unrecognised", "failed")
        assert reply.drafts[0].text == wording.UNRECOGNISED
        assert reply.drafts[0].buttons == [PERSON_BUTTON]

    def test_an_answer_without_rasa_says_so(self) -> None:
        reply = compose(Understanding("knowledge", search=found("answer", *FOUR), failure="rasa"), elder=False)
        assert [draft.text for draft in reply.drafts][1:] == [wording.RASA_DOWN]


class TestTask:
    def test_a_task_answers_with_the_article_and_offers_a_person(self) -> None:
        reply = compose(
            Understanding("task", search=found("answer", "debit.lost"), texts=["好的"], offer_person=True), elder=False
        )
        assert (reply.decision, reply.outcome) == ("task", "answered")
        assert [draft.article is not None for draft in reply.drafts] == [True, False, False]
        assert reply.drafts[-1].buttons == [PERSON_BUTTON]

    def test_a_task_without_an_article_offers_somebody_who_listens(self) -> None:
        reply = compose(Understanding("task", texts=["已记录"], offer_person=True), elder=False)
        assert [draft.text for draft in reply.drafts] == ["已记录", wording.OFFER_LISTENER]
        assert reply.drafts[-1].buttons == [PERSON_BUTTON]

    def test_a_task_that_needs_no_person_offers_none(self) -> None:
        reply = compose(Understanding("task", texts=["谢谢表扬"]), elder=False)
        assert [(draft.text, draft.buttons) for draft in reply.drafts] == [("谢谢表扬", [])]


class TestOthers:
    def test_a_hand_off_keeps_reason_and_priority(self) -> None:
        reply = compose(Understanding("handoff", handoff_reason="fraud", handoff_priority=1), elder=False)
        assert (reply.decision, reply.handoff_reason, reply.handoff_priority) == ("handoff", "fraud", 1)

    def test_a_hand_off_may_bring_an_article(self) -> None:
        understood = Understanding("handoff", search=found("answer", "debit.lost"), handoff_reason="fraud")
        assert compose(understood, elder=False).drafts[0].article

    @pytest.mark.parametrize(("failure", "text"), [("kb", wording.KB_DOWN), ("rasa+kb", wording.ALL_DOWN)])
    def test_a_failure_is_said_honestly_with_the_person(self, failure: str, text: str) -> None:
        reply = compose(Understanding("failure", failure=failure), elder=False)
        assert [draft.text for draft in reply.drafts] == [text]
        assert reply.drafts[0].buttons == [PERSON_BUTTON]
        assert reply.outcome == "failed"

    def test_social_words_are_said_as_they_are(self) -> None:
        reply = compose(Understanding("social", texts=["您好", "请讲"]), elder=False)
        assert [draft.text for draft in reply.drafts] == ["您好", "请讲"]
        assert reply.outcome == "neutral"

    @pytest.mark.parametrize("control", ["slower", "cancel", "language"])
    def test_a_control_without_words_of_rasa_has_ours(self, control: str) -> None:
        reply = compose(Understanding("control", control=control), elder=False)
        assert [draft.text for draft in reply.drafts] == [wording.CONTROL[control]]
        assert reply.control == control


def test_plain_text_numbers_the_candidates() -> None:
    (draft,) = compose(Understanding("knowledge", search=found("clarify", *FOUR)), elder=True).drafts
    assert plain(draft).splitlines()[1:] == ["1. 储蓄卡丢了怎么办？", "2. 信用卡丢了怎么办？"]


def test_plain_text_of_an_article_is_its_text() -> None:
    assert plain(answer_message(article("debit.lost"), elder=False)) == article("debit.lost").text


def test_every_reason_for_a_hand_off_has_its_words() -> None:
    from conversations.ownership import HandoffReason

    assert set(wording.HANDOFF) == set(HandoffReason)
