"""Questions by HTTP that need more than a board: ties, seasons that have passed, Redis away, bounds."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from shared.boards import Board
from shared.seasons import season_at
from tests.e2e.test_boards import KEY, define, play, post, ranks
from tests.e2e.test_thread import get, name
from tests.servers import Servers
from tests.stack import System, present, running


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path) -> Iterator[System]:
    with running(servers, logs, LEADERBOARD_ADMIN_KEY=KEY) as started:
        yield started


async def tied(system: System, **fields: Any) -> tuple[str, list[str], dict[str, str]]:
    """A board where the second and the third of four have the same score."""
    board, players = await define(system, **fields), [name() for _ in range(4)]
    at = await play(system, board, *zip(players, (40, 30, 30, 20), strict=True))
    return board, players, at


@pytest.mark.parametrize(("ties", "third", "wanted"), [("first_to_reach", 2, 3), ("shared", 3, 4), ("dense", 3, 3)])
async def test_a_jump_to_the_third_rank(system: System, ties: str, third: int, wanted: int) -> None:
    board, players, at = await tied(system, ties=ties)
    _, answer = await get(system, f"/api/v1/boards/{board}/entries?rank=3&limit=1", **at)
    assert ranks(answer) == [(wanted, players[third])]


async def test_friends_are_ranked_among_themselves(system: System) -> None:
    board, players, at = await tied(system, ties="shared")
    friends = [players[3], players[2], name(), players[1]]
    _, answer = await post(system, f"/api/v1/boards/{board}/entries/query", {"user_ids": friends}, **at)
    among = [(row["user_id"], row["rank"], row["rank_among"]) for row in answer["entries"]]
    assert among == [(players[1], 2, 1), (players[2], 2, 1), (players[3], 4, 3)]
    assert answer["not_found"] == [friends[2]]
    path = f"/api/v1/boards/{board}/view?user_id={friends[2]}&friends={','.join(friends)}"
    _, view = await get(system, path)
    assert (view["me"], view["around"], view["not_found"]) == (None, [], [friends[2]])
    assert view["friends"] == answer["entries"]


async def test_a_thousand_of_the_longest_ids_at_once(system: System) -> None:
    board, players, at = await tied(system)
    ids = [*(f"{number:064d}" for number in range(999)), players[0]]
    status, answer = await post(system, f"/api/v1/boards/{board}/entries/query", {"user_ids": ids}, **at)
    assert (status, ranks(answer), len(answer["not_found"])) == (200, [(1, players[0])], 999)
    status, _ = await post(system, f"/api/v1/boards/{board}/entries/query", {"user_ids": [*ids, "more"]})
    assert status == 422


async def test_a_players_ranks_on_boards_that_have_them(system: System) -> None:
    """The boards in whose present season nobody has played are not in Redis."""
    mode = f"m{name()[2:]}"
    boards = [await define(system, game_modes=[mode], reset=reset) for reset in ("never", "daily", "weekly")]
    other = await define(system)
    ann, bob = name(), name()
    at = await play(system, mode, (ann, 5), (bob, 7))
    _, answer = await get(system, f"/api/v1/players/{ann}/ranks?game_mode={mode}", **at)
    assert [(each["board_id"], each["entry"]["rank"]) for each in answer["ranks"]] == [(each, 2) for each in boards]
    assert all(each["entry"]["gap"] == 2 for each in answer["ranks"])
    _, answer = await get(system, f"/api/v1/players/{ann}/ranks", **at)
    assert other not in [each["board_id"] for each in answer["ranks"]]
    status, answer = await get(system, f"/api/v1/players/{name()}/ranks")
    assert (status, answer["ranks"]) == (200, [])
    status, problem = await get(system, f"/api/v1/players/{ann}/ranks?game_mode=no-such-mode")
    assert (status, problem["errors"][0]["field"]) == (422, "game_mode")


async def test_past_seasons_and_names_that_no_season_has(system: System) -> None:
    board, players, at = await tied(system, reset="daily", timezone="Europe/Berlin")
    _, answer = await get(system, f"/api/v1/boards/{board}", **at)
    definition = Board.model_validate(answer["definition"])
    _, entries = await get(system, f"/api/v1/boards/{board}/entries?limit=2", **at)
    assert entries["season"] == answer["season"]["season"]
    assert [row[1] for row in ranks(entries)] == players[:2]
    past = season_at(definition, 1_700_000_000_000).name
    _, empty = await get(system, f"/api/v1/boards/{board}/entries?season={past}")
    assert (empty["season"], empty["entries"], empty["total_players"]) == (past, [], 0)
    for wrong in ("0001-01-01", "2026-13-01", "all", "2026-W01", "", "x"):
        status, problem = await get(system, f"/api/v1/boards/{board}/entries?season={wrong}")
        assert (status, problem["errors"][0]["field"]) == (422, "season"), wrong
        assert entries["season"] in problem["errors"][0]["expected"]
    path = f"/api/v1/boards/{board}/entries"
    status, problem = await get(system, f"{path}?season={past}&cursor={entries['next']}")
    assert (status, problem["errors"][0]["field"]) == (422, "cursor")
    for unknown in (path, f"{path}?cursor={entries['next']}"):
        status, problem = await get(system, unknown.replace(board, "no-such-board"))
        assert (status, problem["type"]) == (404, "urn:leaderboard:problem:unknown-board")


async def test_the_same_answers_when_redis_has_lost_the_board(system: System, servers: Servers) -> None:
    board, players, at = await tied(system, ties="dense")
    paths = [
        *(f"/api/v1/boards/{board}/{each}" for each in ("entries?rank=2", "would-rank?score=30", "percentile?p=75")),
        f"/api/v1/boards/{board}/view?user_id={players[2]}&friends={','.join(players)}",
        f"/api/v1/boards/{board}/entries/{players[3]}",
        f"/api/v1/players/{players[1]}/ranks",
    ]
    before = [await get(system, path, **at) for path in paths]
    with Redis.from_url(present(servers.redis).url) as redis:
        for _ in range(3):  # the projector repairs it within a second
            redis.delete(f"{system.prefix}lb:{{v1:{board}:all}}:version")
            assert [await get(system, path) for path in paths] == before
            await asyncio.sleep(0.1)
