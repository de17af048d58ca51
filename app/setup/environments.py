"""Make the two Python environments from their locked requirements, and the web pages.

An environment whose making was cut off is started over: pip takes a package whose files are half there for installed.
"""

import os
import shutil
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

from app.setup.commands import StepFailed, StepOutput
from app.setup.interpreters import Interpreter, obtain_bot_interpreter, obtain_main_interpreter
from app.setup.places import BOT_ENV, MAIN_ENV, PROJECT, STAMPS, WEB, python_of

TORCH = "torch==2.13.0"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
TORCH_INDEX_SECONDS = 5
TORCH_REMEDY = (
    f"a CPU build of {TORCH} is needed: remove .venv, then point pip's find-links at a folder with its wheel, "
    "or allow PyTorch's CPU index"
)
LOCKS = PROJECT / "deploy" / "requirements"
MAIN_LOCK, DEV_LOCK = LOCKS / "main.lock", LOCKS / "dev.lock"
BOT_LOCK = PROJECT / "bot" / "requirements.lock"

# Byte-compiling all of TensorFlow, Rasa and PyTorch takes longer than installing them; Python compiles what it uses.
PIP = ("-m", "pip", "install", "--no-input", "--no-compile", "--no-warn-script-location", "--progress-bar", "off")
QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}


def create_main(output: StepOutput) -> None:
    _create(MAIN_ENV, obtain_main_interpreter(), output)


def create_bot(output: StepOutput) -> None:
    _create(BOT_ENV, obtain_bot_interpreter(output), output)


def _create(folder: Path, interpreter: Interpreter, output: StepOutput) -> None:
    output.say(f"Python {'.'.join(map(str, interpreter.version))} at {interpreter.path}")
    if not interpreter.makes_environments:
        raise StepFailed(
            f"{interpreter.path} cannot make environments",
            remedy=f"as root: apt-get install python{interpreter.minor}-venv",
        )
    output.command([interpreter.path, "-m", "venv", "--clear", folder])


def install_torch(output: StepOutput) -> None:
    """Install PyTorch for the CPU without its dependencies (the lock has them; they would bring CUDA along).

    Sources in this order: what pip finds locally (its `find-links`), PyTorch's own CPU index, the configured index;
    the build of the last one runs only with its dependencies.
    """
    _start_over_if_interrupted(MAIN_ENV, create_main, output)
    command: list[str | Path] = [python_of(MAIN_ENV), *PIP]
    if output.command([*command, "--no-deps", "--no-index", TORCH], environment=QUIET, may_fail=True):
        return
    if _answers(TORCH_CPU_INDEX):
        output.command([*command, "--no-deps", "--index-url", TORCH_CPU_INDEX, TORCH], environment=QUIET)
        return
    output.say("no CPU build of PyTorch can be reached; taking the general one with CUDA, about 3 GB")
    output.command([*command, TORCH], environment=QUIET, remedy=TORCH_REMEDY)


def _answers(url: str) -> bool:
    """Whether `url` answers within TORCH_INDEX_SECONDS, name resolution included."""
    answered = threading.Event()

    def ask() -> None:
        try:
            request = urllib.request.Request(f"{url}/torch/", method="HEAD")  # noqa: S310
            with urllib.request.urlopen(request, timeout=TORCH_INDEX_SECONDS):  # noqa: S310
                answered.set()
        except OSError:
            return

    # In a thread that nobody waits for: a name server that does not answer holds urlopen beyond its timeout.
    threading.Thread(target=ask, daemon=True).start()
    return answered.wait(TORCH_INDEX_SECONDS)


def install_main(output: StepOutput, lock: Path) -> None:
    """Install the locked packages of the main environment and the command `teller`."""
    _start_over_if_interrupted(MAIN_ENV, create_main_with_torch, output)
    output.command([python_of(MAIN_ENV), *PIP, "--no-deps", "--require-hashes", "-r", lock], environment=QUIET)
    output.command([python_of(MAIN_ENV), "-c", "import torch"], remedy=TORCH_REMEDY)
    write_command(MAIN_ENV)


def create_main_with_torch(output: StepOutput) -> None:
    create_main(output)
    output.resumes_interrupted = False
    install_torch(output)


def install_bot(output: StepOutput) -> None:
    """Install the locked packages of the bot's environment."""
    _start_over_if_interrupted(BOT_ENV, create_bot, output)
    if not BOT_LOCK.exists():
        raise StepFailed(f"{BOT_LOCK} is missing", remedy="the clone is incomplete: get the repository whole")
    output.command([python_of(BOT_ENV), *PIP, "--no-deps", "--require-hashes", "-r", BOT_LOCK], environment=QUIET)


def _start_over_if_interrupted(folder: Path, create: Callable[[StepOutput], None], output: StepOutput) -> None:
    if output.resumes_interrupted or not python_of(folder).exists():
        output.say("starting over: the last run was cut off")
        create(output)


def write_command(environment: Path) -> None:
    """Make the project importable in `environment` and write its command `teller`.

    What `pip install -e .` does, offline.
    """
    (packages,) = (environment / "lib").glob("python3.*/site-packages")
    (packages / "teller.pth").write_text(f"{PROJECT}\n")
    script = environment / "bin" / "teller"
    draft = script.with_suffix(".new")
    # Through sh: the kernel takes no long path, and none with a space, after `#!`.
    draft.write_text(
        f"#!/bin/sh\n'''exec' \"{python_of(environment)}\" \"$0\" \"$@\"\n' '''\n"
        "import sys\n\nfrom app.cli import main\n\nsys.exit(main())\n"
    )
    draft.chmod(0o755)
    os.replace(draft, script)


def install_web(output: StepOutput) -> None:
    """Install the pages' packages from the lock file."""
    output.command(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], folder=WEB, environment={"CI": "1"})


def build_web(output: StepOutput) -> None:
    """Build the pages into web/dist."""
    output.command(["npm", "run", "--silent", "build"], folder=WEB, environment={"CI": "1"})


def remove_built() -> list[Path]:
    """Remove all that set-up made (`make clean`): environments, pages, stamps. The data in `var` stays."""
    made = [MAIN_ENV, BOT_ENV, WEB / "node_modules", WEB / "dist", STAMPS]
    present = [path for path in made if path.exists()]
    for path in present:
        shutil.rmtree(path)
    return present
