"""More boards that one submission feeds."""

import asyncio
import time

from bench.errors import BenchFailed
from bench.loading import MODE, NAME
from bench.system import System
from leaderboard.applying import BoardsFailed, fetch_boards
from leaderboard.creating import define_boards
from shared.appender import open_appender
from shared.boards import Board
from shared.catalogue import MOST_FED

KINDS: tuple[dict[str, str], ...] = (
    {"operator": "sum", "reset": "daily"},
    {"operator": "best", "reset": "never"},
    {"operator": "latest", "reset": "weekly"},
    {"operator": "count", "reset": "monthly"},
)
KNOWN_WITHIN = 30.0
LOOK_EVERY = 0.1


class NotDefined(BenchFailed):
    """The boards are not there."""


def more_boards(boards: int) -> list[Board]:
    """What there has to be beside `classic`, so that a submission feeds so many. Raises NotDefined."""
    if boards > MOST_FED:
        raise NotDefined(f"a submission feeds at most {MOST_FED} boards, not {boards}")
    return [_board(number) for number in range(1, boards)]


async def define(system: System, boards: int) -> None:
    """Define what is missing, and wait until the front knows it. Raises NotDefined, LogUnavailable.

    The projector is not asked: a submission names the catalogue that it was decided by, and waits for it there.
    """
    wanted = more_boards(boards)
    async with open_appender(system.kafka, system.naming, NAME) as appender:
        await define_boards(system.kafka, system.naming, appender, wanted)
    missing, until = {each.board_id for each in wanted}, time.monotonic() + KNOWN_WITHIN
    while missing:
        try:
            missing -= {each.board_id for each in await fetch_boards(system.url)}
        except BoardsFailed as error:
            raise NotDefined(str(error)) from error
        if missing and time.monotonic() > until:
            raise NotDefined(f"after {KNOWN_WITHIN:.0f} s the front does not know {', '.join(sorted(missing))}")
        await asyncio.sleep(LOOK_EVERY)


def _board(number: int) -> Board:
    kind = {"title": f"Bench {number}", "order": "desc", **KINDS[(number - 1) % len(KINDS)]}
    return Board.model_validate({"board_id": f"{NAME}-{number}", "game_modes": [MODE], **kind})
