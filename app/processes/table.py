"""The processes of Teller, in one list."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from app.setup.places import BOT_ENV, MAIN_ENV, PROJECT, python_of
from core.secrets import ensure_secrets
from core.settings import Settings

# One thread per numeric library and no call to a model hub: the processes share few cores, and nothing leaves the bank.
COMMON_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONPATH": str(PROJECT),
}
RASA_ENVIRONMENT = {
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "SQLALCHEMY_WARN_20": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
    "PYTHONWARNINGS": "ignore::DeprecationWarning,ignore::UserWarning,ignore::FutureWarning",
}
MAX_FRAME_BYTES = 131_072  # a bigger WebSocket frame is refused before it takes memory; the channels limit theirs below


@dataclass(frozen=True)
class Process:
    """One process.

    How to run it, where it listens, how to see that it is ready, how long starting and stopping may take.
    """

    name: str
    command: list[str]
    host: str
    port: int
    port_setting: str
    ready_url: str
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = PROJECT
    start_seconds: int = 120
    stop_seconds: int = 3


def processes(settings: Settings) -> list[Process]:
    """All processes in the order in which they start; they stop in the reverse order."""
    return [_kb(settings), _asr(settings), _voice(settings), _actions(settings), _rasa(settings), _app(settings)]


def _kb(settings: Settings) -> Process:
    port = settings.kb_port
    return Process(
        "kb", _uvicorn("kb.server:create_app", "127.0.0.1", port), "127.0.0.1", port, "TELLER_KB_PORT",
        f"http://127.0.0.1:{port}/readyz", COMMON_ENVIRONMENT, stop_seconds=2,
    )  # fmt: skip


def _voice(settings: Settings) -> Process:
    port = settings.voice_port
    return Process(
        "voice", _uvicorn("voice.synthesis.server:create_app", "127.0.0.1", port), "127.0.0.1", port,
        "TELLER_VOICE_PORT", f"http://127.0.0.1:{port}/readyz", COMMON_ENVIRONMENT, stop_seconds=1,
    )  # fmt: skip


def _asr(settings: Settings) -> Process:
    port = settings.asr_port
    return Process(
        "asr", [str(python_of(MAIN_ENV)), "-m", "asr.server"], "127.0.0.1", port, "TELLER_ASR_PORT",
        f"http://127.0.0.1:{port}/readyz", COMMON_ENVIRONMENT, stop_seconds=1,  # its first start composes a graph
    )  # fmt: skip


def _rasa(settings: Settings) -> Process:
    port = settings.rasa_port
    command = [str(python_of(BOT_ENV)), "-m", "bot.server", "--model", str(bot_model(settings)), "--port", str(port)]
    return Process(
        "rasa", command, "127.0.0.1", port, "TELLER_RASA_PORT", f"http://127.0.0.1:{port}/webhooks/gateway/health",
        bot_environment(settings), start_seconds=240, stop_seconds=2,
    )  # fmt: skip


def _actions(settings: Settings) -> Process:
    port = settings.action_port
    command = [str(python_of(BOT_ENV)), "-m", "bot.actions"]
    return Process(
        "actions", command, "127.0.0.1", port, "TELLER_ACTION_PORT", f"http://127.0.0.1:{port}/health",
        bot_environment(settings), stop_seconds=2,
    )  # fmt: skip


def _app(settings: Settings) -> Process:
    command = [*_uvicorn("app.main:create_app", settings.host, settings.port), "--ws-max-size", str(MAX_FRAME_BYTES)]
    return Process(
        "app", command, settings.host, settings.port, "TELLER_PORT", f"{settings.app_url}/readyz", COMMON_ENVIRONMENT,
        stop_seconds=4,
    )  # fmt: skip


def _uvicorn(factory: str, host: str, port: int) -> list[str]:
    return [
        str(python_of(MAIN_ENV)), "-m", "uvicorn", factory, "--factory", "--host", host, "--port", str(port),
        "--timeout-graceful-shutdown", "2",
    ]  # fmt: skip


def bot_environment(settings: Settings) -> dict[str, str]:
    """What the bot's processes get to know of us: they cannot read our settings."""
    embedding = settings.embedding_folder
    return {
        **COMMON_ENVIRONMENT,
        **RASA_ENVIRONMENT,
        "TELLER_KB_URL": settings.kb_url,
        "TELLER_KB_SECONDS": str(settings.kb_seconds),
        "TELLER_ACTION_PORT": str(settings.action_port),
        "TELLER_INTERNAL_TOKEN": ensure_secrets(settings).internal_token,
        "TELLER_EMBEDDING_MODEL": os.path.abspath(embedding) if os.path.exists(embedding) else embedding,
        "TELLER_EMBEDDING_PREFIX": settings.embedding_prefix,
    }


def bot_models(settings: Settings) -> Path:
    """The folder of trained bot models."""
    return settings.data_dir.resolve() / "models" / "bot"


def current_model_note(settings: Settings) -> Path:
    """The file that names the model in use: older and newer ones may lie beside it."""
    return bot_models(settings) / "current.json"


def bot_model(settings: Settings) -> Path:
    """The bot model in use; its folder when none is named."""
    try:
        return bot_models(settings) / Path(json.loads(current_model_note(settings).read_text())["model"]).name
    except (FileNotFoundError, ValueError, KeyError):
        return bot_models(settings)
