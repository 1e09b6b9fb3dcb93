"""The command line of analysts: commands of `leaderboard` itself. What they need is imported when one runs."""

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from analysis.wishes import Format, InvalidWish, Wishes, parse_offsets, parse_time
from leaderboard.terminal import console, fail, fail_setting, server_settings
from shared.incarnation import LogNotCreated
from shared.log import LogUnavailable
from shared.settings import NamingSettings, PostgresSettings

NEEDED = ("duckdb", "matplotlib", "pyarrow")
LAST = "last"
WIDEST = 1_000
"""Characters."""

analysis_app = typer.Typer()


@analysis_app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False, help="Where the files go")],
    form: Annotated[Format, typer.Option("--format", help="Of the files")] = "parquet",
    since: Annotated[
        str | None, typer.Option(metavar="TIME|last", help="By the fold's clock; or: go on where the last one ended")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="By the fold's clock, not included")] = None,
    offsets: Annotated[
        list[str] | None, typer.Option(metavar="PARTITION:FROM-UNTIL", help="Only of these partitions; repeatable")
    ] = None,
    boards: Annotated[list[str] | None, typer.Option("--board", help="Only what concerns it; repeatable")] = None,
    players: Annotated[list[str] | None, typer.Option("--player", help="Only theirs; repeatable")] = None,
    kinds: Annotated[list[str] | None, typer.Option("--type", help="Such as ScoreSubmitted; repeatable")] = None,
    profiles: Annotated[bool, typer.Option("--profiles", help="Names and attributes of players, too")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as records come, until Ctrl-C")] = False,
    every: Annotated[float, typer.Option(min=0.1, max=86_400, help="Seconds between two looks while following")] = 30.0,
    processes: Annotated[int, typer.Option(min=1, max=64, help="That export at once, each a partition at a time")] = 2,
) -> None:
    """Export the log to Parquet, NDJSON or CSV, a folder a day: for DuckDB, pandas, Spark, or `leaderboard import`.

    Whatever breaks it off, the same command goes on. `--since last` adds what has come since; docs/analysts.md
    describes the columns. Names of players are not in it, unless they are asked for. Needs about 150 MB a process.
    """
    from leaderboard.counting import counted
    from leaderboard.crew import WorkerFailed

    _require_packages()
    from analysis.bookmark import NotExported
    from analysis.exporting import Manner, run

    kafka, naming = server_settings()[0], server_settings()[3]
    try:
        wishes = Wishes(
            form=form,
            profiles=profiles,
            since=None if since in (None, LAST) else parse_time(since or ""),
            until=None if until is None else parse_time(until),
            offsets=parse_offsets(offsets or ()),
            boards=tuple(boards or ()),
            players=tuple(players or ()),
            kinds=tuple(kinds or ()),
        )
        wishes.check()
        manner = Manner(since_last=since == LAST, processes=processes, follow=follow, every=every)
        with counted(console, "exporting") as progress:
            asyncio.run(run(kafka, naming, folder, wishes, manner, progress, lambda line: console.print(line)))
    except (NotExported, InvalidWish, WorkerFailed, LogUnavailable, LogNotCreated, OSError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(0 if follow else 130) from None


def _list_questions(wanted: bool) -> None:
    from analysis.questions import questions, title_of

    if wanted:
        for name, text in questions().items():
            typer.echo(f"{name:22}{title_of(text)}")
        raise typer.Exit


@analysis_app.command()
def sql(
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False, help="What `export` wrote, as Parquet")],
    query: Annotated[str | None, typer.Argument(help="Otherwise: what is typed, or comes on standard input")] = None,
    question: Annotated[str | None, typer.Option("--question", "-q", help="A ready one instead, by its name")] = None,
    _: Annotated[
        bool, typer.Option("--list", is_eager=True, callback=_list_questions, help="Show the ready questions")
    ] = False,
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="The views as they were, by the fold's clock")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, all rows")] = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write .parquet, .csv or .json instead")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw a .png or .svg instead")] = None,
) -> None:
    """Ask an exported log in SQL (DuckDB): views events, sessions, entries, rank_history and more (docs/analysts.md).

    A query that names tables.NAME gets that table of the running system, too, from LEADERBOARD_POSTGRES. A plot has the
    first column across, and a line or bars for each other column of numbers, or for each value of the second column.
    """
    _require_packages()
    from analysis.asking import Asking, NotAsked, converse, typed
    from analysis.database import NoExport, open_database
    from analysis.plotting import Unplottable
    from analysis.questions import questions, title_of
    from analysis.tables import NoTable, Tables

    known = questions()
    if question is not None and (question not in known or query is not None):
        fail(f"--question: one of {', '.join(known)} is expected, and no query beside it")
    asked = known[question] if question is not None else query
    if asked is None and (out or plot):
        fail("--out and --plot need a query")
    try:
        database = open_database(folder, None if as_of is None else parse_time(as_of))
        asking = Asking(database, Tables(_table_settings, database), _answers(), as_csv=as_csv)
        if asked is None:
            with typed(Path(typer.get_app_dir("leaderboard")) / "sql_history") as lines:
                converse(asking, lines, console)
        elif plot is not None:
            asking.plot(asked, title_of(asked) if question else "", plot)
        elif out is not None:
            asking.write(asked, out)
        else:
            asking.show(asked)
    except (NoExport, NotAsked, Unplottable, NoTable, InvalidWish, OSError) as error:
        fail(str(error))


def _answers() -> Console:
    """Where tables go: as wide as they are, where no terminal says otherwise."""
    shown = Console(highlight=False)
    return shown if shown.is_terminal else Console(highlight=False, width=WIDEST)


def _table_settings() -> tuple[PostgresSettings, NamingSettings]:
    try:
        return PostgresSettings(), NamingSettings()
    except ValidationError as error:
        fail_setting(error)


def _require_packages() -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        fail(f"{', '.join(missing)} is needed and not installed: pip install '.[analysis]' in the checkout")
