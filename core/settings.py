"""Every setting of Teller, from environment variables with the prefix ``TELLER_`` or from `.env`.

Each one is explained for operators in docs/settings.md; a test holds the two together.
"""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).parent.parent


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TELLER_", env_file=PROJECT / ".env", extra="ignore")

    data_dir: Path = PROJECT / "var"
    database_url: str = ""  # empty: SQLite in the data folder

    host: str = "127.0.0.1"
    port: int = 8000
    kb_port: int = 8100
    rasa_port: int = 5005
    action_port: int = 5055
    asr_port: int = 2700
    voice_port: int = 8200
    # Pages of other sites that may embed the widget, e.g. https://www.example-bank.cn
    allowed_origins: list[str] = Field(default_factory=list)
    secure_cookies: bool = False  # True behind HTTPS

    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    embedding_model: str = ""  # a sentence-transformers folder or model id; empty: the bundled model
    embedding_prefix: str = "query: "

    asr_model: str = ""  # a Vosk model's folder, or the name of a bundled or downloaded one; empty: the bundled one
    asr_engine: Literal["vosk", "whisper"] = "vosk"  # of the commands; the process hears with Vosk
    whisper_model: str = ""  # folder of a faster-whisper model
    asr_workers: int = Field(default=2, ge=1, le=64)
    asr_connections: int = Field(default=100, ge=1)  # at once in one worker
    asr_message_kb: int = Field(default=1024, ge=1)  # of one WebSocket message; 1 MB is a minute of telephone audio
    asr_idle_seconds: float = Field(default=120.0, gt=0)  # a connection without audio ends then
    asr_max_minutes: float = Field(default=60.0, gt=0)  # audio on one connection, or in one file
    asr_max_file_mb: float = Field(default=100.0, gt=0)
    asr_drop_fillers: bool = True  # 嗯 啊 呃 那个 do not count as errors of recognition
    asr_words_file: str = ""  # the bank's own words, one a line: products, branches
    asr_download_url: str = "https://alphacephei.com/vosk/models"

    voice_engine: Literal["kokoro", "espeak"] = "kokoro"  # the other one speaks where it cannot
    voice_name: str = "zf_xiaobei"
    voice_threads: int = Field(default=1, ge=1, le=16)  # sentences spoken at once
    voice_cache_mb: int = Field(default=500, ge=1)
    voice_ahead: bool = True  # articles' spoken answers are made before anybody asks
    voice_seconds: float = Field(default=15.0, gt=0)  # time budget of one sentence
    voice_calls: int = Field(default=50, ge=0)  # at once in one app process
    voice_call_minutes: float = Field(default=30.0, gt=0)
    voice_end_of_turn_seconds: float = Field(default=0.7, ge=0.3, le=3)  # of silence
    voice_barge_in_seconds: float = Field(default=0.28, ge=0.1, le=2)  # of voice while the robot speaks
    voice_no_speech_seconds: float = Field(default=6.0, ge=2, le=60)
    recording_on: bool = True  # keep the sound of spoken turns, encrypted
    recording_days: int = Field(default=180, ge=0)  # 0: for ever

    rasa_seconds: float = 6.0  # time budget of the understanding stage, its knowledge look-up included
    kb_seconds: float = 2.0  # time budget of one knowledge look-up
    max_message_chars: int = 500
    idle_minutes: float = 30.0  # a conversation with the bot ends after this silence
    human_idle_minutes: float = 120.0  # the same while a person owns it
    handoff_after_failures: int = 2  # 没解决 or not recognised, in a row
    rasa_session_turns: int = 30  # Rasa's cost grows with its tracker: a fresh one after so many turns

    login_attempts: int = 5  # failed sign-ins of one account or address before a pause
    login_pause_minutes: float = 10.0
    console_session_hours: float = 12.0

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'teller.db'}"

    @property
    def embedding_folder(self) -> str:
        return self.embedding_model or str(self.data_dir / "models" / "e5-small-zh")

    @property
    def app_url(self) -> str:
        return f"http://{_reachable(self.host)}:{self.port}"

    @property
    def kb_url(self) -> str:
        return f"http://127.0.0.1:{self.kb_port}"

    @property
    def voice_url(self) -> str:
        return f"http://127.0.0.1:{self.voice_port}"

    @property
    def asr_url(self) -> str:
        return f"ws://127.0.0.1:{self.asr_port}"

    @property
    def rasa_url(self) -> str:
        return f"http://127.0.0.1:{self.rasa_port}"


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 (compared, not bound)


@lru_cache
def get_settings() -> Settings:
    return Settings()
