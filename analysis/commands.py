"""The command line of analysts: commands of `leaderboard` itself. What they need is imported when one runs."""

import asyncio
import gc
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from analysis.printing import Format as Printed
from analysis.wishes import Format, InvalidWish, Wishes, parse_offsets, parse_time
from leaderboard.terminal import checked_settings, console, fail
from shared.incarnation import LogNotCreated
from shared.log import LogUnavailable
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings

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

    kafka, naming = _log_settings()
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


@analysis_app.command()
def replay(
    as_of: Annotated[
        str | None, typer.Option(metavar="WHEN", help="An instant (2026-11-01T00:00Z) or a position; the end if none")
    ] = None,
    boards: Annotated[list[str] | None, typer.Option("--board", help="Which; may be repeated; all if none")] = None,
    season: Annotated[
        str | None, typer.Option(help="Which, or all-seasons; the one that WHEN falls in if none")
    ] = None,
    top: Annotated[int, typer.Option(min=0, max=1_000_000, help="Rows, or moves, of each season")] = 10,
    players: Annotated[list[str] | None, typer.Option("--player", help="Whose rows, too; may be repeated")] = None,
    digests: Annotated[bool, typer.Option("--digests", help="A digest of each season instead of its rows")] = False,
    what_if: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Boards as `boards apply` takes them, and exclude_players"),
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", exists=True, file_okay=False, help="An exported log, not the live one")
    ] = None,
    output: Annotated[Printed, typer.Option("--format", help="Of what is printed")] = "table",
) -> None:
    """Boards as they were at any instant or position: the log is folded up to there, and nothing else is touched.

    As of an instant is all that each partition had by then. With --what-if the log is folded under other rules as well,
    and what is printed is who would stand elsewhere, how far, and why. Needs the memory for the largest partition
    (some 1 KB a submission in it) and for the rows that are asked for (0.4 KB each).
    """
    from analysis.replaying import Asked, NotReplayed
    from analysis.telling import replayed, supposed
    from leaderboard.boards import InvalidFile
    from projector.continuity import LogDamaged
    from shared.fold.unfoldable import Unfoldable

    if source is not None:
        _require_packages()
    gc.disable()  # what is folded has no cycles, and looking for them among millions of rows takes half of the time
    settings = None if source is not None else _log_settings()
    wishes = Asked(tuple(boards or ()), season, top, tuple(players or ()))
    try:
        if what_if is not None:
            asyncio.run(supposed(source, settings, as_of, wishes, what_if.read_text(encoding="utf-8"), output, console))
        else:
            asyncio.run(replayed(source, settings, as_of, wishes, digests, output, console))
    except (NotReplayed, InvalidFile, Unfoldable, LogDamaged, LogUnavailable, LogNotCreated, OSError) as error:
        fail(str(error))


@analysis_app.command("import")
def import_history(
    source: Annotated[
        Path, typer.Argument(exists=True, metavar="FILE", help=".csv, .ndjson, .parquet, or a folder with an export")
    ],
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Such as score=points; may be repeated")
    ] = None,
    game_mode: Annotated[str, typer.Option(help="Of rows that name none")] = "classic",
    boards: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Boards to define, as `boards apply` takes them")
    ] = None,
    time_zone: Annotated[str | None, typer.Option(help="Of times without an offset, such as Europe/Berlin")] = None,
    seconds: Annotated[bool, typer.Option("--seconds", help="Times that are numbers are seconds, not ms")] = False,
    bad_rows: Annotated[int, typer.Option(min=0, help="Left out, and listed, at most; more: nothing is done")] = 100,
    positions: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Of an export: write here where old offsets are now, as CSV")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and judge all rows, write nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Put a history of scores into a new log, each at its own time; or an exported log, record by record.

    Shows first which column is taken for what. The log has to be new, and no projector may run on it: nothing is
    written where the log holds anything else. Killed half way, the same command goes on where it was, and run again
    it does nothing. Afterwards start the system: it folds the log, and closes the seasons that are over.
    """
    _require_packages()
    from analysis.histories import TooManyBad
    from analysis.importing import NotImported, Target
    from analysis.mapping import InvalidMapping
    from analysis.replaying import NotReplayed
    from analysis.tabular import UnreadableFile
    from analysis.taking import Manner, bad_table, take_export, take_rows
    from leaderboard.boards import InvalidFile
    from projector.continuity import LogDamaged

    manner = Manner(columns or [], game_mode, time_zone, seconds, bad_rows, dry_run, yes)
    target = Target(*_log_settings(), _table_settings()[0])
    try:
        if source.is_dir():
            take_export(source, target, manner, positions, console)
        else:
            defined = boards.read_text(encoding="utf-8") if boards is not None else None
            take_rows(source, target, manner, defined, console)
    except TooManyBad as error:
        console.print(bad_table(error.bad))
        fail(str(error))
    except (InvalidMapping, UnreadableFile, InvalidFile, NotReplayed, NotImported, LogDamaged) as error:
        fail(str(error))
    except (LogUnavailable, LogNotCreated, OSError) as error:
        fail(f"{error}; the same command goes on where this one was")


def _log_settings() -> tuple[KafkaSettings, NamingSettings]:
    with checked_settings():
        return KafkaSettings(), NamingSettings()


def _answers() -> Console:
    """Where tables go: as wide as they are, where no terminal says otherwise."""
    shown = Console(highlight=False)
    return shown if shown.is_terminal else Console(highlight=False, width=WIDEST)


def _table_settings() -> tuple[PostgresSettings, NamingSettings]:
    with checked_settings():
        return PostgresSettings(), NamingSettings()


def _require_packages() -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        fail(f"{', '.join(missing)} is needed and not installed: pip install '.[analysis]' in the checkout")
