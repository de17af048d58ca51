"""Errors of the command line: one clear line on standard error, a problem object with `--json`, and the exit code.

Exit codes: 0 well, 1 failed, 2 wrong use, 3 Teller is not running, 130 interrupted.
"""

import json
import os
import sys
import traceback
from typing import Any

FAILED, WRONG_USE, NOT_RUNNING, INTERRUPTED = 1, 2, 3, 130


class CommandFailed(Exception):
    """A command could not do what was asked: `code` for programs, `detail` for people, and the exit code."""

    def __init__(self, detail: str, *, code: str = "failed", exit_code: int = FAILED, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.exit_code = exit_code
        self.extra = extra


class NotRunning(CommandFailed):
    """The command needs the running product."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"Teller is not running (nothing answers at {url}); start it with `make up` or `teller up`",
            code="not_running", exit_code=NOT_RUNNING,
        )  # fmt: skip


def run(arguments: list[str] | None = None) -> int:
    """Parse and run one command; every error becomes one clear line (TELLER_DEBUG=1 shows its traceback too)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return _run(arguments)
    except (KeyboardInterrupt, EOFError):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has enough (`| head`); there is nobody left to tell, at the interpreter's end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("TELLER_DEBUG") == "1":
            traceback.print_exc()
        exit_code, problem = describe(error)
        tell(problem, "--json" in arguments)
        return exit_code


def _run(arguments: list[str]) -> int:
    from app.cli.commands import build

    result = build()(arguments, prog_name="teller", standalone_mode=False)
    return result if isinstance(result, int) else 0


def describe(error: Exception) -> tuple[int, dict[str, Any]]:
    """The exit code and the problem object for `error`."""
    if isinstance(error, CommandFailed):
        return error.exit_code, {"code": error.code, "detail": error.detail, **error.extra}
    return _of_libraries(error) or _of_the_system(error)


def _of_libraries(error: Exception) -> tuple[int, dict[str, Any]] | None:
    """Errors of libraries and rooms; looked up among what is loaded, so that none is loaded for a wrong option."""
    if hasattr(error, "exit_code") and hasattr(error, "format_message"):  # wrong use, as Typer sees it
        return WRONG_USE, {"code": "wrong_use", "detail": error.format_message()}
    problems = sys.modules.get("core.problems")
    if problems and isinstance(error, problems.Problem):
        detail = error.detail or error.title
        return FAILED, {"code": error.code, "detail": detail, **error.extra}
    database_errors = sys.modules.get("sqlalchemy.exc")
    if database_errors and isinstance(error, database_errors.DBAPIError):
        cause = str(error.orig).splitlines()[0]
        return FAILED, {
            "code": "database_error",
            "detail": f"the database cannot be used: {cause}; see `teller doctor`",
        }
    settings_error = sys.modules.get("pydantic_core")
    if settings_error and isinstance(error, settings_error.ValidationError):
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        return FAILED, {"code": "invalid_settings", "detail": f"{error.title}: {wrong}"}
    return None


def _of_the_system(error: Exception) -> tuple[int, dict[str, Any]]:
    if isinstance(error, OSError) and error.filename:
        return FAILED, {"code": "file_error", "detail": f"{error.filename}: {error.strerror}"}
    if isinstance(error, UnicodeDecodeError):
        return FAILED, {"code": "invalid_input", "detail": "the file is not UTF-8 text"}
    hint = "TELLER_DEBUG=1 shows where"
    return FAILED, {"code": "unexpected_error", "detail": f"{type(error).__name__}: {error} ({hint})"}


def tell(problem: dict[str, Any], as_json: bool) -> None:
    """Write a problem to standard error."""
    if as_json:
        print(json.dumps(problem, ensure_ascii=False, default=str), file=sys.stderr)
    else:
        print(f"teller: {problem['detail']}", file=sys.stderr)
