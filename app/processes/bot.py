"""Run the bot's own programs (training, parsing, evaluation) in its environment."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from app.processes.table import bot_environment, bot_model, bot_models, current_model_note
from app.setup.places import BOT_ENV, PROJECT, python_of
from core.settings import Settings


class BotFailed(Exception):
    """A program of the bot did not do its work; the text is its reason in a line."""


def train_model(settings: Settings, force: bool = False) -> dict[str, Any]:
    """Train the bot's model unless the one of the present inputs is there, and put it in use at the next start.

    Gives {"model": path, "name", "trained": bool, "seconds"}.
    """
    folder = bot_models(settings)
    options = ["--output", str(folder), "--embedding", settings.embedding_folder, *(["--force"] if force else [])]
    result = _run(settings, "bot.train", options)
    draft = folder / "current.new"
    draft.write_text(json.dumps(result))
    os.replace(draft, current_model_note(settings))
    return result


def parse(settings: Settings, text: str) -> dict[str, Any]:
    """What the model in use finds in `text`: {"text", "intent", "ranking", "entities"}."""
    return _run(settings, "bot.evaluate", ["parse", "--model", _model(settings), "--", text])


def evaluate(settings: Settings, file: Path, errors: Path | None) -> dict[str, Any]:
    """Figures of the model in use over `file`; the failures go to `errors`."""
    options = ["--errors", str(errors)] if errors else []
    return _run(settings, "bot.evaluate", ["eval", "--model", _model(settings), *options, "--", str(file)])


def _model(settings: Settings) -> str:
    model = bot_model(settings)
    if not model.is_file():
        raise BotFailed("the bot's model is not trained; run `teller nlu train`")
    return str(model)


def _run(settings: Settings, module: str, arguments: list[str]) -> dict[str, Any]:
    """Run `module`: its only line of output is a JSON object, its messages go to standard error."""
    python = python_of(BOT_ENV)
    if not python.exists():
        raise BotFailed("the bot's environment is missing; run `make setup`")
    result = subprocess.run(
        [str(python), "-m", module, *arguments], check=False, cwd=PROJECT,
        env={**os.environ, **bot_environment(settings)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", errors="replace",
    )  # fmt: skip
    if result.returncode:
        raise BotFailed(_last_line(result.stderr) or f"{module} ended with code {result.returncode}")
    try:
        return dict(json.loads(_last_line(result.stdout)))
    except (ValueError, TypeError):
        sys.stderr.write(result.stderr)
        raise BotFailed(f"{module} gave no result") from None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
