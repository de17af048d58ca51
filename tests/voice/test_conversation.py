"""Every rule of timing in a call, on a line whose clock is its audio: nothing here waits."""

from dataclasses import dataclass
from typing import Any

import pytest

from core.problems import Unavailable
from tests.voice.fakes import Caller, FakeFront, FakeLine, FakeSession, FakeSynthesiser, Sound, Watched, message
from voice import events, wording
from voice.conversation import Call
from voice.turn_taking import Rules

pytestmark = pytest.mark.unit

HELLO = "您好。"  # 0.6 s of the fake voice
LONG = "转账限额每天五万元，您可以在手机银行修改。修改以后立即生效，不收手续费。"


@dataclass
class Scene:
    line: FakeLine
    call: Call
    front: FakeFront
    watched: Watched
    voice: FakeSynthesiser
    session: FakeSession
    recordings: "Kept"

    async def play(self) -> "Scene":
        await self.call.run()
        return self

    @property
    def texts(self) -> list[str]:
        return [said.text for said in self.front.said]


class Kept:
    def __init__(self) -> None:
        self.sounds: dict[str, float] = {}

    async def keep(self, recording: str, conversation: str, pcm: bytes, rate: int) -> None:
        self.sounds[recording] = len(pcm) / 2 / rate


def scene(seconds: float, *sounds: Sound, greeting: str = HELLO, owner: str = "BOT", **answers: Any) -> Scene:
    line = FakeLine(seconds)
    caller = Caller(line, *sounds)
    front, watched, voice, session, kept = FakeFront(line), Watched(), FakeSynthesiser(), FakeSession(caller), Kept()
    front.answers.update(answers)
    call = Call("c1", line, session, voice, caller, front, Rules(), kept, watched, greeting, owner)
    return Scene(line, call, front, watched, voice, session, kept)


ASK = Sound(1.0, 1.2, "转账限额多少")


async def test_a_question_is_heard_after_the_end_of_the_turn_and_answered() -> None:
    played = await scene(12, ASK, 转账限额多少="每天五万元。").play()
    assert played.texts == ["转账限额多少"]
    assert played.watched.spoken[:2] == [HELLO, "每天五万元。"]
    (heard,) = played.watched.of(events.UtteranceHeard)
    assert heard.at == pytest.approx(2.2 + 0.7, abs=0.05)


async def test_from_the_last_sound_to_the_first_of_the_answer_every_stage_is_timed() -> None:
    played = await scene(12, ASK, 转账限额多少="每天五万元。").play()
    (answered,) = played.watched.of(events.Answered)
    assert answered.timings_ms["endpoint"] == pytest.approx(700, abs=50)
    assert answered.timings_ms["turn"] == pytest.approx(100, abs=50)
    assert answered.timings_ms["to_first_audio"] < 1000
    assert played.front.timings["t1"]["voice_to_first_audio"] == answered.timings_ms["to_first_audio"]


async def test_how_it_was_heard_goes_with_the_turn() -> None:
    (said,) = (await scene(12, ASK).play()).front.said
    assert (said.hypothesis, said.confidence, said.model) == ("转账限额多少", 0.95, "fake-asr@1")
    assert said.speech["words"] == [["转账限额多少", 0.0, 1.0, 0.95]]
    assert said.speech["partials"] == ["转"]


async def test_the_recording_begins_before_the_voice_and_holds_the_whole_utterance() -> None:
    played = await scene(12, ASK).play()
    ((recording, seconds),) = played.recordings.sounds.items()
    assert played.front.said[0].audio == recording
    assert 1.2 + 0.3 <= seconds <= 1.2 + 0.5 + 0.8


async def test_a_pause_within_a_sentence_does_not_end_the_turn() -> None:
    played = await scene(12, Sound(1.0, 0.8, "我的卡"), Sound(2.3, 0.8, "丢了")).play()
    assert played.texts == ["我的卡丢了"]


async def test_who_stops_in_the_middle_of_a_sentence_is_given_more_time() -> None:
    played = await scene(12, Sound(1.0, 0.8, "我想查余额然后"), Sound(2.9, 0.8, "转账")).play()
    assert played.texts == ["我想查余额然后转账"]


async def test_a_short_word_that_voice_activity_misses_is_a_turn() -> None:
    played = await scene(8, Sound(1.5, 0.3, "查余额", voiced=False)).play()
    assert played.texts == ["查余额"]


async def test_the_caller_interrupts_and_is_heard_from_before_the_voice_was_noticed() -> None:
    played = await scene(14, ASK, Sound(5.0, 1.0, "转人工"), 转账限额多少=LONG).play()
    interruption = played.watched.of(events.SpeechBegan)[1]
    assert interruption.interrupts
    assert interruption.at == pytest.approx(5.0 + 0.25, abs=0.06)
    assert played.line.flushes[0] == pytest.approx(interruption.at, abs=0.03)
    assert played.texts[1] == "转人工"


async def test_only_what_was_heard_of_an_interrupted_answer_is_kept() -> None:
    played = await scene(14, ASK, Sound(5.0, 1.0, "转人工"), 转账限额多少=LONG).play()
    heard = played.front.kept["t1"]
    assert 0 < len(heard) < len(LONG)
    assert LONG.startswith(heard)
    began = played.watched.of(events.SpeakingBegan)[1].at
    assert len(heard) == pytest.approx((5.28 - began) / 0.2, abs=2)


async def test_who_speaks_after_the_last_word_has_cut_nothing_off() -> None:
    played = await scene(8, Sound(0.3, 1.2, "转账限额多少")).play()
    assert played.watched.of(events.SpeechBegan)[0].interrupts
    greeted = played.watched.of(events.SpeakingEnded)[0]
    assert (greeted.heard, greeted.is_whole) == (HELLO, True)


async def test_an_answer_that_was_heard_whole_is_kept_whole() -> None:
    played = await scene(16, ASK, 转账限额多少=LONG).play()
    assert played.front.kept["t1"] == LONG


@pytest.mark.parametrize("word", ["嗯", "好的", "对", "嗯嗯", "哦"])
async def test_back_channel_words_do_not_interrupt(word: str) -> None:
    played = await scene(16, ASK, Sound(5.0, 0.26, word), 转账限额多少=LONG).play()
    assert played.watched.of(events.BackChannelHeard)
    assert played.front.kept["t1"] == LONG
    assert played.line.flushes in ([], [pytest.approx(16, abs=0.1)])
    assert len(played.texts) == 1


async def test_a_back_channel_word_known_too_late_lets_the_answer_go_on() -> None:
    played = await scene(20, ASK, Sound(5.0, 0.4, "嗯", voiced=True), 转账限额多少=LONG).play()
    assert len(played.texts) == 1
    assert played.front.kept["t1"] == LONG


async def test_an_interruption_without_words_resumes_the_answer_after_two_seconds() -> None:
    played = await scene(24, ASK, Sound(5.0, 3.0, ""), 转账限额多少=LONG).play()
    (false,) = played.watched.of(events.FalseInterruption)
    assert false.at == pytest.approx(5.28 + 2.0, abs=0.1)
    assert played.watched.spoken[2] in LONG
    assert played.front.kept["t1"] == LONG


async def test_noise_after_a_false_interruption_does_not_stop_the_answer_again() -> None:
    played = await scene(24, ASK, Sound(5.0, 6.0, ""), 转账限额多少=LONG).play()
    assert len([event for event in played.watched.of(events.SpeechBegan) if event.interrupts]) == 1


async def test_silence_is_met_with_changing_prompts_and_in_the_end_a_goodbye() -> None:
    played = await scene(120).play()
    assert played.watched.spoken == [HELLO, *wording.NO_SPEECH, wording.NO_SPEECH_END]
    assert played.line.hung_up == "silence"
    first = played.watched.of(events.NothingHeard)[0]
    assert first.at == pytest.approx(0.6 + 6.0, abs=0.2)


async def test_the_prompts_begin_anew_after_the_caller_has_spoken() -> None:
    played = await scene(40, Sound(9.0, 1.0, "查余额")).play()
    assert [event.times for event in played.watched.of(events.NothingHeard)][:2] == [1, 1]


async def test_speech_without_words_is_asked_for_again_and_then_handed_to_a_person() -> None:
    noises = [Sound(at, 0.8, "") for at in (1.0, 8.0, 18.0)]
    played = await scene(24, *noises).play()
    assert played.watched.spoken[1:3] == list(wording.NO_MATCH)
    assert played.front.persons == ["unrecognised"]


async def test_words_of_little_confidence_are_no_words() -> None:
    played = await scene(7, Sound(1.0, 0.8, "什么卡", confidence=0.1)).play()
    assert played.texts == []
    assert played.watched.spoken[1] == wording.NO_MATCH[0]


async def test_slower_has_an_effect_and_says_the_answer_again() -> None:
    played = await scene(30, ASK, Sound(8.0, 0.8, "慢一点"), 转账限额多少="每天五万元。").play()
    assert played.front.said[1].control == "slower"
    assert played.watched.spoken[2] == wording.SLOWER + "每天五万元。"
    assert played.voice.manners[-1].speed < 1


async def test_louder_has_an_effect() -> None:
    played = await scene(30, ASK, Sound(8.0, 0.8, "大声一点"), 转账限额多少="每天五万元。").play()
    assert played.front.said[1].control == "louder"
    assert played.voice.manners[-1].volume > 1


async def test_repeat_says_the_last_answer_again() -> None:
    played = await scene(30, ASK, Sound(8.0, 0.8, "再说一遍"), 转账限额多少="每天五万元。").play()
    assert played.front.said[1].control == "repeat"
    assert played.watched.spoken[1:3] == ["每天五万元。"] * 2


async def test_a_control_that_the_text_side_understood_has_the_same_effect() -> None:
    scenery = scene(30, ASK, Sound(8.0, 0.8, "我耳朵不大好使您别急"), 转账限额多少="每天五万元。")
    scenery.front.controls["我耳朵不大好使您别急"] = "slower"
    played = await scenery.play()
    assert played.voice.manners[-1].speed < 1


MANY = "".join(f"第{number}步，请在手机银行里打开相应的菜单并按提示操作。" for number in "一二三四五六七八")


async def test_a_long_answer_comes_in_portions_and_goes_on_when_wanted() -> None:
    scenery = scene(120, ASK, 转账限额多少=MANY)
    scenery.voice._seconds = 0.05
    scenery.session.caller.sounds.append(Sound(9.0, 0.6, "继续"))
    played = await scenery.play()
    first, second = played.watched.spoken[1:3]
    assert first.endswith(wording.GO_ON)
    assert first.removesuffix(wording.GO_ON) + second.removesuffix(wording.GO_ON) in MANY
    assert played.front.said[1].control == "continue"
    assert MANY.startswith(played.front.kept["t1"])
    assert len(played.front.kept["t1"]) > len(first)


async def test_consent_is_an_answer_while_the_question_is_asked() -> None:
    def asked(*more: Sound) -> Scene:
        scenery = scene(30, ASK, *more, 转账限额多少=MANY)
        scenery.voice._seconds = 0.1
        return scenery

    ended = (await asked().play()).watched.of(events.SpeakingEnded)[1]
    assert ended.text.endswith(wording.GO_ON)
    played = await asked(Sound(ended.at - 0.5, 0.4, "好的")).play()
    assert played.front.said[1].control == "continue"


async def test_no_to_going_on_ends_the_answer() -> None:
    scenery = scene(40, ASK, Sound(10.0, 0.6, "不用了"), 转账限额多少=MANY)
    scenery.voice._seconds = 0.05
    played = await scenery.play()
    assert played.front.said[1].control == "stop"
    assert played.watched.spoken[2] == wording.STOPPED


async def test_a_list_is_read_out_and_picked_from_by_number() -> None:
    listed = [message("您是不是想问：", 2, candidates=["怎么查账单？", "怎么还款？"], turn="t1")]
    scenery = scene(40, ASK, Sound(12.0, 0.8, "第二个"), 转账限额多少=listed)
    scenery.voice._seconds = 0.1
    played = await scenery.play()
    assert "第二，怎么还款。" in played.watched.spoken[1]
    assert (played.front.said[1].pick, played.front.said[1].picked_from) == ("a.1", "t1")


async def test_zero_calls_a_person_at_once() -> None:
    scenery = scene(8)
    scenery.line.keys.append((0.3, "0"))
    assert (await scenery.play()).texts == ["0"]


async def test_keys_are_one_turn_ended_by_hash_or_by_a_pause() -> None:
    scenery = scene(14)
    scenery.line.keys += [(1.0, "8"), (1.3, "8"), (1.6, "#"), (5.0, "4"), (5.4, "2")]
    assert (await scenery.play()).texts == ["88", "42"]


async def test_long_thinking_is_filled_with_a_word() -> None:
    scenery = scene(20, ASK, 转账限额多少="每天五万元。")
    scenery.front.seconds = 3.0
    assert (await scenery.play()).watched.spoken[1:3] == [wording.FILLER, "每天五万元。"]


async def test_what_the_caller_adds_while_the_robot_thinks_replaces_the_answer() -> None:
    scenery = scene(20, ASK, Sound(3.2, 1.0, "不对我要挂失"), 转账限额多少="每天五万元。", 不对我要挂失="马上挂失。")
    scenery.front.seconds = 1.5
    played = await scenery.play()
    assert played.watched.spoken[1:2] == ["马上挂失。"]
    assert played.texts == ["转账限额多少", "不对我要挂失"]


async def test_a_cough_while_the_robot_thinks_costs_no_answer() -> None:
    scenery = scene(20, ASK, Sound(3.2, 0.5, ""), 转账限额多少="每天五万元。")
    scenery.front.seconds = 0.5
    assert "每天五万元。" in (await scenery.play()).watched.spoken


async def test_a_failing_turn_is_said_in_plain_words() -> None:
    played = await scene(12, ASK, 转账限额多少=Unavailable("down")).play()
    assert played.watched.spoken[1] == wording.TROUBLE


async def test_messages_of_an_agent_are_said_when_nobody_speaks() -> None:
    scenery = scene(12, ASK, owner="HUMAN")
    scenery.front.owner = "HUMAN"
    scenery.front.answers["转账限额多少"] = []
    scenery.line.at[1.5] = lambda: scenery.call.tell(message("我是客服小李。", 9, "agent"))
    played = await scenery.play()
    assert played.watched.spoken[1] == "我是客服小李。"
    assert played.watched.of(events.SpeakingBegan)[1].at > 2.9


async def test_who_waits_for_a_person_may_be_silent() -> None:
    played = await scene(30, owner="QUEUED").play()
    assert played.watched.spoken == [HELLO]


async def test_the_call_ends_when_the_caller_hangs_up_in_the_middle_of_an_answer() -> None:
    scenery = scene(30, ASK, 转账限额多少=LONG)
    scenery.line.leaves_at = 5.0
    played = await scenery.play()
    assert played.line.hung_up == "caller"
    assert len(played.front.kept["t1"]) < len(LONG)
    assert played.session.is_closed


async def test_a_closed_conversation_ends_the_call_after_what_is_to_be_said() -> None:
    scenery = scene(30, greeting=LONG)
    scenery.line.at[1.0] = lambda: scenery.call.end("closed")
    played = await scenery.play()
    assert played.line.hung_up == "closed"
    assert played.watched.of(events.SpeakingEnded)[0].is_whole


async def test_without_a_voice_the_answer_is_shown_and_the_call_goes_on() -> None:
    scenery = scene(12, ASK, 转账限额多少="每天五万元。")
    scenery.voice.is_down = True
    played = await scenery.play()
    assert [event.text for event in played.watched.of(events.VoiceFailed)][:2] == [HELLO, "每天五万元。"]


async def test_a_recogniser_that_stays_away_brings_a_person() -> None:
    scenery = scene(3)
    scenery.session.is_broken = True
    assert (await scenery.play()).front.persons == ["failure"]
