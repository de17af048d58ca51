"""Which engine speaks."""

from collections.abc import Callable
from pathlib import Path

import structlog

from core.settings import Settings
from voice.problems import NoVoice
from voice.synthesis.synthesiser import Engine

log = structlog.get_logger()

FIRST_WORDS = "您好。"


def kokoro_folder(settings: Settings) -> Path:
    return settings.data_dir / "models" / "kokoro"


def _kokoro(settings: Settings) -> Engine:
    from voice.synthesis.kokoro import Kokoro

    folder = kokoro_folder(settings)
    if not (folder / "symbols.json").is_file():
        raise NoVoice("the Kokoro voices are not there; `make setup` fetches them")
    return Kokoro(folder, settings.voice_name)


def _espeak(_settings: Settings) -> Engine:
    from voice.synthesis.espeak import Espeak, is_installed

    if not is_installed():
        raise NoVoice("espeak-ng is not installed")
    return Espeak()


# In the order in which they are tried; the setting `voice_engine` names the first.
ENGINES: dict[str, Callable[[Settings], Engine]] = {"kokoro": _kokoro, "espeak": _espeak}


def open_engine(settings: Settings) -> Engine:
    """The engine of the settings, or the next one that works. Raises NoVoice when none does."""
    first = settings.voice_engine
    reasons = []
    for name in [first, *(other for other in ENGINES if other != first)]:
        try:
            engine = ENGINES[name](settings)
            engine.sound(FIRST_WORDS, 1.0)  # loads its dictionaries, and shows that it can
        except Exception as error:
            reasons.append(f"{name}: {error}")
            log.warning("this voice cannot be used", engine=name, error=str(error))
            continue
        if name != first:
            log.warning("speaking with the fallback voice", engine=engine.name)
        return engine
    raise NoVoice("; ".join(reasons))
