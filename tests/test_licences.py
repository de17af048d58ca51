"""docs/licences.md names every direct dependency, at its locked version, with a licence."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from app.setup.environments import BOT_LOCK, DEV_LOCK, MAIN_LOCK, TORCH

pytestmark = pytest.mark.unit

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "licences.md"
ROW = re.compile(r"^\| (\S+) \| (\S+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)

Versions = dict[str, str]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def listed(section: str) -> Versions:
    """Package -> version in a section of the page; every row has a licence and a use."""
    (text,) = re.findall(
        rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    rows = ROW.findall(text)
    assert all(licence.strip() and use.strip() for _, _, licence, use in rows)
    return {normal(name): version for name, version, _, _ in rows if name != "package"}


def locked(*files: Path) -> Versions:
    return {normal(name): version for file in files for name, version in LOCKED.findall(file.read_text())}


def required(requirements: list[str], versions: Versions) -> Versions:
    names = [normal(re.split(r"[^A-Za-z0-9._-]", requirement)[0]) for requirement in requirements]
    return {name: versions[name] for name in names}


def test_product() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    torch, _, version = TORCH.partition("==")
    direct = [*project["project"]["dependencies"], *project["dependency-groups"]["torch"]]
    assert listed("Product") == required(direct, locked(MAIN_LOCK)) | {torch: version}


def test_tests() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert listed("Tests") == required(project["dependency-groups"]["dev"], locked(DEV_LOCK))


def test_bot() -> None:
    project = tomllib.loads((PROJECT / "bot" / "pyproject.toml").read_text(encoding="utf-8"))
    assert listed("Bot") == required(project["project"]["dependencies"], locked(BOT_LOCK))


def test_pages() -> None:
    package = json.loads((PROJECT / "web" / "package.json").read_text(encoding="utf-8"))
    packages = json.loads((PROJECT / "web" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    direct = package["dependencies"] | package["devDependencies"]
    assert listed("Pages") == {normal(name): packages[f"node_modules/{name}"]["version"] for name in direct}


def test_licence_texts_are_there() -> None:
    assert "Apache License" in (PROJECT / "LICENSE").read_text(encoding="utf-8")
    notice = (PROJECT / "kb" / "model" / "LICENSE.md").read_text(encoding="utf-8")
    assert "multilingual-e5-small" in notice
    assert "Permission is hereby granted" in notice
