"""One history in a real Kafka, folded once, and compared with SQL at one instant after the other."""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.log import LiveLog, open_live
from analysis.replaying import Asked, Replayed, parse_as_of, replay, rows
from shared.boards import Board
from shared.fold.folding import Folding
from shared.fold.results import Results
from shared.fold.state import Entry
from shared.positions import Position
from shared.settings import KafkaSettings, NamingSettings
from tests.instants.history import BOARDS, records, write_export
from tests.instants.sql import Found, Tables
from tests.stack import System

TOP = 100
ASKED = 20
"""Players whose ranks are compared, besides."""
WHOLE = 5
"""Instants for which the log is folded anew, up to there."""


@dataclass
class Report:
    """What was compared, and what differs."""

    instants: int = 0
    rows: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return not self.differences

    def lines(self) -> list[str]:
        return [
            *self.differences[:20],
            f"{self.instants:,} instants, {self.rows:,} rows: {len(self.differences):,} differences",
        ]


async def checked(system: System, folder: Path, seed: int, events: int, instants: int) -> Report:
    """Import a history, and compare."""
    boards, log = records(seed, events)
    write_export(folder, "boards", boards)
    write_export(folder, "events", log)
    done = system.run("import", str(folder), "--yes", within=600)
    assert done.returncode == 0, done.stderr
    kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": system.environment["LEADERBOARD_KAFKA"]})
    live = await open_live(kafka, NamingSettings(prefix=system.prefix))
    return await compared(live, Tables(folder), random.Random(seed), instants)


async def compared(live: LiveLog, tables: Tables, chance: random.Random, instants: int) -> Report:
    """Compare at random instants, in order: what each record changed is taken in once."""
    report, results = Report(), Results()
    first, last = tables.span()
    changes, taken = await _changes(live), 0
    chosen = sorted(chance.randrange(first, last + 1) for _ in range(instants))
    for number, instant in enumerate(chosen):
        while taken < len(changes) and changes[taken].clock <= instant:
            results.put(changes[taken])
            taken += 1
        found = Replayed(Position("", {}), instant, live.catalogue, results)
        board = BOARDS[number % len(BOARDS)]
        wanted = tables.rows(board, instant)
        _compare(report, found, board, instant, wanted, chance)
        if number % max(1, instants // WHOLE) == 0:
            anew = await replay(live, await live.until(instant), (board.board_id,), lambda *_: None)
            _compare(report, anew._replace(clock=instant), board, instant, wanted, chance)
    return report


async def _changes(live: LiveLog) -> list[Entry]:
    """Every row that any record made, in the order of the clock."""
    changes: list[Entry] = []
    for partition, end in live.end.offsets.items():
        folding = Folding(live.catalogue)
        async for received in live.read(partition, end):
            for each in received:
                step = folding.take(each)
                changes += step.entries if step is not None else ()
    return sorted(changes, key=lambda each: each.clock)


def _compare(report: Report, found: Replayed, board: Board, instant: int, wanted: Found, chance: random.Random) -> None:
    asked = [each[1] for each in chance.sample(wanted, min(ASKED, len(wanted)))]
    expected = [each for number, each in enumerate(wanted) if number < TOP or each[1] in asked]
    given = [_row(each) for each in rows(found, Asked((board.board_id,), None, TOP, tuple(asked)))]
    report.instants += 1
    report.rows += len(expected)
    report.differences += [
        f"{board.board_id} as of {instant}: SQL says {sql}, replay {ours}"
        for sql, ours in zip(_filled(expected, given), _filled(given, expected), strict=True)
        if sql != ours
    ]


def _row(each: Any) -> tuple[int, str, int, int, int, int]:
    reached, updated = parse_as_of(each.reached_at), parse_as_of(each.updated_at)
    assert isinstance(reached, int)
    assert isinstance(updated, int)
    return each.rank, each.player_id, each.value, reached, each.games_played, updated


def _filled(rows: Found, other: Found) -> list[tuple[int, str, int, int, int, int] | None]:
    return [*rows, *[None] * max(0, len(other) - len(rows))]
