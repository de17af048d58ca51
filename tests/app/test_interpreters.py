"""Finding a Python that really runs."""

import os
import sys
from pathlib import Path

import pytest

from app.setup import interpreters
from app.setup.commands import Interrupt, StepFailed, StepOutput
from app.setup.interpreters import find_interpreter, obtain_bot_interpreter, probe

THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on PATH, no pyenv and no uv."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(interpreters, "STAMPS", tmp_path / "stamps")
    return tmp_path


def output(folder: Path) -> StepOutput:
    return StepOutput("bot", folder / "bot.log", lambda _title, _text: None, Interrupt())


def test_failing_shim_on_path_is_passed_over_for_the_one_in_pyenv(machine: Path) -> None:
    write_program(
        machine / "bin" / f"python{THIS}", "#!/bin/sh\necho 'pyenv: python: command not found' >&2\nexit 127\n"
    )
    write_program(
        machine / "pyenv" / "versions" / f"{THIS}.9" / "bin" / f"python{THIS}",
        f'#!/bin/sh\nexec {sys.executable} "$@"\n',
    )
    found = find_interpreter([THIS])
    assert found is not None
    assert found.minor == THIS


def test_nothing_is_found_on_an_empty_machine(machine: Path) -> None:
    assert find_interpreter([THIS]) is None


def test_interpreter_of_another_version_does_not_count(machine: Path) -> None:
    program = write_program(machine / "bin" / "python3.10", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    assert probe(program, "3.10") is None


def test_uv_is_asked_where_python_is(machine: Path) -> None:
    write_program(machine / "bin" / "uv", f"#!/bin/sh\necho {sys.executable}\n")
    found = find_interpreter([THIS])
    assert found is not None


def test_missing_bot_interpreter_names_the_remedies(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "_install_uv", lambda _output: None)
    with pytest.raises(StepFailed) as caught:
        obtain_bot_interpreter(output(machine))
    assert "pyenv install 3.10" in caught.value.block()
    assert "uv python install 3.10" in caught.value.block()


def test_uv_installs_a_missing_bot_interpreter(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "BOT_VERSIONS", (THIS,))
    installed = machine / "home" / ".local/share/uv/python" / f"cpython-{THIS}.1-linux" / "bin" / f"python{THIS}"
    script = '#!/bin/sh\n[ "$2" = install ] || exit 2\n'
    script += f"/bin/mkdir -p {installed.parent}\n/bin/ln -s {sys.executable} {installed}\n"
    write_program(machine / "bin" / "uv", script)
    assert obtain_bot_interpreter(output(machine)).minor == THIS


def test_a_pyenv_of_another_user_is_passed_over(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = machine / "pyenv" / "versions"
    write_program(versions / f"{THIS}.9" / "bin" / f"python{THIS}", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != versions)
    assert find_interpreter([THIS]) is None
