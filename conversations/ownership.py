"""Who answers the customer, and which changes of that are allowed."""

from enum import StrEnum


class Owner(StrEnum):
    BOT = "BOT"
    QUEUED = "QUEUED"  # waiting for a person; the bot is silent
    HUMAN = "HUMAN"
    CLOSED = "CLOSED"


class HandoffReason(StrEnum):
    ASKED = "asked"
    FRAUD = "fraud"
    COMPLAINT = "complaint"
    ABUSE = "abuse"
    UNRESOLVED = "unresolved"
    UNRECOGNISED = "unrecognised"
    OPERATOR = "operator"
    FAILURE = "failure"


ALLOWED_CHANGES: dict[Owner, set[Owner]] = {
    Owner.BOT: {Owner.QUEUED, Owner.CLOSED},
    Owner.QUEUED: {Owner.HUMAN, Owner.BOT, Owner.CLOSED},
    Owner.HUMAN: {Owner.BOT, Owner.QUEUED, Owner.CLOSED},
    Owner.CLOSED: set(),
}
