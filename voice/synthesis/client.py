"""The voice process as the app uses it."""

import asyncio
from collections.abc import AsyncIterator

from core.peers import Peer
from core.problems import Unavailable
from core.secrets import Secrets
from core.settings import Settings
from voice.problems import NoVoice
from voice.synthesis.sentences import sentences
from voice.synthesis.synthesiser import Manner, Spoken


class SynthesisClient:
    """Implements `synthesiser.Synthesiser`: sentence by sentence, the next one asked for while one is played."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        headers = {"Authorization": f"Bearer {secrets.internal_token}"}
        self._process = Peer("voice", settings.voice_url, headers, settings.voice_seconds)

    async def speak(self, text: str, manner: Manner) -> AsyncIterator[Spoken]:
        following: asyncio.Task[Spoken] | None = None
        pieces = sentences(text)
        try:
            for index, _ in enumerate(pieces):
                present = following or asyncio.create_task(self._sentence(pieces[index], manner))
                following = None
                spoken = await present
                if index + 1 < len(pieces):
                    following = asyncio.create_task(self._sentence(pieces[index + 1], manner))
                yield spoken
        finally:
            if following:
                following.cancel()

    async def _sentence(self, text: str, manner: Manner) -> Spoken:
        body = {"text": text, "speed": manner.speed, "volume": manner.volume, "rate": manner.rate}
        try:
            status, pcm = await self._process.call("POST", "/v1/speak", json=body)
        except Unavailable as error:
            raise NoVoice(error.detail) from None
        if status != 200:
            raise NoVoice(f"the voice process answered {status}")
        return Spoken(text, pcm)

    async def is_ready(self) -> bool:
        return await self._process.answers("/readyz")

    async def close(self) -> None:
        await self._process.close()
