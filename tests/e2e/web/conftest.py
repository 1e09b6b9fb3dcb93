"""A running system with the built app, and boards to look at."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.test_boards import KEY, define, post
from tests.e2e.web.browsers import Chromium, chromium, running_chromium
from tests.servers import Servers
from tests.stack import System, running

LONG = "long"
"""A board with 1,200 players."""
PLAYERS = 1_200


@pytest.fixture(scope="package")
def system(servers: Servers, logs: Path) -> Iterator[System]:
    chromium()  # before anything is started for nothing
    with running(servers, logs, LEADERBOARD_ADMIN_KEY=KEY) as started:
        asyncio.run(fill(started))
        yield started


@pytest.fixture
async def browser(system: System) -> AsyncIterator[Chromium]:
    async with running_chromium(system.url("front")) as started:
        yield started


async def fill(system: System) -> None:
    """The long board, and a few players on the first ones."""
    await define(system, board_id=LONG, title="The long board", game_modes=[LONG])
    for first in range(0, PLAYERS, 1_000):
        scores = [
            {"user_id": f"player-{number:04}", "score": 1_000_000 - 500 * number, "game_mode": LONG}
            for number in range(first, min(first + 1_000, PLAYERS))
        ]
        status, answer = await post(system, "/api/v1/scores", {"scores": scores})
        assert status == 200, answer
    for number, called in enumerate(("Ada Lovelace", "Grace Hopper", "Radia Perlman", "Barbara Liskov", "Hedy Lamarr")):
        player = called.split()[0].lower()
        await post(system, f"/api/v1/players/{player}/profile", {"username": called}, "PUT")
        scores = [
            {"user_id": player, "score": 4_000 - 650 * number, "game_mode": "classic"},
            {"user_id": player, "score": 61_000 + 900 * number, "game_mode": "sprint"},
        ]
        status, answer = await post(system, "/api/v1/scores", {"scores": scores})
        assert status == 200, answer
