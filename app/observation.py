"""Counters and timings for Prometheus, taken from the events beside the path."""

from prometheus_client import Counter, Histogram

from conversations import events
from core.bus import Bus

TURNS = Counter("teller_turns_total", "Turns taken by the bot", ["channel", "decision"])
FAILURES = Counter("teller_stage_failures_total", "Stages that did not answer in time", ["stage"])
STAGES = Histogram(
    "teller_turn_stage_seconds", "Time spent in each stage of a turn", ["stage"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)  # fmt: skip
OWNER_CHANGES = Counter("teller_owner_changes_total", "Conversations that changed hands", ["to", "reason"])
RATINGS = Counter("teller_ratings_total", "Answers rated by customers", ["rating"])


def observe(bus: Bus) -> None:
    bus.subscribe(events.TurnFinished, count_turn)
    bus.subscribe(events.OwnerChanged, count_owner_change)
    bus.subscribe(events.AnswerRated, count_rating)


async def count_turn(event: events.TurnFinished) -> None:
    turn = event.turn
    TURNS.labels(turn.channel, "suppressed" if turn.suppressed else turn.decision).inc()
    if turn.failure:
        FAILURES.labels(turn.failure).inc()
    for stage, milliseconds in turn.timings_ms.items():
        STAGES.labels(stage).observe(milliseconds / 1000)


async def count_owner_change(event: events.OwnerChanged) -> None:
    OWNER_CHANGES.labels(event.to_owner, event.reason).inc()


async def count_rating(event: events.AnswerRated) -> None:
    RATINGS.labels(event.rating).inc()
