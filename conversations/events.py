"""Every fact that `conversations` announces after the commit."""

from dataclasses import dataclass

from conversations.schemas import Message, TurnRecord


@dataclass(frozen=True)
class MessageAdded:
    conversation: str
    message: Message
    client_id: str | None = None  # the sender's own id of it


@dataclass(frozen=True)
class OwnerChanged:
    conversation: str
    from_owner: str
    to_owner: str
    reason: str
    agent_id: str | None
    agent_name: str | None


@dataclass(frozen=True)
class TurnFinished:
    conversation: str
    turn: TurnRecord


@dataclass(frozen=True)
class AnswerRated:
    conversation: str
    turn: str
    rating: str


@dataclass(frozen=True)
class MessagesRead:
    conversation: str
    reader: str  # customer or agent
    seq: int


@dataclass(frozen=True)
class ElderModeChanged:
    conversation: str
    on: bool


@dataclass(frozen=True)
class ConversationClosed:
    conversation: str
    reason: str  # idle, agent, customer


@dataclass(frozen=True)
class DeskStaffed:
    """The number of agents who are ready has changed."""

    ready: int


@dataclass(frozen=True)
class Typing:
    conversation: str
    who: str  # customer, bot, agent
