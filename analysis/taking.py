"""`leaderboard import` for people: what is taken for what, what is wrong, how far it is, what came of it."""

import asyncio
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.histories import Exported, Moved, Rows, exported_history, read_history
from analysis.importing import Imported, NotImported, Source, Target, import_all
from analysis.mapping import BAGS, NAMES, Bad, InvalidMapping, Rules, map_columns
from analysis.replaying import instant
from analysis.staging import staged
from analysis.tabular import look
from leaderboard.boards import read_boards
from leaderboard.counting import counted
from shared.boards import DEFAULT_BOARDS, Board
from shared.clock import now

LISTED = 20
"""Bad rows that are listed."""


class Manner(NamedTuple):
    """What is asked for."""

    columns: Sequence[str]
    game_mode: str
    time_zone: str | None
    seconds: bool
    bad_rows: int
    dry_run: bool
    yes: bool


def take_rows(file: Path, target: Target, manner: Manner, boards: str | None, console: Console) -> None:
    """Import a file of scores. Raises InvalidMapping, UnreadableFile, InvalidFile, TooManyBad, and as `import_all`."""
    there = look(file)
    rules = Rules(map_columns(there, manner.columns), manner.game_mode, _zone(manner.time_zone), manner.seconds)
    console.print(mapping_table(rules, there))
    defined = read_boards(boards) if boards is not None else []
    with staged() as staging:
        rows = Rows(target.kafka.kafka_partitions, [*_defaults(defined), *defined], staging)
        with counted(console, "reading") as count:
            read_history(rows, file, rules, now(), manner.bad_rows, count)
        if rows.bad:
            console.print(bad_table(rows.bad))
        console.print(_summary(rows))
        if not rows.good:
            raise NotImported("there is nothing to import")
        _import(target, rows, manner, console)


def take_export(folder: Path, target: Target, manner: Manner, positions: Path | None, console: Console) -> None:
    """Import an exported log. Raises NotReplayed and what importing raises."""
    history = exported_history(folder)
    total = sum(history.log.end.offsets.values())
    named = f"{history.called:,} records of profiles" if history.called else "no profiles: players go by their ids"
    console.print(f"log {history.log.end.incarnation}: {total:,} events in {history.partitions} partitions, {named}")
    done = _import(target, history, manner, console)
    if done is not None and positions is not None:
        _write_positions(history, done, positions)
        console.print(f"{positions}: where every record of the old log is in the new one")


def mapping_table(rules: Rules, there: Mapping[str, Any]) -> Table:
    """Which column is taken for what, with a value, and which for nothing."""
    table = Table("field", "column", "such as", title="What is taken for what")
    for field in (*NAMES, *(each for each in rules.columns if each.startswith(BAGS))):
        column = rules.columns.get(field)
        table.add_row(field, column or f"[dim]{_without(field, rules)}[/dim]", escape(_shown(there, column)))
    for column in sorted(there.keys() - set(rules.columns.values())):
        table.add_row("[dim]not imported[/dim]", column, escape(_shown(there, column)))
    return table


def bad_table(bad: Sequence[Bad]) -> Table:
    """Rows that are left out."""
    table = Table("line", "field", "found", "expected", title=f"{len(bad):,} rows are no scores")
    for each in bad[:LISTED]:
        table.add_row(str(each.line), *map(escape, each[1:]))
    if len(bad) > LISTED:
        table.add_row("…", "", "", f"and {len(bad) - LISTED:,} more")
    return table


def _import(target: Target, source: Source, manner: Manner, console: Console) -> Imported | None:
    """Ask, then do it."""
    if manner.dry_run:
        console.print("dry run: nothing was written")
        return None
    if not manner.yes:
        typer.confirm(f"Write it to the new log {target.name('events')}?", abort=True)
    with counted(console, "importing") as count:
        done = asyncio.run(import_all(target, source, lambda line: console.print(line), count))
    before = f", {done.there:,} were there" if done.there else ""
    typer.echo(f"{done.appended:,} records imported{before}: log {done.incarnation}. Start the system, then verify")
    return done


def _write_positions(history: Exported, done: Imported, file: Path) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(Moved._fields)
        writer.writerows(history.positions(done.incarnation))


def _summary(rows: Rows) -> str:
    span = f", {instant(rows.staging.first)} to {instant(rows.staging.last)}" if rows.staging.first is not None else ""
    named = sum(map(len, rows.profiles.values()))
    return f"{rows.good:,} rows of {rows.players:,} players ({named:,} with a name){span}"


def _defaults(defined: Sequence[Board]) -> list[Board]:
    names = {board.board_id for board in defined}
    return [board for board in DEFAULT_BOARDS if board.board_id not in names]


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name is not None else None
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidMapping(f"--time-zone {name}: an IANA time zone such as Europe/Berlin is expected") from error


def _without(field: str, rules: Rules) -> str:
    missing = {"game_mode": rules.game_mode, "id": "the number of the row", "score": "rows register players only"}
    return missing.get(field, "none")


def _shown(there: Mapping[str, Any], column: str | None) -> str:
    text = str(there[column]) if column is not None and there.get(column) is not None else ""
    return text if len(text) <= 40 else f"{text[:40]}…"
