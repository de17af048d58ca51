"""What set-up asks of the machine itself."""

import os
from pathlib import Path

import pytest

from app.setup import debian, environments
from app.setup.commands import Interrupt, StepFailed, StepOutput


def output(folder: Path) -> StepOutput:
    return StepOutput("machine", folder / "machine.log", lambda _title, _text: None, Interrupt())


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_old_node_is_refused_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StepFailed, match="node is not on PATH"):
        debian.check_node()
    write_program(tmp_path / "node", "echo v18.19.0")
    write_program(tmp_path / "npm", "echo 9")
    with pytest.raises(StepFailed, match=r"v18\.19\.0 is too old") as caught:
        debian.check_node()
    assert "Node.js 20" in caught.value.remedy


def test_missing_packages_are_named_at_once_to_who_is_not_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "check_node", lambda: None)
    monkeypatch.setattr(debian, "missing_packages", lambda dev: ["chromium", "postgresql"])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(StepFailed) as caught:
        debian.provide_packages(output(tmp_path), dev=True)
    assert caught.value.cause == "missing on this machine: chromium, postgresql"
    assert caught.value.remedy == "as root: apt-get install chromium postgresql"


def test_root_installs_without_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "check_node", lambda: None)
    monkeypatch.setattr(debian, "missing_packages", lambda dev: ["chromium"])
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    write_program(tmp_path / "bin" / "apt-get", 'echo "$DEBIAN_FRONTEND $@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    one = output(tmp_path)
    debian.provide_packages(one, dev=True)
    assert "noninteractive -q -y -o DPkg::Lock::Timeout=180 install" in one.log.read_text()


def test_index_that_does_not_answer_costs_no_more_than_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "TORCH_INDEX_SECONDS", 0.2)
    assert not environments._answers("http://127.0.0.1:9/whl")


@pytest.mark.parametrize(
    ("has_local", "index_answers", "installed_with"),
    [
        (True, False, "--no-deps --no-index torch=="),
        (False, True, f"--no-deps --index-url {environments.TORCH_CPU_INDEX} torch=="),
        (False, False, "off torch=="),  # the general build runs only with its dependencies
    ],
    ids=["a local build", "the CPU index", "neither"],
)
def test_pytorch_comes_from_the_first_source_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_local: bool, index_answers: bool, installed_with: str
) -> None:
    write_program(tmp_path / "bin" / "python", "true" if has_local else 'case "$*" in *--no-index*) exit 1;; esac')
    monkeypatch.setattr(environments, "MAIN_ENV", tmp_path)
    monkeypatch.setattr(environments, "_answers", lambda _url: index_answers)
    one = output(tmp_path)
    environments.install_torch(one)
    assert installed_with in one.log.read_text().splitlines()[-1]


def test_clean_leaves_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, folder in {"MAIN_ENV": ".venv", "BOT_ENV": "bot/.venv", "WEB": "web", "STAMPS": "var/setup"}.items():
        monkeypatch.setattr(environments, name, tmp_path / folder)
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "web" / "dist").mkdir()
    (tmp_path / "var" / "teller.db").touch()
    environments.remove_built()
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == ["bot", "var", "var/teller.db", "web"]
