"""Who has the floor: decided from voice activity, the words understood so far and whether the robot is speaking.

Pure rules on the line's clock; nothing here waits, plays or listens.
"""

from dataclasses import dataclass
from enum import StrEnum

from voice.commands import is_back_channel, seems_unfinished


@dataclass(frozen=True)
class Rules:
    """Seconds. Start values from measurements with telephone callers."""

    end_of_turn: float = 0.7
    end_of_unfinished: float = 1.3  # after "然后", "就是"
    barge_in: float = 0.28  # of voice while the robot speaks
    back_channel_limit: float = 1.2  # a "嗯" that lasts longer is more than that
    resume_after: float = 2.0  # of an interruption in which no word came
    no_speech: float = 6.0  # after the robot has finished
    longest: float = 30.0  # utterance
    filler_after: float = 2.0  # of thinking
    start_of_speech: float = 0.1
    threshold: float = 0.5
    threshold_while_speaking: float = 0.7  # echo and voices in the background


class Floor(StrEnum):
    OPEN = "open"  # nobody speaks, or the robot alone
    CALLER = "caller"


class Decision(StrEnum):
    SPEECH_BEGAN = "speech_began"  # the caller takes the floor while the robot is silent
    BARGE_IN = "barge_in"  # … while it speaks: stop it
    END_OF_TURN = "end_of_turn"
    BACK_CHANNEL = "back_channel"  # something short under the robot's words, which went on
    RESUME = "resume"  # the interruption was none
    NO_SPEECH = "no_speech"
    THINKS_LONG = "thinks_long"


@dataclass(frozen=True)
class Moment:
    """One frame's worth of what is known."""

    now: float  # at its end
    seconds: float
    probability: float
    words: str = ""  # understood so far of the present utterance
    is_speaking: bool = False  # the robot
    awaits_answer: bool = False  # … is asking: 好 is an answer then
    is_thinking: bool = False


class TurnTaking:
    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.floor = Floor.OPEN
        self.began: float | None = None  # first voice of the present utterance
        self._voiced = 0.0
        self._last_voice = 0.0
        self._interrupted: float | None = None
        self._words_only = False  # voice alone has misled us in this prompt
        self._quiet_since: float | None = None
        self._thinking_since: float | None = None
        self._was_speaking = False
        self._said_filler = False

    @property
    def last_voice(self) -> float:
        return self._last_voice

    def step(self, moment: Moment) -> Decision | None:
        self._note(moment)
        if self.floor == Floor.CALLER:
            return self._while_caller_speaks(moment)
        if moment.is_speaking:
            return self._while_robot_speaks(moment)
        return self._while_nobody_speaks(moment)

    def _note(self, moment: Moment) -> None:
        rules = self.rules
        threshold = rules.threshold_while_speaking if moment.is_speaking else rules.threshold
        if moment.probability >= threshold:
            self._voiced += moment.seconds
            self._last_voice = moment.now
            self.began = moment.now - moment.seconds if self.began is None else self.began
        if self._was_speaking and not moment.is_speaking:
            self._words_only = False
        self._was_speaking = moment.is_speaking
        if moment.is_speaking or moment.is_thinking:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = moment.now
        if not moment.is_thinking:
            self._thinking_since, self._said_filler = None, False
        elif self._thinking_since is None:
            self._thinking_since = moment.now

    def _while_robot_speaks(self, moment: Moment) -> Decision | None:
        if self._interrupts(moment):
            self._interrupted = moment.now
            self._take_floor(moment)
            return Decision.BARGE_IN
        if self.began is not None and moment.now - self._last_voice >= self.rules.end_of_turn:
            had_words = bool(moment.words)
            self.forget()
            return Decision.BACK_CHANNEL if had_words else None
        return None

    def _interrupts(self, moment: Moment) -> bool:
        if not moment.words:
            return not self._words_only and self._voiced >= self.rules.barge_in
        if moment.awaits_answer or not is_back_channel(moment.words):
            return True
        return self._voiced >= self.rules.back_channel_limit

    def _while_nobody_speaks(self, moment: Moment) -> Decision | None:
        # Voice or words: a short 好 is missed by voice activity alone.
        if self._voiced >= self.rules.start_of_speech or moment.words:
            self._take_floor(moment)
            return Decision.SPEECH_BEGAN
        if self.began is not None and moment.now - self._last_voice >= self.rules.end_of_turn:
            self.forget()  # a click
        return self._about_silence(moment)

    def _about_silence(self, moment: Moment) -> Decision | None:
        if self._thinking_since is not None:
            if not self._said_filler and moment.now - self._thinking_since >= self.rules.filler_after:
                self._said_filler = True
                return Decision.THINKS_LONG
            return None
        if self._quiet_since is not None and moment.now - self._quiet_since >= self.rules.no_speech:
            self._quiet_since = moment.now
            return Decision.NO_SPEECH
        return None

    def _while_caller_speaks(self, moment: Moment) -> Decision | None:
        self._quiet_since = None
        if self._interrupted is not None and not moment.words:
            if moment.now - self._interrupted >= self.rules.resume_after:
                self._words_only = True
                self.forget()
                return Decision.RESUME
            return None
        wait = self.rules.end_of_unfinished if seems_unfinished(moment.words) else self.rules.end_of_turn
        is_too_long = self.began is not None and moment.now - self.began >= self.rules.longest
        if is_too_long or moment.now - self._last_voice >= wait:
            self.forget()
            return Decision.END_OF_TURN
        return None

    def _take_floor(self, moment: Moment) -> None:
        self.floor = Floor.CALLER
        if self.began is None:  # words without voice
            self.began = self._last_voice = moment.now

    def forget(self) -> None:
        """The utterance is over."""
        self.floor, self.began, self._voiced, self._interrupted = Floor.OPEN, None, 0.0, None
        self._quiet_since = None
