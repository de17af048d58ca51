"""Articles' spoken answers and the call's own sentences are made before anybody asks for them."""

import asyncio

import structlog

from core.database import Database
from kb.repository import ArticleRepository
from voice.synthesis.studio import Studio
from voice.wording import ALL_PROMPTS

log = structlog.get_logger()

FOLLOW_SECONDS = 5.0
REST_SECONDS = 3.0  # changes come in bursts


async def keep_ahead(studio: Studio, database: Database) -> None:
    """Follow the knowledge base for ever. Nothing that fails here stops the voice."""
    done: int | None = None
    await studio.ahead(ALL_PROMPTS)
    while True:
        try:
            generation = await database.read(lambda session: ArticleRepository(session).generation())
            if generation != done:
                await asyncio.sleep(REST_SECONDS)
                texts = await database.read(
                    lambda session: [article.spoken for article in ArticleRepository(session).all()]
                )
                made = await studio.ahead(texts)
                done = generation
                log.info("spoken answers are ready", made=made, generation=generation)
        except Exception:
            log.exception("spoken answers could not be made ahead")
        await asyncio.sleep(FOLLOW_SECONDS)
