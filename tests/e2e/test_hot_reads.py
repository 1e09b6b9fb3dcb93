"""The hot reads give the answers of the full routes: at rest, while scores come in, and for whatever is unusual."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from shared.positions import Position, parse_position
from tests.e2e.test_boards import KEY, define, play, post
from tests.e2e.test_thread import get, name, submit
from tests.servers import Servers
from tests.stack import System, running

COLD = "cold=1"
"""A parameter that nobody knows: the full route ignores it, the hot path leaves the request to the full route."""
PLAYERS = 5


class Seen(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


class Written(NamedTuple):
    """A score, and the position that contains it."""

    player: str
    score: int
    position: Position


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path) -> Iterator[System]:
    with running(servers, logs, LEADERBOARD_ADMIN_KEY=KEY) as started:
        yield started


async def see(system: System, path: str, **headers: str) -> Seen:
    async with aiohttp.ClientSession() as client, client.get(f"{system.queries}{path}", headers=headers) as answer:
        told = {key.lower(): value for key, value in answer.headers.items() if key.lower() not in ("date", "server")}
        return Seen(answer.status, told, await answer.json(content_type=None))


MODE = "game_mode={}"
PLAIN = (MODE, f"limit=2&{MODE}", f"{MODE}&limit=1000")
ODD = (
    *(f"limit={limit}&{MODE}" for limit in ("0002", "%32", "0", "", "1001", "+2", "2;x=1", "2&limit=1")),
    *(f"{MODE}&game_mode=nope", f"{MODE}%00", "game_mode=", f"&{MODE}&", "limit", f"=&{MODE}"),
)


@pytest.mark.parametrize("query", [*PLAIN, *ODD])
async def test_top_is_that_of_the_full_route(system: System, query: str) -> None:
    board = await define(system)
    at = await play(system, board, *((name(), score) for score in (30, 10, 20, 40)))
    hot = await see(system, f"/api/leaderboard/top?{query.format(board)}", **at)
    assert hot == await see(system, f"/api/leaderboard/top?{query.format(board)}&{COLD}", **at)


@pytest.mark.parametrize("ties", ["first_to_reach", "shared", "dense"])
async def test_ranks_are_those_of_the_full_route(system: System, ties: str) -> None:
    board, players = await define(system, ties=ties), [name() for _ in range(4)]
    at = await play(system, board, *zip(players, (30, 20, 20, 10), strict=True))
    path = "/api/leaderboard/rank/{}?game_mode=" + board
    for player in [
        *players,
        name(),
        "a b",
        "x" * 65,
        "",
        "ä",
        f"{players[0]}%2Fx",
        f"%{ord(players[0][0]):x}{players[0][1:]}",
    ]:
        hot = await see(system, path.format(player), **at)
        assert hot == await see(system, f"{path.format(player)}&{COLD}", **at)
        assert (hot.status == 200) == (player in players or player.startswith("%"))


async def test_a_new_name_is_seen_at_once(system: System) -> None:
    board, ann = await define(system), name()
    await play(system, board, (ann, 5))
    for username in ("Ann", "Änn", 'A"n\\n'):
        status, _ = await post(system, f"/api/v1/players/{ann}/profile", {"username": username}, "PUT")
        assert status == 200
        _, top = await get(system, f"/api/leaderboard/top?game_mode={board}")
        _, rank = await get(system, f"/api/leaderboard/rank/{ann}?game_mode={board}")
        assert (top["entries"][0]["username"], rank["username"]) == (username, username)


async def test_a_minimum_position_is_waited_for_or_refused(system: System) -> None:
    board, ann = await define(system), name()
    for score in range(1, 30):
        _, accepted = await submit(system, ann, score, board, Prefer="respond-async")
        at = {"X-Min-Position": accepted["position"]}
        for path in (f"top?game_mode={board}", f"rank/{ann}?game_mode={board}"):
            seen = await see(system, f"/api/leaderboard/{path}", **at)
            row = seen.body["entries"][0] if "entries" in seen.body else seen.body
            assert (seen.status, row["score"]) == (200, score)
    for token in ("x", "", f"1.{'0' * 16}.0-1"):
        for path in (f"top?game_mode={board}", f"rank/{ann}?game_mode={board}"):
            hot = await see(system, f"/api/leaderboard/{path}", **{"X-Min-Position": token})
            assert hot == await see(system, f"/api/leaderboard/{path}&{COLD}", **{"X-Min-Position": token})
            assert hot.status in (409, 422)


async def test_every_answer_is_the_fold_at_its_position_while_scores_come_in(system: System) -> None:
    board = await define(system, operator="sum")
    players = [name() for _ in range(PLAYERS)]
    await play(system, board, *((player, 1) for player in players))
    writing = asyncio.Event()
    writing.set()
    readers = [read(system, f"top?game_mode={board}", writing) for _ in range(4)]
    readers += [read(system, f"top?game_mode={board}&limit=2", writing)]
    readers += [read(system, f"rank/{player}?game_mode={board}", writing) for player in players]
    reading = [asyncio.create_task(each) for each in readers]
    written = await asyncio.gather(*(write(system, board, player) for player in players))
    writing.clear()
    facts = [Written(player, 1, Position("", {})) for player in players] + [fact for some in written for fact in some]
    for seen in await asyncio.gather(*reading):
        positions = [parse_position(each["position"]) for each in seen]
        assert len(set(map(str, positions))) > 1
        assert all(later.covers(earlier) for earlier, later in pairwise(positions))
        for answer, position in zip(seen, positions, strict=True):
            check(answer, folded(facts, position))


async def write(system: System, board: str, player: str) -> list[Written]:
    written = []
    for score in range(1, 41):
        status, answer = await submit(system, player, score, board)
        assert status == 200, answer
        written.append(Written(player, score, parse_position(answer["position"])))
    return written


async def read(system: System, path: str, writing: asyncio.Event) -> list[Any]:
    """Answers, one after the other on one connection."""
    seen = []
    async with aiohttp.ClientSession(system.queries) as client:
        while writing.is_set():
            async with client.get(f"/api/leaderboard/{path}") as answer:
                assert answer.status == 200
                seen.append(await answer.json())
                assert answer.headers["X-Position"] == seen[-1]["position"]
    return seen


def folded(facts: list[Written], position: Position) -> dict[str, tuple[int, int]]:
    """Player → total and games, of the scores that a position contains; the first of each is in all of them."""
    found: dict[str, tuple[int, int]] = {}
    for fact in facts:
        if not fact.position.offsets or position.covers(fact.position):
            total, games = found.get(fact.player, (0, 0))
            found[fact.player] = total + fact.score, games + 1
    return found


def check(answer: Any, state: dict[str, tuple[int, int]]) -> None:
    """An answer against the state at its position."""
    rows = answer.get("entries", [answer])
    assert answer["total_players"] == len(state)
    best = sorted((total for total, _ in state.values()), reverse=True)
    for row in rows:
        assert (row["score"], row["games_played"]) == state[row["user_id"]]
        assert best[row["rank"] - 1] == row["score"]
    assert len({row["rank"] for row in rows}) == len(rows)
