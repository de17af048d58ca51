"""The supervisord configuration and the place of its socket."""

import configparser
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from app.processes.configuration import configuration, run_files, socket_path, write_configuration
from app.processes.table import Process, processes
from core.settings import Settings


def parsed(settings: Settings, table: list[Process]) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=None)
    parser.read_string(configuration(run_files(settings), table))
    return parser


def test_every_process_is_in_the_configuration_and_never_given_up(settings: Settings) -> None:
    text = parsed(settings, processes(settings))
    programs = [section for section in text.sections() if section.startswith("program:")]
    assert programs == ["program:kb", "program:asr", "program:voice", "program:actions", "program:rasa", "program:app"]
    for program in programs:
        assert text[program]["autorestart"] == "true"
        assert int(text[program]["startretries"]) > 10_000
        assert text[program]["stopasgroup"] == "true"


def test_everything_stops_within_ten_seconds(settings: Settings) -> None:
    # supervisord stops the processes one after the other
    assert sum(process.stop_seconds for process in processes(settings)) <= 12
    assert all(process.stop_seconds <= 4 for process in processes(settings))


def test_nothing_but_the_app_listens_beyond_this_machine(settings: Settings) -> None:
    open_settings = settings.model_copy(update={"host": "0.0.0.0"})
    assert [process.name for process in processes(open_settings) if process.host != "127.0.0.1"] == ["app"]


def test_configuration_file_is_the_owners_alone(settings: Settings) -> None:
    files = run_files(settings)
    write_configuration(files, processes(settings))
    assert stat.S_IMODE(files.configuration.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700


def test_no_secret_is_on_a_command_line(settings: Settings) -> None:
    token = (settings.data_dir / "secrets.json", processes(settings))[0].read_text().split('"')[3]
    assert len(token) > 20
    assert not any(token in " ".join(process.command) for process in processes(settings))


def test_percent_signs_are_kept_from_expansion(settings: Settings, process: Callable[..., Process]) -> None:
    text = parsed(settings, [process("a", environment={"SHARE": "50%"})])
    assert 'SHARE="50%%"' in text["program:a"]["environment"]


def test_quotes_in_the_environment_are_refused(settings: Settings, process: Callable[..., Process]) -> None:
    with pytest.raises(ValueError, match="no quotes"):
        configuration(run_files(settings), [process("a", environment={"X": 'a"b'})])


def test_short_folder_holds_its_own_socket() -> None:
    assert socket_path(Path("/srv/teller/var/run")) == Path("/srv/teller/var/run/supervisord.sock")


def test_long_folder_has_its_socket_in_the_folder_for_temporary_files() -> None:
    folder = Path("/srv") / ("x" * 90) / "var" / "run"
    path = socket_path(folder)
    assert len(os.fsencode(path)) < 96
    assert path != socket_path(folder / "other")
    assert socket_path(folder) == path


def test_temporary_folder_of_another_user_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    with pytest.raises(PermissionError):
        write_configuration(run_files(settings), [])
