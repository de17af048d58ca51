"""Where things are. Read before any environment exists, so without `core.settings`."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
MAIN_ENV = PROJECT / ".venv"
BOT_ENV = PROJECT / "bot" / ".venv"
WEB = PROJECT / "web"
STAMPS = PROJECT / "var" / "setup"
STEP_LOGS = PROJECT / "var" / "log" / "setup"


def python_of(environment: Path) -> Path:
    return environment / "bin" / "python"


def data_dir() -> Path:
    """The data folder as `core.settings.Settings.data_dir` will see it: `TELLER_DATA_DIR`, or else `var`."""
    value = setting("TELLER_DATA_DIR")
    return (PROJECT / value).resolve() if value else PROJECT / "var"


def setting(name: str) -> str:
    """The setting `name` ("TELLER_…") from the environment or `.env`; empty when it is in neither."""
    return os.environ.get(name) or _from_env_file(name) or ""


def _from_env_file(name: str) -> str | None:
    try:
        lines = (PROJECT / ".env").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    for line in lines:
        key, separator, value = line.partition("=")
        if separator and key.strip() == name:
            return value.strip().strip("\"'")
    return None
