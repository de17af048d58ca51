"""One spoken conversation, whatever line it is on: listens, decides whose turn it is, has the turn taken, speaks.

Everything is driven by the line's frames; thinking and synthesis run beside them.
"""

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from asr.engine import StreamingSession, Transcript
from conversations.schemas import ArticleRef, Message
from core.problems import Problem
from voice import events, wording
from voice.activity import VoiceActivity
from voice.commands import Control, choice_in, control_in, is_back_channel
from voice.ears import Ears
from voice.front import Answer, FrontLine, Said
from voice.line import AudioFrame, Digit, EndReason, HungUp, Line, LineEvent, PersonWanted
from voice.playback import Playback, Prompt
from voice.problems import NoRecogniser, NoVoice
from voice.speakable import speakable
from voice.synthesis.sentences import portions
from voice.synthesis.synthesiser import Synthesiser
from voice.turn_taking import Decision, Floor, Moment, Rules, TurnTaking

log = structlog.get_logger()

SPEED_STEPS = (0.7, 0.85, 1.0, 1.15, 1.3)
VOLUME_STEPS = (0.5, 0.75, 1.0, 1.6, 2.5)
USUAL_STEP = 2
DIGIT_SECONDS = 3.0  # after the last key; # ends at once
LEAST_CONFIDENCE = 0.3  # below it the words are not taken for words
RECOGNISER_FAILURES = 3  # in a row; then the call is handed to a person
BYTES_A_SAMPLE = 2
HEARING_VOICE = 0.3  # probability from which the recogniser is given what comes under the robot's voice


class RecordingStore(Protocol):
    async def keep(self, recording: str, conversation: str, pcm: bytes, rate: int) -> None: ...


@dataclass(frozen=True)
class Utterance:
    """A caller's turn before it is taken."""

    text: str
    said_until: float  # the last voice
    decided_at: float
    control: Control | None = None
    pick: ArticleRef | None = None
    transcript: Transcript | None = None
    sound: bytes = b""
    recognised_ms: float = 0.0


@dataclass(frozen=True)
class Offered:
    """A list that was read out, and whose it is."""

    candidates: Sequence[ArticleRef] = ()
    turn: str | None = None


class Call:
    """Runs until the line ends. Tell it of messages that others add to the conversation by `tell`."""

    def __init__(
        self, conversation: str, line: Line, session: StreamingSession, synthesiser: Synthesiser,
        activity: VoiceActivity, front: FrontLine, rules: Rules | None = None, recordings: RecordingStore | None = None,
        watch: events.Watcher = lambda _event: None, greeting: str = wording.GREETING, owner: str = "BOT",
    ) -> None:  # fmt: skip
        self.conversation = conversation
        self._line = line
        self._front = front
        self._watch = watch
        self._activity = activity
        self._recordings = recordings
        self._greeting = greeting
        self._rules = rules or Rules()
        self._turns = TurnTaking(self._rules)
        self._ears = Ears(session, line.rate, self._recogniser_failed)
        self._voice = Playback(line, synthesiser, self._voice_failed)
        self._owner = owner
        self.now = 0.0
        self._speed = self._volume = USUAL_STEP
        self._no_speech = self._no_match = self._deaf = 0
        self._partial = ""
        self._cut: list[Prompt] = []  # what an interruption cut off, as long as it may turn out to be none
        self._was_asking = False  # the interruption came while a question was asked
        self._rest: list[str] = []  # portions of the last answer that were not said yet
        self._rest_of: str | None = None
        self._last: list[str] = []  # texts of the last answer, to be said again
        self._offered = Offered()
        self._thinking: asyncio.Task[None] | None = None
        self._newest = 0  # utterances so far: an answer to an older one is not said
        self._held: list[Prompt] = []  # answers that came while the caller spoke
        self._aside: list[Message] = []  # messages of others, until they can be said
        self._said_seqs: set[int] = set()
        self._digits, self._digit_at = "", 0.0
        self._heard: dict[str, str] = {}
        self._timings: dict[str, dict[str, float]] = {}
        self._announced: Prompt | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending: EndReason | None = None

    async def run(self) -> EndReason:
        self._watch(events.CallStarted(self.now))
        reason: EndReason = "caller"
        try:
            self._say(self._greeting)
            async for event in self._line.events():
                if await self._take(event):
                    break
            reason = self._ending or "caller"
            return reason
        except Exception:
            reason = "failed"
            raise
        finally:
            await self._end(reason)

    def tell(self, message: Message) -> None:
        """A message of an agent or of the system, to be said when it is its time."""
        self._aside.append(message)

    def note_owner(self, owner: str) -> None:
        if owner != self._owner:
            self._owner = owner
            self._watch(events.OwnerSeen(self.now, owner))

    def end(self, reason: EndReason) -> None:
        """Say what is still to be said, then hang up."""
        self._ending = self._ending or reason

    # --- what comes from the line

    async def _take(self, event: LineEvent) -> bool:
        """True at the end of the call."""
        match event:
            case AudioFrame():
                await self._hear(event)
            case Digit(digit):
                self._key(digit)
            case PersonWanted():
                self._stop_speaking()
                self._begin_turn(Utterance("转人工", self.now, self.now))
            case HungUp():
                return True
        return self._ending is not None and not (self._voice.is_busy or self._is_thinking or self._aside)

    async def _hear(self, frame: AudioFrame) -> None:
        seconds = len(frame.pcm) / BYTES_A_SAMPLE / self._line.rate
        self.now = frame.at + seconds
        finished = self._voice.pump(self.now)
        if finished:
            self._note_heard(finished, is_whole=True)
        self._announce()
        probability = self._activity.probability(frame.pcm)
        speaking = self._voice.is_speaking
        is_caller = self._turns.floor == Floor.CALLER or self._turns.began is not None or probability >= HEARING_VOICE
        self._ears.hear(frame, is_wanted=not speaking or is_caller, is_voice=is_caller or bool(self._ears.words))
        self._show_partial()
        decision = self._turns.step(Moment(
            self.now, seconds, probability, self._ears.words, speaking, self._voice.awaits_answer,
            self._is_thinking or self._voice.is_busy,
        ))  # fmt: skip
        if decision:
            await self._answers[decision](self)
        self._finish_digits()
        self._say_asides()

    @property
    def _is_thinking(self) -> bool:
        return self._thinking is not None and not self._thinking.done()

    def _show_partial(self) -> None:
        words = self._ears.words
        if words and words != self._partial and not (self._voice.is_speaking and self._turns.floor == Floor.OPEN):
            self._watch(events.PartialHeard(self.now, words))
        self._partial = words

    def _key(self, digit: str) -> None:
        self._stop_speaking()
        self._no_speech = 0
        if digit == "#" or (digit == "0" and not self._digits):
            self._digits, text = "", self._digits or digit
            if text != "#":
                self._begin_turn(Utterance(text, self.now, self.now))
        elif digit == "*":
            self._digits = ""
            self._begin_turn(Utterance("再说一遍", self.now, self.now, control="repeat"))
        else:
            self._digits, self._digit_at = self._digits + digit, self.now

    def _finish_digits(self) -> None:
        if self._digits and self.now - self._digit_at >= DIGIT_SECONDS:
            text, self._digits = self._digits, ""
            pick = self._choice(int(text)) if len(text) == 1 else None
            self._begin_turn(Utterance(pick.question if pick else text, self.now, self.now, pick=pick))

    # --- what turn-taking decides

    async def _speech_began(self) -> None:
        self._no_speech = 0
        self._watch(events.SpeechBegan(self.now, interrupts=False))

    async def _barge_in(self) -> None:
        self._no_speech = 0
        self._watch(events.SpeechBegan(self.now, interrupts=True))
        self._was_asking = self._voice.awaits_answer
        self._cut = self._stop_speaking()

    async def _back_channel(self) -> None:
        self._watch(events.BackChannelHeard(self.now, self._ears.words))
        await self._ears.forget()

    async def _resume(self) -> None:
        """No words came after an interruption: go on from the sentence that was cut off."""
        self._watch(events.FalseInterruption(self.now))
        await self._ears.forget()
        self._say_again_what_was_cut()
        self._say_held()

    async def _thinks_long(self) -> None:
        if not self._voice.is_busy and self._is_thinking:
            self._say(wording.FILLER)

    async def _silence(self) -> None:
        if self._ending or self._owner != "BOT":
            return  # who waits for a person, or speaks with one, may be silent
        self._no_speech += 1
        self._watch(events.NothingHeard(self.now, "no_speech", self._no_speech))
        if self._no_speech > len(wording.NO_SPEECH):
            self._say(wording.NO_SPEECH_END)
            self.end("silence")
        else:
            self._say(wording.NO_SPEECH[self._no_speech - 1])

    async def _end_of_turn(self) -> None:
        sound, said_until, began = self._ears.sound, self._turns.last_voice, asyncio.get_running_loop().time()
        transcript = await self._ears.finish()
        spent = (asyncio.get_running_loop().time() - began) * 1000
        self._partial = ""
        if self._is_nothing(transcript):
            self._not_understood()
            return
        if self._cut and not self._was_asking and is_back_channel(transcript.text):
            # "嗯" stopped the robot before its words were known: it goes on.
            self._watch(events.BackChannelHeard(self.now, transcript.text))
            self._say_again_what_was_cut()
            self._say_held()
            return
        self._no_match = self._deaf = 0
        self._cut, self._held = [], []
        self._begin_turn(self._utterance(transcript, sound, said_until, spent))

    _answers: dict[Decision, Callable[["Call"], Coroutine[Any, Any, None]]] = {
        Decision.SPEECH_BEGAN: _speech_began,
        Decision.BARGE_IN: _barge_in,
        Decision.END_OF_TURN: _end_of_turn,
        Decision.BACK_CHANNEL: _back_channel,
        Decision.RESUME: _resume,
        Decision.NO_SPEECH: _silence,
        Decision.THINKS_LONG: _thinks_long,
    }

    def _is_nothing(self, transcript: Transcript) -> bool:
        return transcript.is_empty or (bool(transcript.words) and transcript.confidence < LEAST_CONFIDENCE)

    def _not_understood(self) -> None:
        if self._cut or self._held or self._is_thinking:  # a cough over an answer
            self._watch(events.FalseInterruption(self.now))
            self._say_again_what_was_cut()
            self._say_held()
            return
        self._no_match += 1
        self._watch(events.NothingHeard(self.now, "no_match", self._no_match))
        if self._owner != "BOT":
            return
        if self._no_match > len(wording.NO_MATCH):
            self._no_match = 0
            self._in_background(self._front.want_person(self.conversation, "unrecognised"))
        else:
            self._say(wording.NO_MATCH[self._no_match - 1])

    def _utterance(self, transcript: Transcript, sound: bytes, said_until: float, spent: float) -> Utterance:
        control = control_in(transcript.text, is_asked_to_go_on=bool(self._rest))
        choice = choice_in(transcript.text) if self._offered.candidates else None
        pick = self._choice(choice) if choice else None
        return Utterance(
            transcript.text, said_until, self.now, None if pick else control, pick, transcript, sound, spent
        )

    def _choice(self, number: int) -> ArticleRef | None:
        offered = self._offered.candidates
        return offered[number - 1] if 0 < number <= len(offered) else None

    # --- the turn

    def _begin_turn(self, utterance: Utterance) -> None:
        heard = utterance.transcript
        self._watch(events.UtteranceHeard(self.now, utterance.text, heard.confidence if heard else None))
        self._watch(events.ThinkingBegan(self.now))
        self._newest += 1
        self._thinking = self._in_background(self._have_it_taken(utterance, self._newest, self._thinking))

    async def _have_it_taken(self, utterance: Utterance, number: int, before: asyncio.Task[None] | None) -> None:
        if before and not before.done():
            await asyncio.wait([before])
        recording = self._record(utterance)
        started = self.now
        try:
            answer = await self._front.take(self._said(utterance, recording))
        except Problem as problem:
            log.warning("a spoken turn failed", conversation=self.conversation, problem=problem.code)
            self._say_or_hold([Prompt(wording.TROUBLE)])
            if problem.code == "conversation_closed":
                self.end("closed")
            return
        timings = {
            "endpoint": _ms(utterance.decided_at - utterance.said_until),
            "recogniser": round(utterance.recognised_ms, 1),
            "turn": _ms(self.now - started),
        }
        self._take_answer(answer, utterance, timings, is_newest=number == self._newest)

    def _said(self, utterance: Utterance, recording: str | None) -> Said:
        transcript, pick = utterance.transcript, utterance.pick
        said = Said(
            self.conversation, uuid.uuid4().hex, pick.question if pick else utterance.text, utterance.control,
            pick.key if pick else None, self._offered.turn if pick else None, recording,
        )  # fmt: skip
        if transcript is None:
            return said
        speech = {
            "spoken": transcript.spoken,
            "words": [[word.text, round(word.start, 2), round(word.end, 2), round(word.confidence, 3)]
                      for word in transcript.words],
            "partials": list(transcript.partials),
            "alternatives": [[other.text, round(other.confidence, 3)] for other in transcript.alternatives],
            "seconds": round(len(utterance.sound) / BYTES_A_SAMPLE / self._line.rate, 2),
            "rate": self._line.rate,
        }  # fmt: skip
        return replace(
            said, hypothesis=transcript.text, confidence=transcript.confidence, model=transcript.model, speech=speech
        )

    def _record(self, utterance: Utterance) -> str | None:
        if self._recordings is None or not utterance.sound:
            return None
        recording = uuid.uuid4().hex
        self._in_background(self._recordings.keep(recording, self.conversation, utterance.sound, self._line.rate))
        return recording

    def _take_answer(self, answer: Answer, utterance: Utterance, timings: dict[str, float], is_newest: bool) -> None:
        self.note_owner(answer.owner)
        self._said_seqs |= {message.seq for message in answer.messages}
        if answer.turn:
            self._timings[answer.turn] = timings
        if answer.owner == "CLOSED":
            self.end("closed")
        control = utterance.control or answer.control
        texts = self._carry_out(control, answer) if control else None
        if texts is None:
            texts = self._new_answer(answer)
        if not is_newest:  # the caller has said something else meanwhile
            self._store_heard(answer.turn, "")
            return
        said_of = self._rest_of if control == "continue" else answer.turn
        prompts = self._in_portions(texts, said_of) if texts else []
        for prompt in prompts:
            prompt.asked_at = utterance.said_until
        self._say_or_hold(prompts)

    def _new_answer(self, answer: Answer) -> list[str]:
        texts = [text for message in answer.messages if (text := speakable(message))]
        listed = next((message for message in reversed(answer.messages) if message.candidates), None)
        self._offered = Offered(listed.candidates, answer.turn) if listed else Offered()
        self._rest, self._rest_of = [], None
        if texts:
            self._last = texts
        return texts

    def _carry_out(self, control: str, answer: Answer) -> list[str] | None:
        """The words that go with a command to the robot; None when they are the answer's own."""
        if control in ("slower", "faster"):
            return self._change_speed(-1 if control == "slower" else 1)
        if control in ("louder", "quieter"):
            return self._change_volume(1 if control == "louder" else -1)
        if control == "continue" and self._rest:
            rest, self._rest = self._rest, []
            return ["".join(rest)]
        if control == "stop":
            self._rest = []
            return [wording.STOPPED]
        if control == "repeat" and self._last:
            return self._last
        return None

    def _change_speed(self, step: int) -> list[str]:
        wanted = self._speed + step
        self._speed = min(max(wanted, 0), len(SPEED_STEPS) - 1)
        self._voice.manner = replace(self._voice.manner, speed=SPEED_STEPS[self._speed])
        said = wording.SLOWER if step < 0 else wording.FASTER
        return [wording.SLOWEST if wanted < 0 else said, *self._last]

    def _change_volume(self, step: int) -> list[str]:
        wanted = self._volume + step
        self._volume = min(max(wanted, 0), len(VOLUME_STEPS) - 1)
        self._voice.manner = replace(self._voice.manner, volume=VOLUME_STEPS[self._volume])
        said = wording.LOUDER if step > 0 else wording.QUIETER
        return [wording.LOUDEST if wanted >= len(VOLUME_STEPS) else said, *self._last]

    # --- speaking

    def _in_portions(self, texts: Sequence[str], turn: str | None) -> list[Prompt]:
        """The first portion, with the question whether to go on where more is left."""
        groups = ["".join(group) for text in texts for group in portions(text)]
        joined: list[str] = []
        for group in groups:  # several short messages are one portion
            if joined and len(joined[-1]) + len(group) <= 90:
                joined[-1] += _stopped(joined[-1]) + group
            else:
                joined.append(group)
        if not joined:
            return []
        self._rest, self._rest_of = joined[1:], turn
        text = joined[0] + (_stopped(joined[0]) + wording.GO_ON if self._rest else "")
        return [Prompt(text, turn, is_answer=True, asks=text.rstrip().endswith(("？", "?")))]

    def _say(self, text: str) -> None:
        self._voice.say(Prompt(text, asks=text.endswith("？")))

    def _say_or_hold(self, prompts: Sequence[Prompt]) -> None:
        if self._turns.floor == Floor.CALLER:
            self._held = list(prompts)
            return
        for prompt in prompts:
            self._voice.say(prompt)

    def _say_held(self) -> None:
        held, self._held = self._held, []
        for prompt in held:
            self._voice.say(prompt)

    def _say_again_what_was_cut(self) -> None:
        cut, self._cut = self._cut, []
        for index, prompt in enumerate(cut):
            text = prompt.left(self._line.heard) if index == 0 else prompt.text
            if prompt.turn and index == 0:  # the sentence that was cut off is said again, and counts once
                heard = self._heard.get(prompt.turn, "").removesuffix(prompt.heard(self._line.heard))
                self._heard[prompt.turn] = heard + prompt.text.removesuffix(text)
            if text:
                self._voice.say(Prompt(text, prompt.turn, prompt.is_answer, prompt.asks, asked_at=0.0))

    def _stop_speaking(self) -> list[Prompt]:
        cut = self._voice.cut()
        for prompt in cut[:1]:
            if prompt.placed:
                self._note_heard(prompt, is_whole=False)
        for prompt in cut[1:] if cut and cut[0].placed else cut:
            self._store_heard(prompt.turn, "")
        return cut

    def _say_asides(self) -> None:
        if not self._aside or self._is_thinking or self._voice.is_busy or self._turns.floor == Floor.CALLER:
            return
        waiting, self._aside = self._aside, []
        for message in waiting:
            if message.seq not in self._said_seqs and (text := speakable(message)):
                self._said_seqs.add(message.seq)
                self._voice.say(Prompt(text))

    def _announce(self) -> None:
        """Tell the watchers of a prompt at its first sound."""
        prompt = self._voice.current
        if prompt is None or prompt is self._announced or prompt.first_audio_at is None:
            return
        self._announced = prompt
        self._watch(events.SpeakingBegan(self.now, prompt.text, prompt.turn))
        if prompt.is_answer and prompt.asked_at:
            waited = _ms(prompt.first_audio_at - prompt.asked_at)
            timings = self._timings.get(prompt.turn or "", {})
            timings["speech"] = round(max(0.0, waited - sum(timings.values())), 1)
            timings["to_first_audio"] = waited
            self._watch(events.Answered(self.now, prompt.turn, dict(timings)))

    def _note_heard(self, prompt: Prompt, is_whole: bool) -> None:
        heard = prompt.text if is_whole and not prompt.failed else prompt.heard(self._line.heard)
        # Who speaks in the pause after the last word has cut nothing off.
        self._watch(events.SpeakingEnded(self.now, prompt.text, heard, prompt.turn, is_whole or heard == prompt.text))
        self._store_heard(prompt.turn, heard)

    def _store_heard(self, turn: str | None, heard: str) -> None:
        """What was heard of an answer grows with each of its portions; asking to go on is not part of it."""
        if turn is None:
            return
        self._heard[turn] = self._heard.get(turn, "") + heard.removesuffix(wording.GO_ON)
        timings = {f"voice_{stage}": ms for stage, ms in self._timings.get(turn, {}).items()}
        self._in_background(self._front.heard(self.conversation, turn, self._heard[turn], timings))

    # --- when something fails

    def _voice_failed(self, prompt: Prompt, problem: NoVoice) -> None:
        self._watch(events.VoiceFailed(self.now, prompt.text, problem.detail or problem.title))

    def _recogniser_failed(self, problem: NoRecogniser) -> None:
        self._deaf += 1
        log.warning(
            "a caller cannot be heard", conversation=self.conversation, problem=problem.detail, times=self._deaf
        )
        if self._deaf == RECOGNISER_FAILURES:
            self._in_background(self._front.want_person(self.conversation, "failure"))

    async def _end(self, reason: EndReason) -> None:
        self._stop_speaking()
        if self._thinking and not self._thinking.done():
            await asyncio.wait([self._thinking], timeout=5)
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=5)
        self._ears.close()
        self._watch(events.CallEnded(self.now, reason))
        await self._line.hang_up(reason)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Problem as problem:
        log.warning("work of a call failed", problem=problem.code, detail=problem.detail)
    except Exception:
        log.exception("work of a call failed")


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1000, 1)


def _stopped(text: str) -> str:
    return "" if text[-1:] in "。！？!?；;" else "。"
