"""Conversations end after a silence, with a closing message."""

import asyncio

import structlog

from conversations.ownership import Owner
from core.problems import Problem
from gateway.service import Gateway

log = structlog.get_logger()

LOOK_EVERY_SECONDS = 15.0


async def close_idle(gateway: Gateway) -> int:
    """Close what has been silent for too long; gives how many. Nobody who waits for a person is closed."""
    settings, conversations = gateway.settings, gateway.conversations
    idle = await conversations.idle([Owner.BOT], settings.idle_minutes)
    idle += await conversations.idle([Owner.HUMAN], settings.human_idle_minutes)
    closed = 0
    for conversation in idle:
        try:
            await gateway.close(conversation, "idle")
            closed += 1
        except Problem as problem:
            log.info("not closed", conversation=conversation, problem=problem.code)
    return closed


async def keep_closing_idle(gateway: Gateway) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        try:
            await close_idle(gateway)
        except Exception:
            log.exception("idle conversations could not be closed; trying again")
