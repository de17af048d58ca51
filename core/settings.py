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
    # Pages of other sites that may embed the widget, e.g. https://www.example-bank.cn
    allowed_origins: list[str] = Field(default_factory=list)
    secure_cookies: bool = False  # True behind HTTPS

    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    embedding_model: str = ""  # a sentence-transformers folder or model id; empty: the bundled model
    embedding_prefix: str = "query: "

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
    def rasa_url(self) -> str:
        return f"http://127.0.0.1:{self.rasa_port}"


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 (compared, not bound)


@lru_cache
def get_settings() -> Settings:
    return Settings()
