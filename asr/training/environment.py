"""Make the environment that the model is trained in, then run the pipeline in it. Needs the main environment.

It lies on top of the main one, whose packages it sees (PyTorch above all), and adds what only the training needs, at
locked versions. Arguments go on to `python -m asr.training`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
MAIN_ENVIRONMENT = PROJECT / ".venv"
LOCK = PROJECT / "deploy" / "requirements" / "asr-training.lock"
DEBIAN_PACKAGES = ("libfst-tools", "libfst22-plugins-base")


def provide(folder: Path) -> Path:
    """The interpreter of the environment in `folder`, made anew when the lock file has changed."""
    python, stamp = folder / "bin" / "python", folder / "lock.sha256"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        main = MAIN_ENVIRONMENT / "bin" / "python"
        subprocess.run([main, "-m", "venv", "--clear", folder], check=True)
        (packages,) = (folder / "lib").glob("python3.*/site-packages")
        (main_packages,) = (MAIN_ENVIRONMENT / "lib").glob("python3.*/site-packages")
        (packages / "main-environment.pth").write_text(f"{main_packages}\n{PROJECT}\n")
        install: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "-r",
            LOCK,
        ]
        subprocess.run(install, check=True)
        stamp.write_text(wanted)
    return python


def provide_openfst() -> None:
    """The programs that write look-ahead graphs; installed when we may, else named."""
    if shutil.which("fstconvert"):
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *DEBIAN_PACKAGES]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SystemExit(f"fstconvert is missing: as root, {' '.join(install)}")
    subprocess.run(install, check=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def main() -> None:
    if not (MAIN_ENVIRONMENT / "bin" / "python").exists():
        raise SystemExit("the main environment is missing: run `make setup` first")
    work = Path(os.environ.get("TELLER_ASR_WORK", PROJECT / "var" / "asr-training"))
    provide_openfst()
    python = provide(work / ".venv")
    os.chdir(PROJECT)
    os.execv(python, [str(python), "-m", "asr.training", *sys.argv[1:]])  # noqa: S606


if __name__ == "__main__":
    main()
