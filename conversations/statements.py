"""The statements of a turn, on the tables themselves and built once.

Tracked objects would cost several times as much, and every turn of every customer runs these.
"""

from typing import cast

from sqlalchemy import Table, bindparam, insert, select, update

from conversations import models
from conversations.ownership import Owner

_conversations, _messages, _turns = (
    cast(Table, model.__table__) for model in (models.Conversation, models.Message, models.Turn)
)
_this = _conversations.c.id == bindparam("conversation")

# The customer's next sequence number; no row comes back when there is no such conversation or it is closed.
ADVANCE = (
    update(_conversations)
    .where(_this, _conversations.c.owner != Owner.CLOSED)
    .values(last_seq=_conversations.c.last_seq + 1, last_activity_at=bindparam("at"))
    .returning(*_conversations.c)
)
STANDING = (
    select(*(_conversations.c[name] for name in ("owner", "owner_epoch", "last_seq", "failures", "answer_stands")))
    .where(_this)
    .with_for_update()
)
COUNT_TURN = (
    update(_conversations)
    .where(_this)
    .values(
        turn_count=_conversations.c.turn_count + 1,
        last_seq=bindparam("newest"),
        failures=bindparam("in_a_row"),
        answer_stands=bindparam("stands"),
        last_activity_at=bindparam("at"),
    )
)
ADD_MESSAGE = insert(_messages)
ADD_TURN = insert(_turns)
