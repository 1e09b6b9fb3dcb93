"""Players: found by name, what they submitted, how their rows came about."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from query_api.player_rows import SEARCH
from shared.postgres import open_pool
from shared.settings import NamingSettings, PostgresSettings
from tests.e2e.test_boards import ADMIN, KEY, define, play, post
from tests.e2e.test_thread import get, name, submit
from tests.servers import Servers
from tests.stack import System, present, running


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path) -> Iterator[System]:
    with running(servers, logs, LEADERBOARD_ADMIN_KEY=KEY) as started:
        yield started


async def call(system: System, player: str, username: str) -> None:
    status, _ = await post(system, f"/api/v1/players/{player}/profile", {"username": username}, "PUT")
    assert status == 200


async def found(system: System, text: str, limit: int = 20) -> list[tuple[str, str]]:
    status, answer = await get(system, f"/api/v1/players?search={text}&limit={limit}")
    assert status == 200, answer
    return [(each["user_id"], each["display_name"]) for each in answer["players"]]


async def test_players_are_found_by_how_their_id_or_name_begins(system: System) -> None:
    board, mark = await define(system), name()
    ann, bob, cyd = f"{mark}-a", f"{mark}-b", name()
    await call(system, cyd, f"Zo{mark} %_")
    await play(system, board, (ann, 1), (bob, 2), (cyd, 3))
    assert await found(system, mark) == [(ann, ann), (bob, bob)]
    assert await found(system, mark.upper()) == [(ann, ann), (bob, bob)]
    assert await found(system, mark, limit=1) == [(ann, ann)]
    assert await found(system, bob) == [(bob, bob)]
    assert await found(system, f"zO{mark[:-2]}") == [(cyd, f"Zo{mark} %_")]
    assert await found(system, f"%25{mark}") == []
    await call(system, bob, "Bob")
    await call(system, cyd, mark)
    assert await found(system, mark) == [(cyd, mark), (ann, ann), (bob, "Bob")]


async def test_a_player_without_rows_or_name_is_not_found(system: System) -> None:
    board, mark = await define(system), name()
    ann, bob, cyd = (f"{mark}{each}" for each in "abc")
    await play(system, board, (ann, 1), (bob, 2))
    await post(system, "/api/v1/players", {"user_id": cyd, "username": f"Cyd {mark}"})
    await post(system, f"/api/v1/players/{ann}/ban", {"reason": "cheating"}, **ADMIN)
    assert await found(system, mark) == [(bob, bob)]
    assert await found(system, f"cyd%20{mark}") == []
    for text in ("", "x" * 65, "a%00"):
        status, problem = await get(system, f"/api/v1/players?search={text}")
        assert (status, problem["errors"][0]["field"]) == (422, "search")


async def test_a_search_reads_by_index(system: System) -> None:
    postgres = PostgresSettings(postgres=SecretStr(present(system.servers.postgres).url))
    async with open_pool(postgres, NamingSettings(prefix=system.prefix), "test") as pool:
        plan = [row[0] for row in await pool.fetch(f"explain {SEARCH}", ["a", "A"], "a", 20, 1_000)]
    scans = [line for line in plan if "Scan" in line]
    for index in ("players_pkey", "profiles_called", "leaderboard_entries_player"):
        assert any(index in line for line in scans), plan
    assert not any("Seq Scan" in line for line in scans), plan


async def submissions(system: System, player: str, query: str = "") -> dict[str, Any]:
    status, answer = await get(system, f"/api/v1/players/{player}/submissions{query}")
    assert status == 200, answer
    found: dict[str, Any] = answer
    return found


async def test_submissions_newest_first_with_what_became_of_each(system: System) -> None:
    mode, ann = f"m{name()[2:]}", name()
    first = await define(system, game_modes=[mode])
    once = await define(system, game_modes=[mode], max_attempts=1)
    await play(system, mode, (ann, 5), (ann, 7))
    _, cheated = await submit(system, ann, 1_000, mode, **{"Idempotency-Key": "cheat"})
    await submit(system, ann, 1_000, mode, **{"Idempotency-Key": "cheat"})
    path = f"/api/v1/scores/{ann}/{cheated['event_id']}"
    await post(system, f"{path}/revoke", {"reason": "cheating"}, **ADMIN)
    answer = await submissions(system, ann)
    rows = answer["submissions"]
    assert [(row["score"], row["boards"], row["revoked"]) for row in rows] == [
        (1_000, [first], True),
        (7, [first], False),
        (5, sorted([first, once]), False),
    ]
    assert {(row["outcome"], row["reason"], row["game_mode"]) for row in rows} == {("applied", None, mode)}
    assert rows[0]["event_id"] == cheated["event_id"]
    assert rows == sorted(rows, key=lambda row: row["submitted_at"], reverse=True)
    assert answer["next"] is None


async def test_submissions_are_paged_and_refused_ones_are_among_them(system: System) -> None:
    board, ann = await define(system, max_attempts=2), name()
    await play(system, board, (ann, 1), (ann, 2))
    status, _ = await submit(system, ann, 3, board)
    assert status == 409
    page = await submissions(system, ann, "?limit=2")
    assert [(row["score"], row["outcome"]) for row in page["submissions"]] == [(3, "refused"), (2, "applied")]
    assert page["submissions"][0]["reason"] == "attempts_used_up"
    rest = await submissions(system, ann, f"?limit=2&before={page['next']}")
    assert ([row["score"] for row in rest["submissions"]], rest["next"]) == ([1], None)
    assert await submissions(system, name()) == {"submissions": [], "next": None}
    status, problem = await get(system, f"/api/v1/players/{ann}/submissions?before=x")
    assert (status, problem["errors"][0]["field"]) == (422, "before")


async def test_the_history_of_a_row_has_the_submission_behind_each_point(system: System) -> None:
    board, ann = await define(system, operator="sum"), name()
    events = [(await submit(system, ann, score, board))[1]["event_id"] for score in (5, 6, 7)]
    await post(system, f"/api/v1/scores/{ann}/{events[1]}/revoke", {"reason": "cheating"}, **ADMIN)
    await post(system, f"/api/v1/players/{ann}/ban", {"reason": "cheating"}, **ADMIN)
    status, answer = await get(system, f"/api/v1/players/{ann}/history?board={board}")
    assert (status, answer["board_id"], answer["season"]) == (200, board, "all")
    points = [(each["score"], each["event_id"]) for each in answer["points"]]
    assert points == [*zip((5, 11, 18), events, strict=True), (12, None), (None, None)]
    assert [each["at"] for each in answer["points"]] == sorted(each["at"] for each in answer["points"])
    _, answer = await get(system, f"/api/v1/players/{ann}/history?board={board}&limit=2")
    assert [each["score"] for each in answer["points"]] == [12, None]
    _, answer = await get(system, f"/api/v1/players/{name()}/history?board={board}&season=all")
    assert answer["points"] == []
    for query, code in ((f"board={name()[2:]}", 404), (f"board={board}&season=2026-W01", 422), ("", 422)):
        assert (await get(system, f"/api/v1/players/{ann}/history?{query}"))[0] == code
