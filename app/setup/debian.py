"""What the machine itself must have.

Asked for by what is needed, so that other systems pass too; named as Debian packages.
"""

import os
import shutil
import subprocess
from pathlib import Path

from app.setup.commands import StepFailed, StepOutput
from app.setup.interpreters import MAIN_VERSIONS, find_interpreter

NODE_MAJOR = 20
LOCK_SECONDS = 180  # how long to wait for another apt-get


def missing_packages(dev: bool) -> list[str]:
    """Debian packages whose contents are needed and not here; `dev` adds what only the tests need."""
    missing = []
    main = find_interpreter(MAIN_VERSIONS)
    if main and not main.makes_environments:
        missing.append(f"python{main.minor}-venv")
    if dev or _may_install():
        missing += _missing_for_adapting()
    if dev:
        missing += _missing_for_tests()
    return missing


def _missing_for_adapting() -> list[str]:
    """What `teller asr adapt` builds with. Whoever may not install it here does without, until he adapts."""
    missing = [] if shutil.which("fstconvert") else ["libfst-tools"]
    if not list(Path("/usr/lib").glob("*/fst/*/olabel_lookahead-fst.so")):
        missing.append("libfst22-plugins-base")
    return missing


def _may_install() -> bool:
    return os.geteuid() == 0 and bool(shutil.which("apt-get"))


def _missing_for_tests() -> list[str]:
    missing = []
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        missing.append("chromium")
    if not _has_chinese_font():
        missing.append("fonts-noto-cjk")
    if not shutil.which("fc-list"):
        missing.append("fontconfig")
    if not shutil.which("pg_ctl") and not list(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")):
        missing.append("postgresql")
    return missing


def _has_chinese_font() -> bool:
    try:
        result = subprocess.run(
            ["fc-list", ":lang=zh", "family"], check=False, capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return bool(result.stdout.strip())


def provide_packages(output: StepOutput, dev: bool) -> None:
    """Install what is missing when we may (root on Debian); else name all of it at once."""
    check_node()
    missing = missing_packages(dev)
    if not missing:
        return
    install = f"apt-get install {' '.join(missing)}"
    if not _may_install():
        raise StepFailed(f"missing on this machine: {', '.join(missing)}", remedy=f"as root: {install}")
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    wait = f"DPkg::Lock::Timeout={LOCK_SECONDS}"
    output.command(["apt-get", "-q", "-o", wait, "update"], environment=environment, may_fail=True)
    output.command(
        ["apt-get", "-q", "-y", "-o", wait, "install", "--no-install-recommends", *missing],
        environment=environment, remedy=f"as root: {install}",
    )  # fmt: skip


def check_node() -> None:
    """Raise StepFailed unless Node.js of at least NODE_MAJOR and npm run."""
    remedy = f"install Node.js {NODE_MAJOR} or newer, with npm, and put it on PATH"
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise StepFailed(f"{program} is not on PATH", remedy=remedy)
    try:
        version = subprocess.run(
            ["node", "--version"], check=False, capture_output=True, text=True, timeout=30
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StepFailed(f"node does not run: {error}", remedy=remedy) from None
    major = version.lstrip("v").split(".")[0]
    if not major.isdigit() or int(major) < NODE_MAJOR:
        raise StepFailed(f"Node.js {version or '(no version)'} is too old", remedy=remedy)
