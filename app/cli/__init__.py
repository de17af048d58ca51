"""The command `teller`. Stable for people and for automation: docs/command_line.md lists what each command prints."""

from app.cli.errors import run


def main() -> int:
    """Run the command line; gives the exit code."""
    return run()
