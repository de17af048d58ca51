"""Settings and the secrets that an installation makes for itself."""

import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from core.secrets import Secrets, ensure_secrets
from core.settings import Settings, get_settings

pytestmark = pytest.mark.unit


def plain(**given: object) -> Settings:
    return Settings(_env_file=None, **given)  # type: ignore[arg-type, call-arg]


class TestSettings:
    def test_the_database_is_a_file_in_the_data_folder_unless_said_otherwise(self, tmp_path: Path) -> None:
        assert plain(data_dir=tmp_path).resolved_database_url == f"sqlite:///{tmp_path}/teller.db"
        assert plain(database_url="postgresql+psycopg://x/y").resolved_database_url == "postgresql+psycopg://x/y"

    def test_they_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TELLER_PORT", "8123")
        monkeypatch.setenv("TELLER_ALLOWED_ORIGINS", '["https://www.bank.example"]')
        assert plain().port == 8123
        assert plain().allowed_origins == ["https://www.bank.example"]

    @pytest.mark.parametrize(("name", "value"), [("TELLER_PORT", "many"), ("TELLER_LOG_FORMAT", "xml")])
    def test_a_value_of_another_type_is_refused(self, name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(name, value)
        with pytest.raises(ValidationError):
            plain()

    @pytest.mark.parametrize(
        ("host", "reachable"), [("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("10.0.0.5", "10.0.0.5")]
    )
    def test_the_address_of_the_app_can_be_reached_from_here(self, host: str, reachable: str) -> None:
        assert plain(host=host, port=8000).app_url == f"http://{reachable}:8000"

    def test_the_embedding_folder_is_the_bundled_one_unless_said_otherwise(self, tmp_path: Path) -> None:
        assert plain(data_dir=tmp_path).embedding_folder == str(tmp_path / "models" / "e5-small-zh")
        assert plain(embedding_model="/models/other").embedding_folder == "/models/other"

    def test_they_are_read_once(self) -> None:
        assert get_settings() is get_settings()


def _create(folder: str, start: object, made: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    made.put(ensure_secrets(plain(data_dir=Path(folder))).internal_token)  # type: ignore[attr-defined]


class TestSecrets:
    def test_they_are_made_once_and_for_the_owner_alone(self, tmp_path: Path) -> None:
        settings = plain(data_dir=tmp_path / "new" / "var")
        secrets = ensure_secrets(settings)
        file = settings.data_dir / "secrets.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert len(secrets.internal_token) >= 43
        assert ensure_secrets(settings) == secrets
        assert os.listdir(settings.data_dir) == ["secrets.json"]

    def test_every_installation_has_its_own(self, tmp_path: Path) -> None:
        first, second = (ensure_secrets(plain(data_dir=tmp_path / name)) for name in "ab")
        assert first != second

    def test_whoever_comes_second_uses_the_first_ones(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = plain(data_dir=tmp_path)
        first = ensure_secrets(settings)
        exists, looks = Path.exists, []

        def not_there_yet(path: Path) -> bool:
            looks.append(path)
            return exists(path) if len(looks) > 1 else False

        monkeypatch.setattr(Path, "exists", not_there_yet)
        assert ensure_secrets(settings) == first
        assert os.listdir(tmp_path) == ["secrets.json"]

    def test_two_processes_that_start_at_once_end_with_the_same(self, tmp_path: Path) -> None:
        context = multiprocessing.get_context("fork")
        start, made = context.Barrier(4), context.Queue()
        creators = [context.Process(target=_create, args=(str(tmp_path), start, made)) for _ in range(4)]
        for creator in creators:
            creator.start()
        tokens = {made.get(timeout=60) for _ in creators}
        for creator in creators:
            creator.join(60)
        assert len(tokens) == 1
        assert os.listdir(tmp_path) == ["secrets.json"]

    def test_they_are_not_shown_by_accident(self, tmp_path: Path) -> None:
        assert isinstance(ensure_secrets(plain(data_dir=tmp_path)), Secrets)
