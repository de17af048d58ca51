"""What commands print: one JSON value with `--json`, tidy text otherwise. Standard output carries nothing else."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]


def emit(value: Any, as_json: bool, text: Callable[[Any], None]) -> None:
    """Print `value` as JSON, or let `text` print it for people."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False, default=_plain), flush=True)
    else:
        text(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):  # a NumPy number
        return value.item()
    return str(value)


@contextmanager
def quiet_standard_output() -> Iterator[None]:
    """While a room works, whatever it prints goes to standard error."""
    real, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout = real


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> None:
    """Print rows under their column names; the columns in `right` are aligned to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console(highlight=False, markup=False, emoji=False).print(table)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print names and values, one a line; nested values are indented below their name."""
    for line in _fact_lines(facts, ""):
        print(line)


def _fact_lines(facts: Mapping[str, Any], indent: str) -> Iterator[str]:
    width = max((len(str(key)) for key, value in facts.items() if not isinstance(value, Mapping)), default=0)
    for key, value in facts.items():
        if isinstance(value, Mapping):
            yield f"{indent}{key}"
            yield from _fact_lines(value, indent + "  ")
        else:
            yield f"{indent}{key!s:<{width}}  {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) if value else "–"
    return "–" if value is None else str(value)
