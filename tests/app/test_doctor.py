"""What `teller doctor` sees."""

from pathlib import Path

import pytest

from app.processes import doctor
from app.processes.doctor import differing, examine, installed_versions, locked_versions
from core.secrets import ensure_secrets
from core.settings import Settings

LOCK = """\
alembic==1.20.1 \\
    --hash=sha256:00
    # via teller
uvicorn[standard]==0.54.0 ; sys_platform != 'win32' \\
    --hash=sha256:00
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:00
"""


def finding(settings: Settings, name: str) -> doctor.Finding:
    (found,) = [found for found in examine(settings) if found.name == name]
    return found


def test_lock_is_read_for_this_platform() -> None:
    assert locked_versions(LOCK, ("torch==2.13.0",)) == {"alembic": "1.20.1", "uvicorn": "0.54.0", "torch": "2.13.0"}


def test_installed_packages_of_both_kinds_are_seen(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    for name in ("torch-2.13.0+cpu.dist-info", "PyYAML-6.0.3.dist-info", "jieba-0.42.1-py3.10.egg-info"):
        (packages / name).mkdir(parents=True)
    assert installed_versions(tmp_path) == {"torch": "2.13.0+cpu", "pyyaml": "6.0.3", "jieba": "0.42.1"}


def test_differences_are_named() -> None:
    wanted = {"torch": "2.13.0", "a": "1", "b": "2"}
    assert differing(wanted, {"torch": "2.13.0+cpu", "b": "3"}) == ["a is missing", "b 3 instead of 2"]


@pytest.mark.integration
def test_every_fault_has_a_remedy(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "MAIN_ENV", tmp_path / "none")
    monkeypatch.setattr(doctor, "BOT_ENV", tmp_path / "none")
    found = examine(settings.model_copy(update={"kb_port": settings.port}))
    faults = {each.name for each in found if not each.ok}
    assert {"python", "packages", "bot python", "bot packages", "ports"} <= faults
    assert all(each.remedy for each in found if not each.ok)
    assert len({each.name for each in found}) == len(found)


def test_secrets_that_others_can_read_are_a_fault(settings: Settings) -> None:
    ensure_secrets(settings)
    assert doctor.CHECKS["secrets"](settings).ok
    (settings.data_dir / "secrets.json").chmod(0o644)
    found = doctor.CHECKS["secrets"](settings)
    assert not found.ok
    assert "chmod 600" in found.remedy


def test_unreachable_database_is_a_fault(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": "postgresql+psycopg://teller@127.0.0.1:9/teller"})
    found = doctor.CHECKS["database"](away)
    assert not found.ok
    assert "TELLER_DATABASE_URL" in found.remedy


def test_missing_database_file_is_a_fault_and_is_not_made_by_looking(settings: Settings) -> None:
    found = doctor.CHECKS["database"](settings)
    assert not found.ok
    assert found.remedy == "run `teller up`"
    assert not (settings.data_dir / "teller.db").exists()


def test_full_disk_is_a_fault(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ENOUGH_DISK_GB", 1e9)
    assert not doctor.CHECKS["disk"](settings).ok


def test_check_that_fails_itself_is_a_fault(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_settings: Settings) -> doctor.Finding:
        raise RuntimeError("no idea")

    monkeypatch.setattr(doctor, "CHECKS", {"x": broken})
    (found,) = examine(settings)
    assert not found.ok
    assert "no idea" in found.detail
