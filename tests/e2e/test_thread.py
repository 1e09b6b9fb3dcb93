"""One score, end to end: command, log, tables, ranks, queries, socket."""

import asyncio
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import pytest
from websockets.asyncio.client import connect

from tests.stack import System

JSON = {"Content-Type": "application/json"}


async def submit(system: System, player: str, score: int, mode: str = "classic", **headers: str) -> tuple[int, Any]:
    body = {"user_id": player, "score": score, "game_mode": mode}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{system.commands}/api/leaderboard/submit", json=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def get(system: System, path: str, **headers: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as client, client.get(f"{system.queries}{path}", headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def name() -> str:
    return f"p-{uuid4().hex[:12]}"


async def test_the_answer_the_rank_and_the_top_agree(either: System) -> None:
    ann, bob = name(), name()
    await submit(either, ann, 1_000)
    status, answer = await submit(either, bob, 400)
    assert status == 200
    status, answer = await submit(either, bob, 700)
    assert (status, answer["new_total"], answer["replayed"]) == (200, 1_100, False)
    assert answer["rank_change"] >= 1
    minimum = {"X-Min-Position": answer["position"]}
    status, rank = await get(either, f"/api/leaderboard/rank/{bob}", **minimum)
    assert (status, rank["rank"], rank["score"], rank["games_played"]) == (200, answer["new_rank"], 1_100, 2)
    assert rank["percentile"] == 100 * (rank["total_players"] - rank["rank"] + 1) / rank["total_players"]
    status, top = await get(either, "/api/leaderboard/top?limit=1000", **minimum)
    [row] = [row for row in top["entries"] if row["user_id"] == bob]
    assert (status, row["rank"], row["score"]) == (200, answer["new_rank"], 1_100)
    assert [row["rank"] for row in top["entries"]] == list(range(1, len(top["entries"]) + 1))


async def test_sprint_keeps_the_best_time(either: System) -> None:
    ann = name()
    for score, total in ((30_000, 30_000), (45_000, 30_000), (20_000, 20_000)):
        status, answer = await submit(either, ann, score, "sprint")
        assert (status, answer["new_total"]) == (200, total)


async def test_a_retry_gets_the_same_event_and_counts_nothing(either: System) -> None:
    ann = name()
    _, first = await submit(either, ann, 5, **{"Idempotency-Key": "once"})
    await submit(either, ann, 7)
    status, again = await submit(either, ann, 5, **{"Idempotency-Key": "once"})
    assert (status, again["replayed"], again["rank_change"]) == (200, True, 0)
    assert (again["event_id"], again["position"]) == (first["event_id"], first["position"])
    assert again["new_total"] == 12  # the present total


async def test_a_key_with_other_content_is_a_conflict(either: System) -> None:
    ann = name()
    await submit(either, ann, 5, **{"Idempotency-Key": "once"})
    status, problem = await submit(either, ann, 6, **{"Idempotency-Key": "once"})
    assert (status, problem["type"]) == (409, "urn:leaderboard:problem:idempotency-conflict")
    _, rank = await get(either, f"/api/leaderboard/rank/{ann}")
    assert (rank["score"], rank["games_played"]) == (5, 1)


async def test_an_integer_user_id_means_its_decimal_string(either: System) -> None:
    async with aiohttp.ClientSession() as client:
        url = f"{either.commands}/api/leaderboard/submit"
        async with client.post(url, json={"user_id": 4711, "score": 3}) as answer:
            assert answer.status == 200
    status, rank = await get(either, "/api/leaderboard/rank/4711")
    assert (status, rank["user_id"]) == (200, "4711")


async def test_an_asynchronous_submission_has_an_outcome_to_look_up(either: System) -> None:
    ann = name()
    status, accepted = await submit(either, ann, 9, Prefer="respond-async")
    assert status == 202
    outcome: dict[str, Any] = {}
    async with aiohttp.ClientSession(either.commands) as client:
        for _ in range(200):
            async with client.get(f"/api/v1/scores/{ann}/{accepted['event_id']}") as answer:
                outcome = await answer.json()
            if outcome["status"] != "pending":
                break
            await asyncio.sleep(0.02)
    assert (outcome["status"], outcome["score"], outcome["position"]) == ("applied", 9, accepted["position"])


async def test_profiles_name_players(either: System) -> None:
    ann = name()
    async with aiohttp.ClientSession() as client:
        body = {"user_id": ann, "username": "Ann Ö", "attributes": {"country": "DE"}}
        async with client.post(f"{either.commands}/api/v1/players", json=body) as answer:
            assert answer.status == 201, await answer.text()
        async with client.post(f"{either.commands}/api/v1/players", json=body) as answer:
            assert answer.status == 200
    await submit(either, ann, 1)
    _, rank = await get(either, f"/api/leaderboard/rank/{ann}")
    assert rank["username"] == "Ann Ö"
    _, player = await get(either, f"/api/v1/players/{ann}")
    assert (player["username"], player["attributes"]) == ("Ann Ö", {"country": "DE"})
    assert player["registered_at"] is not None


async def test_the_socket_tells_the_present_rank_then_a_chain_of_changes(either: System) -> None:
    ann, bob = name(), name()
    await submit(either, ann, 50_000)
    async with connect(f"{either.live}/ws/leaderboard/{ann}") as socket:
        first = orjson.loads(await asyncio.wait_for(socket.recv(), 5))
        assert set(first) == {"event", "user_id", "new_rank", "old_rank"}
        assert (first["event"], first["user_id"], first["old_rank"]) == ("leaderboard_update", ann, None)
        await submit(either, bob, 60_000)
        seen = {ann: first["new_rank"]}
        while seen.get(bob) is None or seen[ann] == first["new_rank"]:
            event = orjson.loads(await asyncio.wait_for(socket.recv(), 5))
            assert event["old_rank"] == seen.get(event["user_id"])
            seen[event["user_id"]] = event["new_rank"]
        assert seen == {ann: first["new_rank"] + 1, bob: first["new_rank"]}


@pytest.mark.parametrize("message", [b"\x00\x01", "not json", "x" * 4_000])
async def test_garbage_on_the_socket_closes_it_with_a_code(either: System, message: str | bytes) -> None:
    async with connect(f"{either.live}/ws/leaderboard/{name()}") as socket:
        await socket.send(message)
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code == 4000


@pytest.mark.parametrize("path", ["/ws/leaderboard/ann?game_mode=nope", "/ws/leaderboard/a%20b"])
async def test_a_socket_for_nobody_is_closed_with_a_code(either: System, path: str) -> None:
    async with connect(f"{either.live}{path}") as socket:
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code == 4000


def test_verify_says_equal(either: System) -> None:
    verified = either.run("verify")
    assert (verified.returncode, verified.stdout.splitlines()[-1]) == (0, "equal"), verified.stdout + verified.stderr
