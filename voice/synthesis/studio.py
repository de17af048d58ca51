"""One engine with its cache: callers' sentences first, ahead-of-time work only while nobody waits."""

import asyncio
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from voice.synthesis.cache import SoundCache, key
from voice.synthesis.sentences import portions, sentences
from voice.synthesis.sound import at_rate, at_volume, trimmed
from voice.synthesis.spoken_form import spoken_form
from voice.synthesis.synthesiser import Engine, Manner, Spoken

log = structlog.get_logger()

LOWEST_PRIORITY = 19
# Kokoro begins after 0.4 s of silence and ends with a whole second of it: an answer would come late, its clauses fall
# apart, and who speaks right after the robot would interrupt it. Seconds at the usual speed.
BEFORE, AFTER_CLAUSE, AFTER_SENTENCE = 0.03, 0.2, 0.4
SENTENCE_ENDS = tuple("。！？!?；;")


class Studio:
    """Makes or finds the sound of sentences. Work is done in threads; the network is one for all of them."""

    def __init__(self, engine: Engine, cache: SoundCache, threads: int = 1) -> None:
        self._engine = engine
        self._cache = cache
        self._live = ThreadPoolExecutor(threads, "speaking")
        # On Linux a thread has a priority of its own: work ahead takes only what callers leave.
        self._ahead = ThreadPoolExecutor(1, "speaking-ahead", initializer=_lowest_priority)
        self._waiting = 0
        self._making: dict[str, threading.Lock] = {}
        self._locks = threading.Lock()

    @property
    def engine(self) -> str:
        return self._engine.name

    async def sentence(self, text: str, manner: Manner) -> Spoken:
        """The sound of one sentence, in the manner wanted."""
        self._waiting += 1
        try:
            pcm = await asyncio.get_running_loop().run_in_executor(self._live, self._sound, text, manner)
        finally:
            self._waiting -= 1
        return Spoken(text, pcm)

    async def ahead(self, texts: Sequence[str]) -> int:
        """Make what of these texts is not in the cache; gives the number of sentences made."""
        loop = asyncio.get_running_loop()
        wanted = {sentence for text in texts for sentence in _as_it_will_be_said(text)}
        missing = [sentence for sentence in wanted if not self._cache.has(self._key(sentence, 1.0))]
        for sentence in missing:
            while self._waiting:  # noqa: ASYNC110 (a moment's delay of work ahead harms nobody)
                await asyncio.sleep(0.2)
            await loop.run_in_executor(self._ahead, self._make, spoken_form(sentence), 1.0)
        return len(missing)

    def close(self) -> None:
        for pool in (self._live, self._ahead):
            pool.shutdown(wait=False, cancel_futures=True)

    def _key(self, text: str, speed: float) -> str:
        return key(spoken_form(text), self._engine.name, speed)

    def _sound(self, text: str, manner: Manner) -> bytes:
        pcm, rate = self._make(spoken_form(text), manner.speed)
        return at_volume(at_rate(pcm, rate, manner.rate), manner.volume)

    def _make(self, spoken: str, speed: float) -> tuple[bytes, int]:
        name = key(spoken, self._engine.name, speed)
        with self._lock_of(name):  # wanted twice at once, it is made once
            found = self._cache.get(name)
            if found is None:
                found = _with_pauses(spoken, speed, *self._engine.sound(spoken, speed))
                self._keep(name, *found)
        with self._locks:
            self._making.pop(name, None)
        return found

    def _lock_of(self, name: str) -> threading.Lock:
        with self._locks:
            return self._making.setdefault(name, threading.Lock())

    def _keep(self, name: str, pcm: bytes, rate: int) -> None:
        if not pcm:
            return
        try:
            self._cache.put(name, pcm, rate)
        except OSError as error:
            log.warning("a spoken sentence could not be kept", error=error.strerror)


def _as_it_will_be_said(text: str) -> list[str]:
    """The sentences of each portion: where one is cut depends on where its portion begins."""
    return [sentence for portion in portions(text) for sentence in sentences("".join(portion))]


def _with_pauses(spoken: str, speed: float, pcm: bytes, rate: int) -> tuple[bytes, int]:
    after = AFTER_SENTENCE if spoken.rstrip("”」』）) \n").endswith(SENTENCE_ENDS) else AFTER_CLAUSE
    return trimmed(pcm, rate, BEFORE, after / speed), rate


def _lowest_priority() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
