"""Engine, cache and the process that speaks."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from core.secrets import ensure_secrets
from core.settings import Settings
from voice.problems import NoVoice
from voice.synthesis import engines
from voice.synthesis.cache import SoundCache, key
from voice.synthesis.sentences import MOST_CHARS, portions, sentences
from voice.synthesis.server import create_app
from voice.synthesis.sound import at_rate, at_volume, samples_of, trimmed
from voice.synthesis.spoken_form import spoken_form
from voice.synthesis.studio import Studio
from voice.synthesis.synthesiser import Manner

pytestmark = pytest.mark.unit


class FakeEngine:
    """A tone for each sentence; counts what it was asked."""

    def __init__(self, name: str = "fake/one") -> None:
        self.name = name
        self.asked: list[tuple[str, float]] = []
        self.hold: threading.Event | None = None
        self.priorities: list[int] = []
        self.silence = b""  # around each sentence

    def sound(self, sentence: str, speed: float) -> tuple[bytes, int]:
        self.asked.append((sentence, speed))
        self.priorities.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        if self.hold:
            self.hold.wait(5)
        return self.silence + b"\x00\x10" * round(2400 * len(sentence) / speed) + self.silence, 24000


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def studio(engine: FakeEngine, tmp_path: Path) -> Studio:
    return Studio(engine, SoundCache(tmp_path, 10_000_000))


class TestSentences:
    def test_joined_they_are_the_text_again(self) -> None:
        text = "您好。请在手机银行首页点击“转账”，然后选择限额设置，按照提示修改您的转账限额！修改以后立即生效吗？是的"
        assert "".join(sentences(text)) == text

    def test_the_first_piece_is_short_and_none_is_long(self) -> None:
        text = "请您在手机银行首页点击转账，" * 8 + "谢谢。"
        found = sentences(text)
        assert len(found[0]) <= MOST_CHARS // 2
        assert max(map(len, found)) <= MOST_CHARS

    def test_text_without_any_pause_is_cut(self) -> None:
        assert max(map(len, sentences("好" * 1000))) <= MOST_CHARS * 2

    def test_punctuation_alone_is_nothing(self) -> None:
        assert sentences("。。！ \n") == []

    def test_a_long_answer_is_parted_at_sentence_ends(self) -> None:
        groups = ["".join(group) for group in portions("请打开手机银行并按提示操作，完成身份核验以后继续。" * 8)]
        assert len(groups) > 1
        assert all(group.endswith("。") for group in groups)


class TestStudio:
    async def test_a_sentence_comes_at_the_wanted_rate(self, studio: Studio) -> None:
        for rate in (8000, 16000, 24000):
            spoken = await studio.sentence("一二三四五。", Manner(rate=rate))  # type: ignore[arg-type]
            assert len(spoken.pcm) / 2 / rate == pytest.approx(0.6, abs=0.01)

    async def test_it_is_made_once_whatever_rate_and_volume(self, studio: Studio, engine: FakeEngine) -> None:
        await studio.sentence("余额3元。", Manner())
        await studio.sentence("余额3元。", Manner(volume=2.0, rate=8000))
        assert engine.asked == [("余额三元。", 1.0)]

    async def test_another_speed_is_another_sound(self, studio: Studio, engine: FakeEngine) -> None:
        normal = await studio.sentence("余额三元。", Manner())
        slow = await studio.sentence("余额三元。", Manner(speed=0.5))
        assert len(slow.pcm) > 1.9 * len(normal.pcm)
        assert len(engine.asked) == 2

    @pytest.mark.parametrize(("text", "after"), [("一二三四五。", 0.4), ("一二三四五，", 0.2), ("一二三四五", 0.2)])
    async def test_silence_around_a_sentence_is_cut_to_a_short_pause(
        self, studio: Studio, engine: FakeEngine, text: str, after: float
    ) -> None:
        engine.silence = bytes(48000)
        spoken = await studio.sentence(text, Manner(rate=24000))
        assert len(spoken.pcm) / 2 / 24000 == pytest.approx(0.1 * len(spoken_form(text)) + 0.03 + after, abs=0.011)

    async def test_wanted_twice_at_once_it_is_made_once(self, engine: FakeEngine, tmp_path: Path) -> None:
        studio = Studio(engine, SoundCache(tmp_path, 10_000_000), threads=4)
        await asyncio.gather(*(studio.sentence("您好。", Manner()) for _ in range(8)))
        assert len(engine.asked) == 1

    async def test_work_ahead_is_of_the_lowest_priority_and_fills_the_cache(
        self, studio: Studio, engine: FakeEngine
    ) -> None:
        assert await studio.ahead(["您好。请到柜台办理。"]) == 2
        assert set(engine.priorities) == {19}
        assert await studio.ahead(["您好。请到柜台办理。"]) == 0
        await studio.sentence("您好。", Manner())
        assert len(engine.asked) == 2

    async def test_callers_go_before_work_ahead(self, engine: FakeEngine, tmp_path: Path) -> None:
        studio = Studio(engine, SoundCache(tmp_path, 10_000_000))
        engine.hold = threading.Event()
        live = asyncio.create_task(studio.sentence("有人在等。", Manner()))
        await asyncio.sleep(0.05)
        ahead = asyncio.create_task(studio.ahead(["没人在等。"]))
        await asyncio.sleep(0.05)
        assert [sentence for sentence, _ in engine.asked] == ["有人在等。"]
        engine.hold.set()
        await live
        await ahead


class TestSound:
    def test_louder_does_not_overflow(self) -> None:
        loud = samples_of(at_volume(b"\xff\x7f" * 100, 4.0))
        assert 0.9 < max(loud) <= 1

    def test_silence_goes_and_a_faint_beginning_stays(self) -> None:
        silence, faint, loud = bytes(4800), b"\x80\x00" * 2400, b"\x00\x10" * 2400
        assert trimmed(silence + faint + loud + silence, 24000, 0.0, 0.05) == faint + loud + silence[:2400]
        assert trimmed(faint + loud, 24000, 0.1, 0.1) == faint + loud

    def test_silence_alone_stays(self) -> None:
        assert trimmed(bytes(4800), 24000, 0.0, 0.0) == bytes(4800)
        assert trimmed(b"", 24000, 0.0, 0.0) == b""

    def test_resampling_keeps_the_length(self) -> None:
        assert len(at_rate(bytes(48000), 24000, 8000)) == pytest.approx(16000, abs=4)


class TestCache:
    def test_what_was_put_comes_back(self, tmp_path: Path) -> None:
        cache = SoundCache(tmp_path, 1_000_000)
        cache.put(key("a", "e", 1.0), b"\x01\x02" * 100, 24000)
        assert SoundCache(tmp_path, 1_000_000).get(key("a", "e", 1.0)) == (b"\x01\x02" * 100, 24000)

    def test_engine_and_speed_make_another_key(self) -> None:
        assert len({key("a", "e", 1.0), key("a", "e", 0.85), key("a", "f", 1.0), key("b", "e", 1.0)}) == 4

    def test_a_damaged_file_is_nothing(self, tmp_path: Path) -> None:
        cache = SoundCache(tmp_path, 1_000_000)
        cache.put("abc", b"\x01\x02" * 100, 24000)
        next(tmp_path.glob("*/*.flac")).write_bytes(b"fLaC broken")
        assert cache.get("abc") is None
        assert not cache.has("abc")

    def test_the_least_used_go_when_it_is_full(self, tmp_path: Path) -> None:
        noise = os.urandom(4000)
        cache = SoundCache(tmp_path, 20_000)
        for number in range(10):
            cache.put(f"{number:02}", noise, 24000)
            path = next(tmp_path.glob(f"{number:02}/*.flac"))
            os.utime(path, (time.time() - 100 + number,) * 2)
            cache.get("00")
        assert cache.has("00")
        assert cache.has("09")
        assert not cache.has("01")
        assert sum(path.stat().st_size for path in tmp_path.rglob("*.flac")) <= 20_000

    def test_no_draft_is_left(self, tmp_path: Path) -> None:
        cache = SoundCache(tmp_path, 20_000)
        cache.put("aa", bytes(100), 24000)
        assert [path.suffix for path in tmp_path.rglob("*.*")] == [".flac"]


class TestEngines:
    def test_without_kokoro_the_next_one_speaks(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(engines.ENGINES, "espeak", lambda _settings: FakeEngine("espeak-ng"))
        assert engines.open_engine(settings).name == "espeak-ng"

    def test_without_any_it_says_so(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("voice.synthesis.espeak.shutil.which", lambda _name: None)
        with pytest.raises(NoVoice, match=r"make setup.*espeak-ng is not installed"):
            engines.open_engine(settings)


@pytest.fixture
async def process(
    settings: Settings, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr("voice.synthesis.server.configure_logging", lambda *_: None)
    settings.voice_ahead = False
    app = create_app(settings, engine)
    headers = {"Authorization": f"Bearer {ensure_secrets(settings).internal_token}"}
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://voice.test", headers=headers) as client:
            yield client


class TestProcess:
    async def test_it_speaks_a_sentence(self, process: httpx.AsyncClient) -> None:
        answer = await process.post("/v1/speak", json={"text": "您好。", "rate": 8000})
        assert answer.status_code == 200
        assert answer.headers["x-engine"] == "fake/one"
        assert len(answer.content) / 2 / 8000 == pytest.approx(0.3, abs=0.01)

    @pytest.mark.parametrize(
        "body",
        [
            {"text": ""},
            {"text": "好" * 201},
            {"text": "好", "rate": 44100},
            {"text": "好", "speed": 0},
            {"text": "好", "volume": 99},
            {},
        ],
    )
    async def test_what_cannot_be_said_is_refused(self, process: httpx.AsyncClient, body: dict[str, object]) -> None:
        assert (await process.post("/v1/speak", json=body)).status_code == 422

    async def test_strangers_are_refused(self, process: httpx.AsyncClient) -> None:
        answer = await process.post("/v1/speak", json={"text": "您好。"}, headers={"Authorization": "Bearer x"})
        assert answer.status_code == 401

    async def test_it_says_who_speaks(self, process: httpx.AsyncClient) -> None:
        assert (await process.get("/readyz")).json()["engine"] == "fake/one"
