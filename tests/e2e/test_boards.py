"""Every row of docs/features.md, on the running system: boards, seasons, questions, batches, rulings."""

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from shared.boards import Board
from shared.seasons import season_at
from tests.e2e.test_thread import get, name, submit
from tests.servers import Servers
from tests.stack import System, running
from tests.tables import select

KEY = "an-admin-key-for-tests"
ADMIN = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path) -> Iterator[System]:
    with running(servers, logs, LEADERBOARD_ADMIN_KEY=KEY) as started:
        yield started


async def post(system: System, path: str, body: Any, method: str = "POST", **headers: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as client,
        client.request(method, f"{system.commands}{path}", json=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def define(system: System, **fields: Any) -> str:
    """A new board of its own game mode, unless the fields say otherwise; its id."""
    board_id = fields.pop("board_id", None) or f"b{name()[2:]}"
    body = {"board_id": board_id, "title": "A board", "game_modes": [board_id], "operator": "best", "order": "desc"}
    status, answer = await post(system, "/api/v1/boards", body | fields, **ADMIN)
    assert status == 201, answer
    return board_id


async def play(system: System, mode: str, *scores: tuple[str, int]) -> dict[str, str]:
    """Submit one after the other; the minimum position that contains them all."""
    positions = []
    for player, score in scores:
        status, answer = await submit(system, player, score, mode)
        assert status == 200, answer
        positions.append(answer["position"])
    return {"X-Min-Position": ",".join(positions)}


def ranks(answer: dict[str, Any], key: str = "entries") -> list[tuple[int, str]]:
    return [(row["rank"], row["user_id"]) for row in answer[key]]


def present(board_id: str, **rule: Any) -> str:
    fields = {"board_id": board_id, "title": "t", "game_modes": ["m"], "operator": "sum", "order": "desc"}
    return season_at(Board.model_validate(fields | rule), time.time_ns() // 1_000_000).name


@pytest.mark.parametrize(
    ("operator", "order", "value"),
    [("best", "desc", 9), ("best", "asc", 3), ("sum", "desc", 16), ("latest", "desc", 4), ("count", "desc", 3)],
)
async def test_operators(system: System, operator: str, order: str, value: int) -> None:
    board, ann = await define(system, operator=operator, order=order), name()
    at = await play(system, board, (ann, 3), (ann, 9), (ann, 4))
    status, answer = await get(system, f"/api/v1/boards/{board}/entries/{ann}", **at)
    assert (status, answer["entry"]["score"], answer["entry"]["games_played"]) == (200, value, 3)


async def test_day_week_month_and_all_time_from_one_submit(system: System) -> None:
    mode, ann = f"m{name()[2:]}", name()
    resets = ["never", "daily", "weekly", "monthly"]
    boards = [await define(system, reset=reset, timezone="Europe/Berlin", game_modes=[mode]) for reset in resets]
    status, answer = await submit(system, ann, 50, mode)
    assert status == 200
    wanted = [present("b", reset=reset, timezone="Europe/Berlin") for reset in resets]
    assert [(each["board_id"], each["season"]) for each in answer["boards"]] == list(zip(boards, wanted, strict=True))
    assert {(each["counted"], each["new_rank"], each["personal_best"]) for each in answer["boards"]} == {
        (True, 1, True)
    }
    status, answer = await get(system, f"/api/v1/players/{ann}/ranks")
    assert [each["board_id"] for each in answer["ranks"]] == boards


async def test_an_answer_says_for_each_board_rank_value_best_and_gap(system: System) -> None:
    board, ann, bob = await define(system), name(), name()
    await play(system, board, (ann, 100), (bob, 40))
    _, answer = await submit(system, bob, 70, board)
    [result] = answer["boards"]
    assert (result["old_rank"], result["new_rank"], result["value"], result["gap"]) == (2, 2, 70, 30)
    _, answer = await submit(system, bob, 10, board)
    assert (answer["boards"][0]["personal_best"], answer["boards"][0]["value"]) == (False, 70)


@pytest.mark.parametrize(
    ("ties", "wanted"), [("first_to_reach", [1, 2, 3, 4]), ("shared", [1, 2, 2, 4]), ("dense", [1, 2, 2, 3])]
)
async def test_ties(system: System, ties: str, wanted: list[int]) -> None:
    board, players = await define(system, ties=ties), [name() for _ in range(4)]
    at = await play(system, board, *zip(players, [90, 80, 80, 70], strict=True))
    _, answer = await get(system, f"/api/v1/boards/{board}/entries", **at)
    assert ranks(answer) == list(zip(wanted, players, strict=True))
    _, answer = await submit(system, players[3], 80, board)
    assert answer["new_rank"] == {"first_to_reach": 4, "shared": 2, "dense": 2}[ties]


async def test_attempts_are_used_up(system: System) -> None:
    mode, ann = f"m{name()[2:]}", name()
    free = await define(system, game_modes=[mode], operator="sum")
    await define(system, game_modes=[mode], operator="sum", max_attempts=2)
    for _ in range(2):
        await play(system, mode, (ann, 5))
    status, answer = await submit(system, ann, 5, mode)
    assert status == 200
    assert [(each["value"], each["reason"]) for each in answer["boards"]] == [(15, None), (10, "attempts_used_up")]
    alone = await define(system, max_attempts=1)
    await play(system, alone, (ann, 5))
    status, problem = await submit(system, ann, 6, alone)
    assert (status, problem["type"]) == (409, "urn:leaderboard:problem:attempts-used-up")
    assert free


async def test_bounds(system: System) -> None:
    board = await define(system, minimum=10, maximum=20)
    status, problem = await submit(system, name(), 21, board)
    assert (status, problem["errors"][0]["field"]) == (422, "score")
    assert "10" in problem["errors"][0]["expected"]


async def test_metadata_of_declared_keys_only_and_boards_that_filter(system: System) -> None:
    mode, ann = f"m{name()[2:]}", name()
    where = {"metadata.platform": ["ios", "android"]}
    mobile = await define(system, game_modes=[mode], metadata_keys=["platform"], where=where)
    everyone = await define(system, game_modes=[mode], metadata_keys=["level"])
    body = {"user_id": ann, "score": 5, "game_mode": mode, "metadata": {"platform": "ios", "level": 3}}
    _, answer = await post(system, "/api/leaderboard/submit", body)
    assert {each["board_id"]: each["counted"] for each in answer["boards"]} == {mobile: True, everyone: True}
    rows = [(await get(system, f"/api/v1/boards/{b}/entries?metadata=true"))[1]["entries"] for b in (mobile, everyone)]
    assert [row["metadata"] for [row] in rows] == [{"platform": "ios"}, {"level": 3}]
    again = [await post(system, "/api/leaderboard/submit", body, **{"Idempotency-Key": "one"}) for _ in range(2)]
    assert [(status, answer["replayed"]) for status, answer in again] == [(200, False), (200, True)]
    _, answer = await post(system, "/api/leaderboard/submit", body | {"metadata": {"platform": "pc"}})
    assert {each["board_id"]: each["reason"] for each in answer["boards"]} == {mobile: "not_eligible", everyone: None}
    status, problem = await post(system, "/api/leaderboard/submit", body | {"metadata": {"gun": 1}})
    assert (status, problem["errors"][0]["field"]) == (422, "metadata")


async def test_a_board_of_a_country(system: System) -> None:
    board = await define(system, where={"player.country": ["DE"]})
    ann, bob = name(), name()
    for player, country in ((ann, "DE"), (bob, "FR")):
        profile = {"username": player, "attributes": {"country": country}}
        status, _ = await post(system, f"/api/v1/players/{player}/profile", profile, "PUT")
        assert status == 200
    assert (await submit(system, ann, 5, board))[0] == 200
    status, problem = await submit(system, bob, 5, board)
    assert (status, problem["type"]) == (422, "urn:leaderboard:problem:not-eligible")


async def test_pages_by_cursor_by_rank_around_a_player_and_a_score(system: System) -> None:
    board, players = await define(system), [name() for _ in range(7)]
    at = await play(system, board, *((player, 70 - 10 * place) for place, player in enumerate(players)))
    everyone = list(enumerate(players, 1))
    path = f"/api/v1/boards/{board}/entries"
    _, first = await get(system, f"{path}?limit=3", **at)
    _, second = await get(system, f"{path}?limit=3&cursor={first['next']}")
    _, third = await get(system, f"{path}?limit=3&cursor={second['next']}")
    _, back = await get(system, f"{path}?limit=3&cursor={third['previous']}")
    assert [*ranks(first), *ranks(second), *ranks(third)] == everyone
    assert (first["previous"], third["next"], ranks(back)) == (None, None, ranks(second))
    _, jump = await get(system, f"{path}?rank=4&limit=2")
    _, around = await get(system, f"{path}?around_player={players[3]}&above=1&below=2")
    _, near = await get(system, f"{path}?around_score=45&above=2&below=1")
    assert (ranks(jump), ranks(around), ranks(near)) == (everyone[3:5], everyone[2:6], everyone[1:4])
    status, problem = await get(system, f"{path}?cursor={first['next'][:-4]}AAAA")
    assert (status, problem["errors"][0]["field"]) == (422, "cursor")
    status, problem = await get(system, f"{path}?rank=2&around_score=5")
    assert status == 422


async def test_many_players_friends_and_the_whole_view_at_once(system: System) -> None:
    board, players = await define(system), [name() for _ in range(5)]
    at = await play(system, board, *((player, 50 - 10 * place) for place, player in enumerate(players)))
    stranger = name()
    body = {"user_ids": [players[4], stranger, players[1]]}
    status, answer = await post(system, f"/api/v1/boards/{board}/entries/query", body, **at)
    assert (status, ranks(answer), answer["not_found"]) == (200, [(2, players[1]), (5, players[4])], [stranger])
    query = f"user_id={players[2]}&top=2&above=1&below=1&friends={players[4]},{players[0]}"
    _, view = await get(system, f"/api/v1/boards/{board}/view?{query}")
    everyone = list(enumerate(players, 1))
    assert (view["me"]["rank"], view["me"]["gap"], view["me"]["percentile"]) == (3, 10, 60)
    assert (ranks(view, "top"), ranks(view, "around")) == (everyone[:2], everyone[1:4])
    assert ranks(view, "friends") == [everyone[0], everyone[4]]


async def test_what_rank_a_score_would_get_and_the_score_of_a_percentile(system: System) -> None:
    board, players = await define(system), [name() for _ in range(4)]
    at = await play(system, board, *((player, 40 - 10 * place) for place, player in enumerate(players)))
    _, answer = await get(system, f"/api/v1/boards/{board}/would-rank?score=30", **at)
    assert (answer["rank"], answer["total_players"]) == (3, 4)
    _, answer = await get(system, f"/api/v1/boards/{board}/percentile?p=50")
    assert (answer["entry"]["score"], answer["entry"]["percentile"]) == (20, 50)


async def test_a_batch_has_an_outcome_for_each(system: System) -> None:
    board, ann, bob = await define(system), name(), name()
    scores = [
        {"user_id": ann, "score": 5, "game_mode": board, "idempotency_key": "one"},
        {"user_id": bob, "score": "x", "game_mode": board},
        {"user_id": ann, "score": 5, "game_mode": board, "idempotency_key": "one"},
        {"user_id": bob, "score": 9, "game_mode": board},
    ]
    _, answer = await post(system, "/api/v1/scores", {"scores": scores})
    assert [each["status"] for each in answer["outcomes"]] == ["applied", "invalid", "duplicate", "applied"]
    at = {"X-Min-Position": answer["position"]}
    _, answer = await get(system, f"/api/v1/boards/{board}/entries", **at)
    assert ranks(answer) == [(1, bob), (2, ann)]


async def test_a_thousand_in_one_batch(system: System) -> None:
    board = await define(system)
    scores = [{"user_id": f"{board}-{n}", "score": n + 1, "game_mode": board} for n in range(1_000)]
    status, answer = await post(system, "/api/v1/scores", {"scores": scores})
    assert status == 200
    assert {each["status"] for each in answer["outcomes"]} <= {"applied", "accepted"}
    _, top = await get(system, f"/api/v1/boards/{board}/entries?limit=1", **{"X-Min-Position": answer["position"]})
    assert (top["total_players"], top["entries"][0]["score"]) == (1_000, 1_000)


async def test_a_revoked_score_and_a_restored_one(system: System) -> None:
    board, ann = await define(system, operator="sum"), name()
    await play(system, board, (ann, 5))
    _, cheated = await submit(system, ann, 1_000, board, **{"Idempotency-Key": "cheat"})
    path = f"/api/v1/scores/{ann}/{cheated['event_id']}"
    status, answer = await post(system, f"{path}/revoke", {"reason": "cheating"}, **ADMIN)
    assert (status, answer["boards"][0]["value"]) == (200, 5)
    status, problem = await submit(system, ann, 1_000, board, **{"Idempotency-Key": "cheat"})
    assert (status, problem["type"]) == (409, "urn:leaderboard:problem:revoked")
    status, answer = await post(system, f"{path}/restore", {"reason": "mistake"}, **ADMIN)
    assert (status, answer["boards"][0]["value"]) == (200, 1_005)


async def test_a_banned_player_is_gone_and_comes_back(system: System) -> None:
    board, ann, bob = await define(system, ties="dense"), name(), name()
    await play(system, board, (ann, 9), (bob, 5))
    status, answer = await post(system, f"/api/v1/players/{ann}/ban", {"reason": "cheating"}, **ADMIN)
    assert status == 200
    at = {"X-Min-Position": answer["position"]}
    _, answer = await get(system, f"/api/v1/boards/{board}/entries", **at)
    assert (ranks(answer), answer["total_players"]) == ([(1, bob)], 1)
    status, problem = await submit(system, ann, 99, board)
    assert (status, problem["type"]) == (403, "urn:leaderboard:problem:banned")
    status, answer = await post(system, f"/api/v1/players/{ann}/reinstate", {"reason": "appeal"}, **ADMIN)
    at = {"X-Min-Position": answer["position"]}
    _, answer = await get(system, f"/api/v1/boards/{board}/entries", **at)
    assert ranks(answer) == [(1, ann), (2, bob)]
    status, _ = await post(system, f"/api/v1/players/{name()}/ban", {"reason": "cheating"}, **ADMIN)
    assert status == 404


async def test_a_dry_run_says_what_a_ban_and_its_undoing_would_change(system: System) -> None:
    board, ann, bob = await define(system, ties="shared"), name(), name()
    at = await play(system, board, (ann, 9), (bob, 5))
    path = f"/api/v1/players/{ann}"
    status, dry = await post(system, f"{path}/ban?dry_run=true", {"reason": "cheating"}, **ADMIN)
    row = {"rank": 1, "value": 9, "games_played": 1}
    change = {"board_id": board, "season": "all", "before": row, "after": None}
    assert (status, dry["changes"]) == (200, [change])
    _, answer = await get(system, f"/api/v1/boards/{board}/entries", **at)
    assert ranks(answer) == [(1, ann), (2, bob)]
    await post(system, f"{path}/ban", {"reason": "cheating"}, **ADMIN)
    status, dry = await post(system, f"{path}/reinstate?dry_run=true", {"reason": "appeal"}, **ADMIN)
    assert (status, dry["changes"]) == (200, [change | {"before": None, "after": row}])


async def test_a_dry_run_says_what_retiring_a_board_would_change(system: System) -> None:
    shared, own = f"m{name()[2:]}", f"m{name()[2:]}"
    board = await define(system, game_modes=[shared, own])
    await define(system, game_modes=[shared])
    path = f"/api/v1/boards/{board}/retire?dry_run=true"
    status, dry = await post(system, path, {"expected_revision": 1}, **ADMIN)
    assert (status, dry["changes"], dry["modes_without_board"]) == (200, [], [own])
    assert (await submit(system, name(), 5, own))[0] == 200
    status, problem = await post(system, path, {"expected_revision": 2}, **ADMIN)
    assert (status, problem["errors"][0]["field"]) == (409, "expected_revision")
    assert (await post(system, path, {"expected_revision": 1}))[0] == 401


async def test_all_that_is_held_about_a_player(system: System) -> None:
    board, ann = await define(system), name()
    await post(system, f"/api/v1/players/{ann}/profile", {"username": "Ann"}, "PUT")
    await play(system, board, (ann, 9))
    exported = await asyncio.to_thread(system.run, "players", "export", ann)
    held = orjson.loads(exported.stdout)
    assert (held["profile"][0]["username"], held["submissions"][0]["score"]) == ("Ann", 9)
    assert [each["value"] for each in held["entries"]] == [9]
    nobody = await asyncio.to_thread(system.run, "players", "export", name())
    assert (nobody.returncode, "nothing is held" in nobody.stderr) == (1, True)


@pytest.mark.parametrize("entries", ["anonymous", "removed"])
async def test_an_erased_player_leaves_no_name(system: System, entries: str) -> None:
    board, ann = await define(system), name()
    await post(system, f"/api/v1/players/{ann}/profile", {"username": f"Secret {ann}"}, "PUT")
    await play(system, board, (ann, 9))
    status, answer = await post(system, f"/api/v1/players/{ann}/erase", {"entries": entries}, **ADMIN)
    assert status == 200
    rows: list[Any] = [1]
    for _ in range(100):
        rows = (await get(system, f"/api/v1/boards/{board}/entries", **{"X-Min-Position": answer["position"]}))[1][
            "entries"
        ]
        if not rows or rows[0]["username"] == ann:
            break
        await asyncio.sleep(0.05)
    assert [row["username"] for row in rows] == ([ann] if entries == "anonymous" else [])
    assert await select(system, "select username from profiles where player_id = $1", ann) == [(None,)]
    status, _ = await submit(system, ann, 10, board)
    assert status == 410
    status, _ = await post(system, f"/api/v1/players/{ann}/profile", {"username": "Back"}, "PUT")
    assert status == 410


async def test_an_end_that_a_living_board_is_given_closes_it(system: System) -> None:
    """Its one season was written down without an end when it was first played in."""
    board = await define(system)
    await play(system, board, ("ann", 7))
    ends_at = time.time_ns() // 1_000_000 + 61_000  # the last call is a minute before
    body = {"title": "Cup", "game_modes": [board], "operator": "best", "order": "desc", "ends_at": ends_at}
    status, _ = await post(system, f"/api/v1/boards/{board}", body | {"expected_revision": 1}, "PUT", **ADMIN)
    assert status == 200
    deadline = time.monotonic() + 90
    path = f"/api/v1/boards/{board}/seasons"
    while not (season := (await get(system, path))[1]["seasons"][0])["results"]:
        assert time.monotonic() < deadline
        await asyncio.sleep(1)
    assert datetime.fromisoformat(season["ends_at"]).timestamp() * 1000 == pytest.approx(ends_at)
    assert (season["results"][0]["kind"], season["results"][0]["players"]) == ("closed", 1)
    assert (await submit(system, "ann", 9, board))[0] == 409


async def test_only_one_of_two_revisions_wins_and_a_retired_board_takes_nothing(system: System) -> None:
    board = await define(system)
    body = {"title": "Revised", "game_modes": [board], "operator": "best", "order": "desc", "expected_revision": 1}
    answers = await asyncio.gather(*(post(system, f"/api/v1/boards/{board}", body, "PUT", **ADMIN) for _ in range(5)))
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409, 409]
    fixed = body | {"operator": "sum", "expected_revision": 2}
    status, problem = await post(system, f"/api/v1/boards/{board}", fixed, "PUT", **ADMIN)
    assert (status, problem["errors"][0]["field"]) == (422, "operator")
    status, _ = await post(system, f"/api/v1/boards/{board}/retire", {"expected_revision": 2}, **ADMIN)
    assert status == 200
    assert (await submit(system, name(), 5, board))[0] == 422
    _, answer = await get(system, f"/api/v1/boards/{board}")
    assert (answer["retired"], answer["revision"], answer["definition"]["title"]) == (True, 3, "Revised")


async def test_admin_routes_need_the_key(system: System) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong-key-wrong-key"}):
        status, _ = await post(system, f"/api/v1/players/{name()}/ban", {"reason": "cheating"}, **headers)
        assert status == 401


async def test_a_season_ends_with_standings_and_a_record(system: System) -> None:
    ends = time.time_ns() // 1_000_000 + 62_000
    board, ann, bob = await define(system, ends_at=ends), name(), name()
    await play(system, board, (ann, 9), (bob, 5))
    results: list[Any] = []
    while not results and time.time_ns() // 1_000_000 < ends + 30_000:
        await asyncio.sleep(0.5)
        _, answer = await get(system, f"/api/v1/boards/{board}/seasons")
        [season] = answer["seasons"]
        results = season["results"]
    assert [(each["kind"], each["players"]) for each in results] == [("closed", 2)]
    status, problem = await submit(system, ann, 99, board)
    assert (status, problem["type"]) == (409, "urn:leaderboard:problem:season-ended")
    await post(system, f"/api/v1/players/{bob}/ban", {"reason": "cheating"}, **ADMIN)
    began = time.monotonic()
    while len(results) < 2 and time.monotonic() < began + 20:
        await asyncio.sleep(0.5)
        results = (await get(system, f"/api/v1/boards/{board}/seasons"))[1]["seasons"][0]["results"]
    assert [(each["kind"], each["players"]) for each in results] == [
        ("closed", 2),
        ("corrected", 1),
    ]


async def test_the_tables_and_redis_equal_the_log(system: System) -> None:
    verified = await asyncio.to_thread(system.run, "verify")
    assert verified.returncode == 0, verified.stdout


async def test_a_score_that_a_board_without_rows_does_not_take_has_its_rank_on_the_others(system: System) -> None:
    wide = await define(system)
    narrow = await define(system, game_modes=[wide], maximum=5)
    for player in (name(), name()):
        status, answer = await submit(system, player, 10, wide)
        assert status == 200
        told = {each["board_id"]: (each["reason"], each["new_rank"] is not None) for each in answer["boards"]}
        assert told == {wide: (None, True), narrow: ("out_of_bounds", False)}
