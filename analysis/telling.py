"""What `leaderboard replay` prints: rows, digests, or who would stand elsewhere."""

from pathlib import Path

from rich.console import Console

from analysis.log import Log, open_live
from analysis.printing import Format, print_rows
from analysis.replaying import (
    EVERY_SEASON,
    Asked,
    check_boards,
    digests,
    instant,
    parse_as_of,
    position_at,
    replay,
    rows,
)
from analysis.supposing import Move, Summary, fold_both, furthest, read_supposition, suppose
from leaderboard.counting import counted
from shared.positions import Position
from shared.seasons import season_at
from shared.settings import KafkaSettings, NamingSettings

FOLDING = "folding"
Settings = tuple[KafkaSettings, NamingSettings]


async def replayed(
    source: Path | None,
    settings: Settings | None,
    as_of: str | None,
    wishes: Asked,
    digests_only: bool,
    output: Format,
    console: Console,
) -> None:
    """Print rows or digests of boards as they were. Raises NotReplayed and what folding raises."""
    log = await open_log(source, settings)
    check_boards(log.catalogue, wishes.boards)
    wanted = parse_as_of(as_of) if as_of is not None else None
    position = await position_at(log, wanted)
    with counted(console, FOLDING) as count:
        found = await replay(log, position, wishes.boards, count)
    if isinstance(wanted, int):
        found = found._replace(clock=wanted)
    say(console, position, found.clock)
    partitions = len(log.end.offsets)
    if digests_only:
        every = wishes._replace(season=wishes.season or EVERY_SEASON)
        print_rows(digests(found, every, partitions), output)
    else:
        print_rows(rows(found, wishes), output)


async def supposed(
    source: Path | None,
    settings: Settings | None,
    as_of: str | None,
    wishes: Asked,
    rules: str,
    output: Format,
    console: Console,
) -> None:
    """Print who would stand elsewhere under other rules. Raises InvalidFile, NotReplayed and what folding raises."""
    supposition = read_supposition(rules)
    log = await open_log(source, settings)
    catalogue = suppose(log.catalogue, supposition.boards)
    check_boards(catalogue, wishes.boards)
    wanted = parse_as_of(as_of) if as_of is not None else None
    position = await position_at(log, wanted)
    with counted(console, FOLDING) as count:
        found = await fold_both(log, position, supposition, count)
    clock = wanted if isinstance(wanted, int) else found.clock
    say(console, position, clock)
    summaries, moves = list[Summary](), list[Move]()
    for board_id, season in found.seasons():
        board = catalogue.board(board_id)
        assert board is not None, board_id
        asked = wishes.season or season_at(board, clock).name
        if (wishes.boards and board_id not in wishes.boards) or asked not in (season, EVERY_SEASON):
            continue
        summary, moved = found.moves(board_id, season)
        summaries.append(summary)
        named = [each for each in moved if each.player_id in wishes.players]
        moves += {*furthest(moved, wishes.top), *named}
    shown = furthest(moves, len(moves))
    if output == "table":
        print_rows(summaries, output)
    print_rows(shown, output)


async def open_log(source: Path | None, settings: Settings | None) -> Log:
    """The log in Kafka, or an exported one. Raises NotReplayed, LogUnavailable, LogNotCreated."""
    if source is not None:
        from analysis.exported import open_exported

        return open_exported(source)
    assert settings is not None
    return await open_live(*settings)


def say(console: Console, position: Position, clock: int) -> None:
    """Which position it is, so that it can be asked for again."""
    console.print(f"as of {instant(clock)}: position {position}", soft_wrap=True)
