"""What operators see: partitions, projectors, pace, outcomes, the newest facts."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.e2e.test_boards import ADMIN, KEY, define, play, post
from tests.e2e.test_thread import get, name, submit
from tests.servers import Servers, frozen
from tests.stack import System, present, running


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path) -> Iterator[System]:
    with running(servers, logs, LEADERBOARD_ADMIN_KEY=KEY) as started:
        yield started


async def operations(system: System) -> dict[str, Any]:
    """Once what was asked before this call has been shown to nobody any more."""
    await asyncio.sleep(1.1)
    status, answer = await get(system, "/api/v1/operations")
    assert status == 200, answer
    found: dict[str, Any] = answer
    return found


async def events(system: System, query: str = "") -> dict[str, Any]:
    status, answer = await get(system, f"/api/v1/operations/events{query}")
    assert status == 200, answer
    found: dict[str, Any] = answer
    return found


async def test_who_projects_what_how_far_and_how_fast(system: System) -> None:
    board = await define(system)
    await play(system, board, (name(), 1), (name(), 2))
    answer = await operations(system)
    [projector] = answer["projectors"]
    assert (projector["id"], projector["partitions"]) == ("projector", [0, 1, 2, 3])
    assert projector["lease_until"] > answer["at"]
    assert [each["partition"] for each in answer["partitions"]] == [0, 1, 2, 3]
    assert {(each["owner"], each["lag"], each["stopped"]) for each in answer["partitions"]} == {("projector", 0, None)}
    assert all(each["end"] == each["applied"] for each in answer["partitions"])
    assert (answer["lag"], answer["stopped"]) == (0, [])
    assert answer["records_per_second"] > 0
    assert answer["boards"] == len((await get(system, "/api/v1/boards"))[1]["boards"])
    assert answer["seasons_open"] >= 1


async def test_what_became_of_the_newest_submissions(system: System) -> None:
    board, ann = await define(system, max_attempts=1), name()
    before = (await operations(system))["submissions"]
    await submit(system, ann, 5, board, **{"Idempotency-Key": "one"})
    await submit(system, ann, 5, board, **{"Idempotency-Key": "one"})
    await submit(system, ann, 6, board)
    answer = await operations(system)
    after = answer["submissions"]
    grown = {name: after[name] - before[name] for name in ("newest", "counted", "waiting", "repeated")}
    assert grown == {"newest": 3, "counted": 1, "waiting": 0, "repeated": 1}
    refused = after["refused_by_reason"]
    assert refused["attempts_used_up"] == before["refused_by_reason"].get("attempts_used_up", 0) + 1
    assert answer["outcomes"]["duplicate"] >= 1


async def test_sockets_are_counted_where_they_are_served(system: System) -> None:
    from websockets.asyncio.client import connect

    held = (await operations(system))["sockets"]
    async with connect(f"{system.live}/ws/leaderboard/{name()}"):
        assert (await operations(system))["sockets"] == held + 1


async def test_the_newest_facts_are_paged_to_the_first_without_a_name(system: System) -> None:
    board, ann = await define(system), name()
    profile = {"username": f"Secret {ann}", "attributes": {"country": "XX"}}
    await post(system, f"/api/v1/players/{ann}/profile", profile, "PUT")
    _, submitted = await submit(system, ann, 7, board)
    await post(system, f"/api/v1/players/{ann}/ban", {"reason": "cheating"}, **ADMIN)
    path = f"/api/v1/scores/{ann}/{submitted['event_id']}/revoke"
    await post(system, path, {"reason": "cheating"}, **ADMIN)
    page = await events(system, "?limit=3")
    assert [(each["type"], each["player_id"]) for each in page["events"]] == [
        ("ScoreRevoked", ann),
        ("PlayerBanned", ann),
        ("ScoreSubmitted", ann),
    ]
    revoked, _, scored = page["events"]
    assert (revoked["target"], revoked["reason"], revoked["actor"]) == (submitted["event_id"], "cheating", "admin")
    assert (scored["score"], scored["game_mode"], scored["event_id"]) == (7, board, submitted["event_id"])
    seen = {(each["partition"], each["offset"]) for each in page["events"]}
    while page["next"] is not None:
        page = await events(system, f"?limit=3&before={page['next']}")
        new = {(each["partition"], each["offset"]) for each in page["events"]}
        assert not seen & new
        seen |= new
    ends = {each["partition"]: each["end"] for each in (await operations(system))["partitions"]}
    assert seen == {(partition, offset) for partition, end in ends.items() for offset in range(end)}
    whole = orjson.dumps(await events(system, "?limit=200"))
    assert b"Secret" not in whole
    assert b"country" not in whole


async def test_a_cursor_of_another_log_is_refused(system: System) -> None:
    for before in ("x", "1.0123456789abcdef.0-5"):
        status, problem = await get(system, f"/api/v1/operations/events?before={before}")
        assert (status, problem["errors"][0]["field"]) == (422, "before")


async def test_nobody_owns_what_a_dead_projector_held_and_a_silent_broker_is_a_503(
    servers: Servers, logs: Path
) -> None:
    with running(servers, logs, split=True) as system:
        system.kill("projector")
        for _ in range(3):
            await submit(system, name(), 1, Prefer="respond-async")
        answer = await operations(system)
        assert (answer["lag"], answer["sockets"], answer["submissions"]["waiting"]) == (3, None, 3)
        for _ in range(30):
            answer = await operations(system)
            if not answer["projectors"]:
                break
        assert answer["projectors"] == []
        assert {each["owner"] for each in answer["partitions"]} == {None}
        with frozen(present(servers.kafka)):
            await asyncio.sleep(1.1)
            status, problem = await get(system, "/api/v1/operations")
            assert (status, problem["title"]) == (503, "Unavailable")
        status, _ = await get(system, "/api/v1/operations")
        for _ in range(30):
            if status == 200:
                break
            await asyncio.sleep(0.5)
            status, _ = await get(system, "/api/v1/operations")
        assert status == 200
