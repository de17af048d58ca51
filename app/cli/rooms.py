"""Call the functions of the rooms from commands: settings, quiet logs, nothing on standard output."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.errors import CommandFailed
from app.cli.output import quiet_standard_output
from app.setup.places import PROJECT

if TYPE_CHECKING:
    from core.settings import Settings

# Resolved at once: commands then work from the project's folder, where `.env` is.
InputFile = Annotated[Path, typer.Argument(resolve_path=True, help="The file to read.")]
OutputFile = Annotated[Path, typer.Argument(resolve_path=True, help="The file to write.")]
ErrorsFile = Annotated[
    Path | None, typer.Option("--errors", resolve_path=True, help="Write the failures to this file.")
]


def load_settings() -> "Settings":
    """The settings of this installation, from the environment and the project's `.env`."""
    from core.settings import get_settings

    os.chdir(PROJECT)
    return get_settings()


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a room's function with the settings and `arguments`; what it logs and prints goes to standard error."""
    import app.tables  # noqa: F401 (a room's tables refer to those of others)

    settings = load_settings()
    with quiet_standard_output():
        log_warnings_to_standard_error()
        return function(settings, *arguments)


def log_warnings_to_standard_error() -> None:
    import sys

    import structlog

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


def readable(path: Path, folder: bool = False) -> Path:
    """`path` when it is a file (or, if allowed, a folder) that can be read; else CommandFailed in one line."""
    if not path.exists():
        raise CommandFailed(f"{path}: no such file", code="no_such_file")
    if path.is_dir() and not folder:
        raise CommandFailed(f"{path}: is a folder, a file is needed", code="no_such_file")
    if not os.access(path, os.R_OK):
        raise CommandFailed(f"{path}: cannot be read", code="no_such_file")
    return path


def writable(path: Path) -> Path:
    """`path` when a file can be written there; else CommandFailed in one line."""
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise CommandFailed(f"{path}: cannot be written there", code="cannot_write")
    return path
