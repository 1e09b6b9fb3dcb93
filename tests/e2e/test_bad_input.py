"""Bad input gets a 4xx problem that names the field, what came and what is expected; nothing is counted."""

import io
from typing import Any

import aiohttp
import orjson
import pytest

from tests.stack import System

JSON = "application/json"
PLAYER = "bad-input"
HUGE = 2**53


def body(**fields: object) -> bytes:
    return orjson.dumps({"user_id": PLAYER, "score": 1} | fields)


SCORES = [b"0", b"-1", b"1.5", b"12.0", b'"12"', b"true", b"null", str(HUGE).encode(), b"1" + b"0" * 400, b"[]"]
USERS: list[object] = ["", "x" * 65, "a b", "'; DROP TABLE players; --", [], None, True, 1.5, "\u0000", "ü"]
MODES: list[object] = ["nope", "", 1, None, "CLASSIC", "x" * 100]


async def post(system: System, data: bytes, content_type: str = JSON, **headers: str) -> tuple[int, Any]:
    url = f"{system.commands}/api/leaderboard/submit"
    async with (
        aiohttp.ClientSession() as client,
        client.post(url, data=io.BytesIO(data), headers={"Content-Type": content_type, **headers}) as answer,
    ):
        assert answer.content_type == "application/problem+json", await answer.text()
        return answer.status, await answer.json(content_type=None)


async def get(system: System, path: str, **headers: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as client, client.get(f"{system.queries}{path}", headers=headers) as answer:
        assert answer.content_type == "application/problem+json", await answer.text()
        return answer.status, await answer.json(content_type=None)


def names(problem: Any, field: str) -> None:
    [error] = [error for error in problem["errors"] if error["field"] == field]
    assert error["expected"]
    assert "got" in error
    assert problem["type"].startswith("urn:leaderboard:problem:")


@pytest.mark.parametrize("score", SCORES)
async def test_a_bad_score(system: System, score: bytes) -> None:
    status, problem = await post(system, b'{"user_id":"bad-input","score":' + score + b"}")
    assert status == 422
    names(problem, "score")


async def test_a_missing_score(system: System) -> None:
    status, problem = await post(system, b'{"user_id":"bad-input"}')
    assert status == 422
    names(problem, "score")


@pytest.mark.parametrize("user", USERS)
async def test_a_bad_user(system: System, user: object) -> None:
    status, problem = await post(system, body(user_id=user))
    assert status == 422
    names(problem, "user_id")


@pytest.mark.parametrize("mode", MODES)
async def test_a_bad_mode(system: System, mode: object) -> None:
    status, problem = await post(system, body(game_mode=mode))
    assert status == 422
    names(problem, "game_mode")


@pytest.mark.parametrize(
    "metadata", [b'{"a":"\\u0000"}', b'{"a":' + b"9" * 40 + b"}", b'{"a":"' + b"x" * 1100 + b'"}', b"[]", b'"x"']
)
async def test_bad_metadata(system: System, metadata: bytes) -> None:
    status, problem = await post(system, b'{"user_id":"bad-input","score":1,"metadata":' + metadata + b"}")
    assert status == 422
    names(problem, "metadata")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff\xfe", b"[" * 100_000 + b"]" * 100_000, b'{"user_id":"\\ud800","score":1}']
)
async def test_a_body_that_is_not_json(system: System, data: bytes) -> None:
    status, _ = await post(system, data)
    assert status in (400, 413)


@pytest.mark.parametrize("data", [b"[]", b"null", b"1"])
async def test_a_body_that_is_no_object(system: System, data: bytes) -> None:
    assert (await post(system, data))[0] == 422


async def test_an_unknown_field(system: System) -> None:
    status, problem = await post(system, body(rank=1))
    assert status == 422
    names(problem, "rank")


async def test_a_large_body(system: System) -> None:
    status, _ = await post(system, b'{"user_id":"' + b"x" * 3_000_000 + b'"}')
    assert status == 413


async def test_another_content_type(system: System) -> None:
    status, problem = await post(system, body(), "text/plain")
    assert status == 415
    names(problem, "content-type")


@pytest.mark.parametrize("key", ["x" * 300, "a b", "ü"])
async def test_a_bad_idempotency_key(system: System, key: str) -> None:
    status, problem = await post(system, body(), **{"Idempotency-Key": key})
    assert status == 422
    names(problem, "Idempotency-Key")


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "1.5"])
async def test_a_bad_limit(system: System, limit: str) -> None:
    status, problem = await get(system, f"/api/leaderboard/top?limit={limit}")
    assert status == 422
    names(problem, "limit")


@pytest.mark.parametrize("path", ["/api/leaderboard/top?game_mode=nope", "/api/leaderboard/rank/ann?game_mode=nope"])
async def test_a_question_about_an_unknown_mode(system: System, path: str) -> None:
    status, problem = await get(system, path)
    assert status == 422
    names(problem, "game_mode")


async def test_the_rank_of_nobody(system: System) -> None:
    status, problem = await get(system, "/api/leaderboard/rank/nobody-at-all")
    assert (status, problem["type"]) == (404, "urn:leaderboard:problem:not-ranked")


@pytest.mark.parametrize("user", ["%00", "a%00b", "a%20b", "x" * 65, "%ff"])
async def test_a_bad_user_in_a_path(system: System, user: str) -> None:
    status, problem = await get(system, f"/api/leaderboard/rank/{user}")
    assert status == 422
    names(problem, "user_id")


@pytest.mark.parametrize("token", ["x", "1.zz.0-1", "2.0123456789abcdef", "1.0123456789abcdef.0-99999999999999999999"])
async def test_a_bad_position(system: System, token: str) -> None:
    status, problem = await get(system, "/api/leaderboard/top", **{"X-Min-Position": token})
    assert status == 422
    names(problem, "X-Min-Position")


async def test_a_position_that_is_never_reached(system: System) -> None:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{system.queries}/api/leaderboard/top") as answer,
    ):
        incarnation = (await answer.json())["position"].split(".")[1]
    token = f"1.{incarnation}.0-999999999"
    status, problem = await get(system, "/api/leaderboard/top", **{"X-Min-Position": token})
    assert (status, problem["type"]) == (409, "urn:leaderboard:problem:position-not-reached")


@pytest.mark.parametrize("path", ["/api", "/api/leaderboard/nothing", "/api/v1/nothing"])
async def test_a_path_that_leads_nowhere(system: System, path: str) -> None:
    assert (await get(system, path))[0] == 404


async def test_nothing_was_counted(system: System) -> None:
    status, _ = await get(system, f"/api/leaderboard/rank/{PLAYER}")
    assert status == 404
