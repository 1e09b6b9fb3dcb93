"""`leaderboard sql`: queries over an exported log, once or from a prompt, as a table, CSV, a file or a picture."""

import csv
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol, TextIO

import duckdb
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from analysis.database import VIEWS
from analysis.plotting import Result, plot
from analysis.questions import questions, title_of

SHOWN = 100
"""Rows that are printed as a table."""
PLOTTED = 100_000
AT_A_TIME = 10_000
PROMPT, GOES_ON = "sql> ", "...> "
HISTORY = 1_000
"""Lines that are kept."""
HELP = (
    f"views: {', '.join(VIEWS)}; `describe entries` says what is in one; tables.NAME is a table of the running system"
    "\n.questions lists the ready questions, .ask NAME asks one, .quit ends; a statement ends with a semicolon"
)


class NotAsked(Exception):
    """The query cannot be answered; the message says why."""


class Loads(Protocol):
    """Who provides what a query names besides the log."""

    def load(self, query: str) -> None: ...


class Asking:
    """A database that is asked, and where the answers go."""

    def __init__(self, database: duckdb.DuckDBPyConnection, tables: Loads, console: Console, *, as_csv: bool) -> None:
        self._database = database
        self._tables = tables
        self._console = console
        self._as_csv = as_csv

    def show(self, query: str) -> None:
        """Print what each statement gives. Raises NotAsked."""
        with _explained():
            for statement in duckdb.extract_statements(query):
                self._tables.load(statement.query)
                self._database.execute(statement)
                if self._database.description and statement.type in GIVING:
                    self._print()

    def write(self, query: str, path: Path) -> None:
        """Put what a query gives into a file. Raises NotAsked."""
        forms = {".csv": "format csv, header", ".parquet": "format parquet, compression zstd", ".json": "format json"}
        if path.suffix not in forms:
            raise NotAsked(f"--out {path}: a file that ends with {', '.join(forms)} is expected")
        with _explained():
            self._tables.load(query)
            into = str(path).replace("'", "''")
            self._database.execute(f"copy ({_one(query)}) to '{into}' ({forms[path.suffix]})")

    def plot(self, query: str, title: str, path: Path) -> None:
        """Draw what a query gives. Raises NotAsked, Unplottable."""
        with _explained():
            self._tables.load(query)
            self._database.execute(_one(query))
            rows = self._database.fetchmany(PLOTTED)
        plot(Result(self._columns(), rows), title, path)

    def _print(self) -> None:
        if not self._as_csv:
            self._console.print(_table(self._columns(), self._database.fetchmany(SHOWN + 1)))
            return
        out = csv.writer(sys.stdout, lineterminator="\n")
        out.writerow(self._columns())
        while rows := self._database.fetchmany(AT_A_TIME):
            out.writerows(rows)

    def _columns(self) -> list[str]:
        return [column[0] for column in self._database.description or ()]


GIVING = frozenset(
    {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.PRAGMA, duckdb.StatementType.CALL}
)
"""Statements that give rows to show; of others DuckDB says how many they concern."""


def converse(asking: Asking, lines: Iterable[str], console: Console) -> None:
    """Answer statement after statement; what cannot be answered is said, and the next one is read."""
    waiting = ""
    for line in lines:
        if not waiting and line.startswith("."):
            if line.strip() in (".quit", ".exit"):
                return
            _command(asking, line.split(), console)
            continue
        waiting += f"{line.rstrip()}\n"
        if line.rstrip().endswith(";"):
            _try(asking, waiting, console)
            waiting = ""
    if waiting.strip():
        _try(asking, waiting, console)


def _command(asking: Asking, words: list[str], console: Console) -> None:
    known = questions()
    match words:
        case [".questions"]:
            for name, sql in known.items():
                console.print(f"{name}: {title_of(sql)}", soft_wrap=True)
        case [".ask", name] if name in known:
            _try(asking, known[name], console)
        case _:
            console.print(HELP, soft_wrap=True)


def _try(asking: Asking, query: str, console: Console) -> None:
    try:
        asking.show(query)
    except NotAsked as error:
        console.print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)


@contextmanager
def typed(file: Path) -> Iterator[Iterator[str]]:
    """Lines that are typed at a prompt, remembered in a file; without a terminal, those of standard input."""
    if not sys.stdin.isatty():
        yield iter(sys.stdin)
        return
    import readline

    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists():
        readline.read_history_file(file)
    readline.set_history_length(HISTORY)
    try:
        yield _prompted(sys.stdout)
    finally:
        readline.write_history_file(file)


def _prompted(out: TextIO) -> Iterator[str]:
    ended = True
    while True:
        try:
            line = input(PROMPT if ended else GOES_ON)
        except EOFError:
            out.write("\n")
            return
        except KeyboardInterrupt:
            out.write("\n")
            continue
        yield line
        ended = line.rstrip().endswith(";") or line.startswith(".")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise NotAsked(str(error)) from error


def _one(query: str) -> str:
    """The only statement of a query, without its semicolon. Raises NotAsked."""
    statements = duckdb.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise NotAsked("--out and --plot need a query of one select")
    return statements[0].query.strip().rstrip(";")


def _table(names: list[str], rows: list[tuple[Any, ...]]) -> Table:
    more = f"the first {SHOWN} rows; --csv or --out gives all" if len(rows) > SHOWN else None
    first = rows[0] if rows else [""] * len(names)
    columns = [Column(Text(name), justify=_side(value)) for name, value in zip(names, first, strict=True)]
    table = Table(*columns, box=SIMPLE_HEAD, caption=more, caption_justify="left")
    for row in rows[:SHOWN]:
        table.add_row(*(Text(_said(value)) for value in row))
    return table


def _side(value: object) -> Literal["left", "right"]:
    return "right" if isinstance(value, int | float | Decimal) else "left"


def _said(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int():
            return f"{value:,}"
        case datetime():
            return value.astimezone(UTC).isoformat(" ", "milliseconds").removesuffix("+00:00")
        case _:
            return str(value)
