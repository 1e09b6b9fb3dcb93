"""The command line of analysts: commands of `leaderboard` itself. What they need is imported when one runs."""

import asyncio
import gc
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from analysis.printing import Format
from leaderboard.terminal import console, fail, fail_setting
from shared.incarnation import LogNotCreated
from shared.log import LogUnavailable
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings

analysis_app = typer.Typer()

Output = Annotated[Format, typer.Option("--format", help="Of what is printed")]


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
    output: Output = "table",
) -> None:
    """Boards as they were at any instant or position: the log is folded up to there, and nothing else is touched.

    As of an instant is all that each partition had by then. With --what-if the log is folded under other rules as well,
    and what is printed is who would stand elsewhere, how far, and why. Needs the memory for the largest partition
    (some 1 KB a submission in it) and for the rows that are asked for (0.4 KB each).
    """
    from analysis.replaying import NotReplayed, Wishes
    from analysis.telling import replayed, supposed
    from leaderboard.boards import InvalidFile
    from projector.continuity import LogDamaged
    from shared.fold.unfoldable import Unfoldable

    gc.disable()  # what is folded has no cycles, and looking for them among millions of rows takes half of the time
    settings = None if source is not None else _log_settings()
    wishes = Wishes(tuple(boards or ()), season, top, tuple(players or ()))
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
    from analysis.histories import TooManyBad
    from analysis.importing import NotImported, Target
    from analysis.mapping import InvalidMapping
    from analysis.replaying import NotReplayed
    from analysis.tabular import UnreadableFile
    from analysis.taking import Wishes, bad_table, take_export, take_rows
    from leaderboard.boards import InvalidFile
    from projector.continuity import LogDamaged

    wishes = Wishes(columns or [], game_mode, time_zone, seconds, bad_rows, dry_run, yes)
    target = Target(*_log_settings(), _postgres_settings())
    try:
        if source.is_dir():
            take_export(source, target, wishes, positions, console)
        else:
            defined = boards.read_text(encoding="utf-8") if boards is not None else None
            take_rows(source, target, wishes, defined, console)
    except TooManyBad as error:
        console.print(bad_table(error.bad))
        fail(str(error))
    except (InvalidMapping, UnreadableFile, InvalidFile, NotReplayed, NotImported, LogDamaged) as error:
        fail(str(error))
    except (LogUnavailable, LogNotCreated, OSError) as error:
        fail(f"{error}; the same command goes on where this one was")


def _log_settings() -> tuple[KafkaSettings, NamingSettings]:
    try:
        return KafkaSettings(), NamingSettings()
    except ValidationError as error:
        fail_setting(error)


def _postgres_settings() -> PostgresSettings:
    try:
        return PostgresSettings()
    except ValidationError as error:
        fail_setting(error)
