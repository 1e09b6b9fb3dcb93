"""DuckDB over an exported log: its records, and views of what they come to."""

import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from tempfile import gettempdir

import duckdb

TEXT = resources.files("analysis").joinpath("views.sql").read_text(encoding="utf-8")
DEFINED = re.compile(r"^create view (\w+) as\n(.*?);$", re.MULTILINE | re.DOTALL)
DEFINITIONS = {found[1]: found[2] for found in DEFINED.finditer(TEXT)}
NAMED = re.compile(r"\b(?:from|join) (\w+)")
VIEWS = ("events", "sessions", "entries", "rank_history", "steps", "players", "rulings", "boards", "board_revisions")
"""Those that are described; the others are what these are made of."""
MEMORY = "1GB"
"""What is more goes to a temporary folder; `set memory_limit` in SQL says otherwise."""
FILES = (
    "create view {topic}_files as from read_parquet('{files}', hive_partitioning = true, hive_types = {{'day': date}})"
)


class NoExport(Exception):
    """The folder holds no exported log that can be asked; the message says what to do."""


def open_database(folder: Path, as_of: int | None = None) -> duckdb.DuckDBPyConnection:
    """The views over the Parquet files in a folder, as of a clock in milliseconds. Raises NoExport."""
    for topic in ("events", "boards"):
        if not _has(folder, topic):
            raise NoExport(f"{folder} holds no {topic}/day=*/*.parquet: `leaderboard export {folder}` writes them")
    connection = duckdb.connect()
    connection.execute(f"set temp_directory = '{gettempdir()}'; set memory_limit = '{MEMORY}'")
    connection.execute("set timezone = 'UTC'; set autoinstall_known_extensions = false")
    for topic in ("events", "boards", "players"):
        if _has(folder, topic):
            files = str(folder.absolute() / topic / "day=*" / "*.parquet").replace("'", "''")
            connection.execute(FILES.format(topic=topic, files=files))
    for name in DEFINITIONS:
        connection.execute(f"create view {name} as {_whole(name)}")
    set_as_of(connection, as_of)
    return connection


def set_as_of(connection: duckdb.DuckDBPyConnection, as_of: int | None) -> None:
    """Let the views be as of a clock in milliseconds, that included; None: of all there is."""
    connection.execute(f"set variable as_of = {'null' if as_of is None else f'make_timestamptz({as_of * 1000})'}")


def _has(folder: Path, topic: str) -> bool:
    return next(folder.glob(f"{topic}/day=*/*.parquet"), None) is not None


def _whole(name: str) -> str:
    """A view with all that it is made of, each once: DuckDB would work views within views out again wherever named."""
    made_of = list(dict.fromkeys(_made_of(name)))
    parts = ", ".join(f"{each} as materialized ({DEFINITIONS[each]})" for each in made_of)
    return f"with {parts} from ({DEFINITIONS[name]})" if parts else DEFINITIONS[name]


def _made_of(name: str) -> Iterable[str]:
    for each in NAMED.findall(DEFINITIONS[name]):
        if each in DEFINITIONS:
            yield from _made_of(each)
            yield each
