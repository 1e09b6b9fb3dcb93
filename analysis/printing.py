"""Rows on standard output: as a table to look at, as NDJSON or as CSV."""

import csv
import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Literal, Protocol, TypeAlias

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

WIDTH = 160
"""Characters of a table that goes into a file."""

Format: TypeAlias = Literal["table", "ndjson", "csv"]


class Printed(Protocol):
    """A named tuple."""

    @property
    def _fields(self) -> tuple[str, ...]: ...

    def _asdict(self) -> dict[str, Any]: ...


def print_rows(rows: Iterable[Printed], format: Format) -> None:
    """All of them; the first names the columns."""
    iterator = iter(rows)
    first = next(iterator, None)
    if first is None:
        return
    every = chain([first], iterator)
    if format == "ndjson":
        for row in every:
            sys.stdout.buffer.write(orjson.dumps(row._asdict(), option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()
    elif format == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(first._fields)
        writer.writerows(row._asdict().values() for row in every)
    else:
        console = Console(highlight=False)
        console.width = console.width if console.is_terminal else WIDTH
        console.print(_table(first._fields, [list(row._asdict().values()) for row in every]))


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    table = Table()
    for number, name in enumerate(columns):
        numeric = all(isinstance(row[number], int | None) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else escape(str(value))
