"""Everything that set-up makes, in one list.

What each step needs, what it reads and how to see that its result is there.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from app.setup import environments
from app.setup.commands import StepOutput
from app.setup.debian import provide_packages
from app.setup.environments import BOT_LOCK, DEV_LOCK, MAIN_LOCK, TORCH
from app.setup.places import BOT_ENV, MAIN_ENV, PROJECT, STAMPS, WEB, data_dir, python_of, setting
from app.setup.steps import Stamps, Step, fingerprint

PLACE = str(PROJECT)  # scripts in an environment hold absolute paths: a moved project makes them anew
MODEL_SOURCES = (PROJECT / "kb" / "model", PROJECT / "kb" / "embedding" / "unpack.py")
BOT_SOURCES = (PROJECT / "nlu_data", PROJECT / "config.yml", PROJECT / "bot")


def built_steps(dev: bool) -> list[Step]:
    """The steps that build files from files; with `dev` also what the tests need."""
    return [
        Step("machine", "Programs of this machine", partial(provide_packages, dev=dev)),
        *_main_environment(dev),
        *_bot_environment(),
        *_web(),
        *model_steps(),
        voice_step(),
    ]


def _main_environment(dev: bool) -> list[Step]:
    def state_with(lock: Path) -> str:
        return fingerprint(PLACE, TORCH, lock)

    lock = DEV_LOCK if dev else MAIN_LOCK
    return [
        Step("main-python", "Main environment", environments.create_main, lambda: fingerprint(PLACE), ("machine",),
             made=python_of(MAIN_ENV).exists),
        Step("main-torch", "Main environment: PyTorch", environments.install_torch, lambda: fingerprint(PLACE, TORCH),
             ("main-python",), made=partial(_installed, MAIN_ENV, "torch")),
        Step("main-packages", "Main environment: packages", partial(environments.install_main, lock=lock),
             lambda: state_with(lock), ("main-torch",), made=(MAIN_ENV / "bin" / "teller").exists,
             # The tests' environment holds everything that the product needs.
             accepts=lambda: (state_with(DEV_LOCK),)),
    ]  # fmt: skip


def _bot_environment() -> list[Step]:
    return [
        Step("bot-python", "Bot environment (Python 3.10)", environments.create_bot, lambda: fingerprint(PLACE),
             ("machine",), made=python_of(BOT_ENV).exists),
        Step("bot-packages", "Bot environment: packages", environments.install_bot,
             lambda: fingerprint(PLACE, BOT_LOCK), ("bot-python",), made=partial(_installed, BOT_ENV, "rasa")),
    ]  # fmt: skip


def _installed(environment: Path, package: str) -> bool:
    return any((environment / "lib").glob(f"python3.*/site-packages/{package}/__init__.py"))


def _web() -> list[Step]:
    def packages() -> str:
        return fingerprint(PLACE, WEB / "package.json", WEB / "package-lock.json")

    def sources() -> str:
        return fingerprint(WEB, without=("node_modules", "dist", "tests", "fake", "shots", "test-results"))

    return [
        Step("web-packages", "Web pages: packages", environments.install_web, packages, ("machine",),
             made=(WEB / "node_modules").is_dir),
        Step("web-build", "Web pages: build", environments.build_web, sources, ("web-packages",),
             made=(WEB / "dist" / "index.html").is_file),
    ]  # fmt: skip


def model_steps() -> list[Step]:
    """The embedding model and the bot's model. Both live in the data folder, and so do their stamps."""
    folder = data_dir()
    return [
        Step("model", "Embedding model: unpack", partial(_data_command, "unpack"), lambda: fingerprint(*MODEL_SOURCES),
             ("main-packages",), made=_has_embedding_model,
             stamped_in=folder / "setup"),
        Step("bot-model", "Bot: train", partial(_data_command, "train"), bot_fingerprint, ("model", "bot-packages"),
             made=(folder / "models" / "bot" / "current.json").is_file, stamped_in=folder / "setup"),
    ]  # fmt: skip


def voice_step() -> Step:
    """Kokoro's voices. Looks every time, at once where they are there; without them espeak-ng speaks, or nobody."""
    return Step("voice", "Voices: fetch", _fetch_voices, after=("main-python",))


def _fetch_voices(output: StepOutput) -> None:
    folder = data_dir() / "models" / "kokoro"
    if (folder / "symbols.json").is_file():
        return
    if not output.command([python_of(MAIN_ENV), "-m", "voice.synthesis.download", folder], may_fail=True):
        output.say("not fetched; espeak-ng speaks instead, where it is installed. The next set-up tries again.")


def database_steps() -> list[Step]:
    """The database's tables and the shipped articles. The first looks every time; an empty database gets the second."""
    folder = data_dir()
    return [
        Step("tables", "Database: tables", partial(_data_command, "migrate"), after=("main-packages",)),
        Step("articles", "Knowledge base: articles and index", partial(_data_command, "articles"),
             lambda: fingerprint(_embedding(), PROJECT / "kb", without=("tests",)), ("tables", "model"),
             made=(folder / "kb" / "current").exists, stamped_in=folder / "setup"),
    ]  # fmt: skip


def is_running() -> bool:
    """Whether Teller runs on this data folder: its database is then left alone."""
    try:
        return Path(f"/proc/{int((data_dir() / 'run' / 'supervisord.pid').read_text())}").exists()
    except (FileNotFoundError, ValueError):
        return False


def bot_fingerprint() -> str:
    """The state of all that the bot's model is trained from."""
    without = ("held_out", "actions", "channels", ".venv", "tests", "README.md", ".rasa", "models")
    return fingerprint(_embedding(), *BOT_SOURCES, *MODEL_SOURCES, without=without)


def _embedding() -> str:
    return f"{setting('TELLER_EMBEDDING_MODEL')} {setting('TELLER_EMBEDDING_PREFIX')}"


def _has_embedding_model() -> bool:
    own = setting("TELLER_EMBEDDING_MODEL")
    return bool(own) or (data_dir() / "models" / "e5-small-zh" / "config.json").is_file()


def _data_command(name: str, output: StepOutput) -> None:
    output.command([python_of(MAIN_ENV), "-m", "app.setup.data", name])


def mark_done(name: str) -> None:
    """Note that the step `name` has been done by other means, with its inputs as they are now."""
    step = _step(name)
    stamps = Stamps(STAMPS)
    stamps.begin(step)
    stamps.end(step, step.fingerprint() if step.fingerprint else None)


def forget_done(name: str) -> None:
    """Let the step `name` run again."""
    Stamps(STAMPS).forget(_step(name))


def _step(name: str) -> Step:
    (step,) = select([*built_steps(dev=False), *database_steps()], [name])
    return step


def select(steps: Sequence[Step], names: Sequence[str]) -> list[Step]:
    """The steps of the given names, in the plan's order."""
    return [step for step in steps if step.name in names]
