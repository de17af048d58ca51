"""Counters and timings of calls for Prometheus, taken from their events."""

from prometheus_client import Counter, Gauge, Histogram

from voice import events

CALLS = Gauge("teller_calls", "Calls being held")
ENDS = Counter("teller_calls_ended_total", "Calls that ended", ["reason"])
FLOOR = Counter("teller_call_floor_total", "What happened between caller and robot", ["happened"])
STAGES = Histogram(
    "teller_call_stage_seconds", "From the caller's last sound to the robot's first, by stage", ["stage"],
    buckets=(0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5),
)  # fmt: skip


def count(event: events.CallEvent) -> None:
    match event:
        case events.CallStarted():
            CALLS.inc()
        case events.CallEnded(reason=reason):
            CALLS.dec()
            ENDS.labels(reason).inc()
        case events.SpeechBegan(interrupts=True):
            FLOOR.labels("barge_in").inc()
        case events.FalseInterruption():
            FLOOR.labels("false_interruption").inc()
        case events.BackChannelHeard():
            FLOOR.labels("back_channel").inc()
        case events.NothingHeard(kind=kind):
            FLOOR.labels(kind).inc()
        case events.VoiceFailed():
            FLOOR.labels("voice_failed").inc()
        case events.Answered(timings_ms=timings):
            for stage, milliseconds in timings.items():
                STAGES.labels(stage).observe(milliseconds / 1000)
