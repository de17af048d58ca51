"""The Vosk engine: one model for all callers, one recogniser a caller, the work in threads beside the event loop.

Vosk releases Python's lock while it works, so as many callers are heard at once as there are cores.
"""

import asyncio
import json
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import structlog
import vosk

from asr.engine import Transcript
from asr.model_folder import check_files, has_grammars, model_version
from asr.phrases import Phrases, in_known_words
from asr.problems import ModelUnusable, TooManySessions
from asr.quiet_line import with_faint_noise
from asr.vosk_results import joined, later, transcript_of
from core.problems import InvalidInput

log = structlog.get_logger()

Result = TypeVar("Result")

LOWEST_RATE, HIGHEST_RATE = 8000, 48000
CHUNK_SECONDS = 1.0  # of a recording that is heard whole
MAX_SESSIONS = 200
WORDS_WITHOUT_A_SOUND = {"<eps>", "<s>", "</s>", "#0", "[unk]"}

vosk.SetLogLevel(-1)  # its lines would carry what callers say past our masking


def try_model(folder: str) -> None:
    """Load a model and let it hear a moment of silence; whatever is wrong ends the process."""
    recogniser = vosk.KaldiRecognizer(vosk.Model(folder), 8000)
    recogniser.AcceptWaveform(bytes(8000))
    recogniser.FinalResult()


@dataclass(frozen=True)
class Model:
    """A loaded model. Sessions hold it, so that it lives until the last of them has ended."""

    folder: Path
    version: str
    loaded: Any  # vosk.Model for anything that may be said
    is_whole: bool  # whether its graph is composed, so that phrases need the halves

    @classmethod
    def load(cls, folder: Path, whole: Path | None = None) -> "Model":
        """`whole` is the same model with its graph composed (`asr.whole_graph`).

        Raises ModelUnusable where files are missing. `check_loads` finds damage that would end the process.
        """
        check_files(folder)
        return cls(folder, model_version(folder), _loaded(whole or folder), whole is not None)

    @cached_property
    def for_phrases(self) -> Any:
        """The vosk.Model that takes run-time phrases; loaded with the first of them."""
        return _loaded(self.folder) if self.is_whole and has_grammars(self.folder) else self.loaded

    @cached_property
    def words(self) -> frozenset[str]:
        """The vocabulary; empty where the model keeps it inside its graph."""
        path = self.folder / "graph" / "words.txt"
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return frozenset(line.partition(" ")[0] for line in lines) - WORDS_WITHOUT_A_SOUND

    def phrases(self, texts: Sequence[str]) -> Phrases:
        return in_known_words(texts, self.words)

    def recogniser(self, rate: int, grammar: Sequence[str] | None, alternatives: int) -> Any:
        arguments = [json.dumps(list(grammar), ensure_ascii=False)] if grammar else []
        recogniser = vosk.KaldiRecognizer(self.for_phrases if grammar else self.loaded, float(rate), *arguments)
        recogniser.SetWords(True)
        recogniser.SetMaxAlternatives(alternatives)
        return recogniser


def _loaded(folder: Path) -> Any:
    try:
        return vosk.Model(str(folder))
    except Exception:
        raise ModelUnusable(f"the speech model at {folder} cannot be loaded") from None


class VoskTranscriber:
    """Implements `asr.engine.Transcriber`."""

    def __init__(self, folder: Path, whole: Path | None = None, max_sessions: int = MAX_SESSIONS) -> None:
        self._model = Model.load(folder, whole)
        self._max_sessions = max_sessions
        self._open = 0
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="speech")

    @property
    def model(self) -> str:
        return self._model.version

    @property
    def open_sessions(self) -> int:
        return self._open

    def session(self, rate: int, phrases: Sequence[str] | None = None, alternatives: int = 0) -> "VoskSession":
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise InvalidInput(f"the sample rate must be {LOWEST_RATE} to {HIGHEST_RATE} Hz, not {rate}")
        if self._open >= self._max_sessions:
            raise TooManySessions(f"{self._open} callers are being heard, more are not allowed")
        session = VoskSession(self._model, rate, alternatives, self._run, self._closed)
        session.expect(phrases)
        self._open += 1
        return session

    def unknown_phrases(self, phrases: Sequence[str]) -> list[str]:
        """Those of `phrases` that the model cannot hear, because the lexicon lacks their characters."""
        return self._model.phrases(phrases).unknown

    async def transcribe(self, pcm: bytes, rate: int) -> Transcript:
        return await self._run(_transcribe, self._model, pcm, rate)

    async def reload(self, folder: Path, whole: Path | None = None) -> str:
        """Use the model in `folder` for sessions from now on; gives its version. Running sessions keep theirs."""
        self._model = await asyncio.to_thread(Model.load, folder, whole)
        return self._model.version

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    def _closed(self) -> None:
        self._open -= 1


class VoskSession:
    """Implements `asr.engine.StreamingSession`."""

    def __init__(
        self, model: Model, rate: int, alternatives: int, run: Callable[..., Any], on_close: Callable[[], None]
    ) -> None:
        self._model, self._rate, self._alternatives = model, rate, alternatives
        self._run, self._on_close = run, on_close
        self._recogniser: Any = None  # made at the first sound of an utterance for which it is due
        self._grammar: list[str] | None = None
        self._is_due = True
        self._between = True  # no sound since the last utterance
        self._heard = 0  # samples in all
        self._offset = 0.0  # seconds before the present recogniser's beginning
        self._rest = b""  # half a sample
        self._partials: list[str] = []
        self.own_reply = ""  # Vosk's own JSON for what was heard last
        self._is_closed = False
        # A caller who gives up waiting leaves his call at work in a thread; the next one must not overlap it.
        self._turn = threading.Lock()

    @property
    def model(self) -> str:
        return self._model.version

    async def accept(self, pcm: bytes) -> Transcript | None:
        transcript: Transcript | None = await self._run(self._accept, pcm)
        return transcript

    async def partial(self) -> str:
        return self._partials[-1] if self._partials else ""

    async def finish(self) -> Transcript:
        transcript: Transcript = await self._run(self._finish)
        return transcript

    def expect(self, phrases: Sequence[str] | None) -> None:
        """Phrases are written or spoken, their words parted or not. Those that the model has no sounds for are left
        out; where none is left, or the model has no run-time grammars, anything is heard."""
        grammar = self._grammar_of(phrases) if phrases else None
        if grammar != self._grammar:
            self._grammar, self._is_due = grammar, True

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._recogniser = None
            self._on_close()

    def _grammar_of(self, phrases: Sequence[str]) -> list[str] | None:
        if not has_grammars(self._model.folder):
            log.warning("this speech model has no run-time grammars; listening for anything", model=self.model)
            return None
        known = self._model.phrases(phrases)
        if known.unknown:
            log.warning("phrases outside the speech model's lexicon", phrases=len(known.unknown), model=self.model)
        return known.grammar or None

    def _accept(self, pcm: bytes) -> Transcript | None:
        with self._turn:
            recogniser = self._ready()
            if self._rest:
                pcm = self._rest + pcm
            even = len(pcm) & ~1
            self._rest = pcm[even:]
            pcm = pcm[:even] if self._rest else pcm
            pcm = with_faint_noise(pcm, self._heard)
            self._heard += even // 2
            self._between = self._between and not even
            if recogniser.AcceptWaveform(pcm):
                return self._utterance(recogniser.Result())
            self.own_reply = recogniser.PartialResult()
            self._note_partial(json.loads(self.own_reply)["partial"])
            return None

    def _finish(self) -> Transcript:
        with self._turn:
            return self._utterance(self._ready().FinalResult())

    def _ready(self) -> Any:
        """The recogniser; a new one when other phrases are expected and no utterance is under way."""
        if self._is_closed:
            raise InvalidInput("the speech session is closed")
        if self._recogniser is None or (self._is_due and self._between):
            self._recogniser = self._model.recogniser(self._rate, self._grammar, self._alternatives)
            self._offset, self._is_due = self._heard / self._rate, False
        return self._recogniser

    def _note_partial(self, spaced: str) -> None:
        text = joined(spaced.split())
        if text and (not self._partials or self._partials[-1] != text):
            self._partials.append(text)

    def _utterance(self, result: str) -> Transcript:
        self.own_reply = later(result, self._offset) if self._offset else result
        transcript = transcript_of([result], self._model.version, self._offset)
        partials, self._partials, self._between = tuple(self._partials), [], True
        return replace(transcript, partials=partials)


def _transcribe(model: Model, pcm: bytes, rate: int) -> Transcript:
    recogniser = model.recogniser(rate, None, 0)
    step = int(rate * CHUNK_SECONDS) * 2
    results = []
    for start in range(0, len(pcm) - len(pcm) % 2, step):
        if recogniser.AcceptWaveform(with_faint_noise(pcm[start : start + step], start // 2)):
            results.append(recogniser.Result())
    results.append(recogniser.FinalResult())
    return transcript_of(results, model.version)
