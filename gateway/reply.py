"""From what was understood to what is said.

The gateway's replies, rich for pages and with plain text for every channel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from conversations.schemas import ArticleRef, Button, Decision, Message, MessageDraft, Outcome
from gateway import wording
from gateway.understanding import Understanding
from kb.schemas import Answer, SearchResult

CANDIDATES = 3
CANDIDATES_ELDER = 2
RELATED = 3

PERSON_BUTTON = Button(title=wording.TO_HUMAN, action="human")


@dataclass(frozen=True)
class Reply:
    """What the bot will say in this turn, and what the turn means."""

    decision: Decision
    drafts: list[MessageDraft]
    outcome: Outcome
    article: Answer | None = None
    handoff_reason: str | None = None
    handoff_priority: int = 0
    control: str | None = None
    rateable: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rateable", any(draft.rateable for draft in self.drafts))


def compose(understood: Understanding, elder: bool) -> Reply:
    """The reply to one understood turn."""
    if understood.kind == "handoff":
        return _handoff(understood, elder)
    if understood.kind == "failure":
        text = wording.ALL_DOWN if understood.failure == "rasa+kb" else wording.KB_DOWN
        return Reply("unrecognised", [_bot(text, buttons=[PERSON_BUTTON])], "failed")
    if understood.kind == "task":
        return _task(understood, elder)
    if understood.kind == "knowledge" and understood.search:
        return _knowledge(understood.search, elder, degraded=understood.failure is not None)
    texts = understood.texts or [wording.CONTROL.get(understood.control or "", wording.MENU)]
    return Reply("social", [_bot(text) for text in texts], "neutral", control=understood.control)


def _knowledge(search: SearchResult, elder: bool, degraded: bool) -> Reply:
    if search.decision == "answer" and search.answer:
        drafts = [answer_message(search.answer, elder)]
        if degraded:
            drafts.append(_bot(wording.RASA_DOWN, buttons=[PERSON_BUTTON]))
        return Reply("answer", drafts, "answered", article=search.answer)
    if search.decision == "clarify" and search.candidates:
        return Reply("clarify", [_clarify(search, elder)], "neutral")
    return Reply("unrecognised", [_bot(wording.UNRECOGNISED, buttons=[PERSON_BUTTON])], "failed")


def _clarify(search: SearchResult, elder: bool) -> MessageDraft:
    shown = search.candidates[: CANDIDATES_ELDER if elder else CANDIDATES]
    none_of_these = Button(title=wording.CLARIFY_NONE, action="human")
    candidates = [ArticleRef(key=c.key, question=c.question, version=c.version) for c in shown]
    return _bot(wording.CLARIFY, candidates=candidates, buttons=[none_of_these])


def _task(understood: Understanding, elder: bool) -> Reply:
    search = understood.search
    answer = search.answer if search else None
    drafts = [_bot(text) for text in understood.texts]
    if answer:
        drafts.insert(0, answer_message(answer, elder))
    if understood.offer_person:
        offer = wording.OFFER_PERSON if answer else wording.OFFER_LISTENER
        drafts.append(_bot(offer, buttons=[PERSON_BUTTON]))
    return Reply("task", drafts, "answered", article=answer)


def _handoff(understood: Understanding, elder: bool) -> Reply:
    answer = understood.search.answer if understood.search else None
    drafts = [answer_message(answer, elder)] if answer else []
    drafts += [_bot(text) for text in understood.texts]
    return Reply(
        "handoff", drafts, "neutral", article=answer,
        handoff_reason=understood.handoff_reason, handoff_priority=understood.handoff_priority,
    )  # fmt: skip


def answer_message(answer: Answer, elder: bool) -> MessageDraft:
    """An article as a chat message."""
    related = [] if elder else [ArticleRef(key=r.key, question=r.question) for r in answer.related[:RELATED]]
    return MessageDraft(
        sender="bot",
        text=answer.text,
        format="markdown",
        article=ArticleRef(key=answer.key, question=answer.question, version=answer.version),
        related=related,
        buttons=[PERSON_BUTTON] if elder else [],
        rateable=True,
        spoken=answer.spoken,
    )


def system(text: str, buttons: Sequence[Button] = ()) -> MessageDraft:
    return MessageDraft(sender="system", text=text, buttons=list(buttons))


def _bot(text: str, buttons: Sequence[Button] = (), candidates: Sequence[ArticleRef] = ()) -> MessageDraft:
    return MessageDraft(sender="bot", text=text, buttons=list(buttons), candidates=list(candidates))


def bot_text(text: str, buttons: Sequence[Button] = ()) -> MessageDraft:
    return _bot(text, buttons)


def plain(message: MessageDraft | Message) -> str:
    """A message for a channel that shows text alone: candidates become a numbered list."""
    lines = [message.text]
    lines += [f"{number}. {candidate.question}" for number, candidate in enumerate(message.candidates, 1)]
    return "\n".join(lines)
