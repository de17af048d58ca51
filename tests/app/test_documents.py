"""Documents that name settings, commands and ports are held to the code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.processes.table import processes
from app.setup.places import PROJECT
from core.settings import Settings

ROW = re.compile(r"^\| `(TELLER_\w+)` \| (.+?) \| (.+) \|$", re.MULTILINE)
SAMPLE = re.compile(r"^#?(TELLER_\w+)=(.*)$", re.MULTILINE)


def shown(default: Any) -> str:
    """A default as an operator writes it."""
    if isinstance(default, bool | list):
        return json.dumps(default)
    if isinstance(default, Path):
        return str(default.relative_to(PROJECT))
    return str(default)


def defaults() -> dict[str, str]:
    fields = Settings.model_fields
    return {
        f"TELLER_{name.upper()}": shown(field.get_default(call_default_factory=True)) for name, field in fields.items()
    }


def test_every_setting_is_explained_with_its_default() -> None:
    rows = ROW.findall((PROJECT / "docs" / "settings.md").read_text(encoding="utf-8"))
    assert {name: "" if default == "*(empty)*" else default.strip("`") for name, default, _ in rows} == defaults()
    assert all(len(meaning) > 10 for _, _, meaning in rows)


def test_sample_file_shows_every_setting_with_its_default() -> None:
    lines = SAMPLE.findall((PROJECT / ".env.example").read_text(encoding="utf-8"))
    assert {name: value.strip('"') for name, value in lines} == defaults()


def test_sample_file_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".env"
    path.write_text(re.sub(r"^#(TELLER_)", r"\1", (PROJECT / ".env.example").read_text(), flags=re.MULTILINE))
    assert Settings(_env_file=path) is not None  # type: ignore[call-arg]


def test_operations_name_every_process_with_its_port(settings: Settings) -> None:
    text = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    for process in processes(settings):
        assert f"| `{process.name}` |" in text
        assert f"`{process.port_setting}`" in text


def test_make_help_lists_every_target() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    listed = re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE)
    assert set(listed) == set(phony.split()) - {"python"}
