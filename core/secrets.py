"""Secrets that the installation makes for itself on first start.

They are never in the repository or on a command line.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from core.settings import Settings

KEY_BYTES = 32


@dataclass(frozen=True)
class Secrets:
    internal_token: str  # between Teller's own processes


def ensure_secrets(settings: Settings) -> Secrets:
    """Read the installation's secrets; make them, readable by the owner alone, when there are none yet."""
    path = settings.data_dir / "secrets.json"
    if not path.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        _write_private(path, json.dumps({"internal_token": secrets.token_urlsafe(32)}))
    return Secrets(**json.loads(path.read_text()))


def ensure_key(settings: Settings, name: str) -> bytes:
    """A 256-bit key of the installation for one purpose, in a file of its own; made when there is none yet."""
    path = settings.data_dir / "keys" / f"{name}.key"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_private(path, secrets.token_hex(KEY_BYTES))
    return bytes.fromhex(path.read_text())


def _write_private(path: Path, content: str) -> None:
    """Create `path` with mode 600. When another process was faster, its file stays."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # made by a process that started at the same time; both read that one
    finally:
        draft.unlink()
