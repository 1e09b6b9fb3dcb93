"""The live stream over real sockets: see docs/live.md."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.e2e.test_thread import get, name, submit
from tests.live_client import Client
from tests.servers import Servers, frozen
from tests.slow_client import SlowClient
from tests.stack import System, present, running

TOP = {"op": "sub", "id": 1, "ch": "top", "board": "classic", "n": 100}
CHANNEL = "top:100:classic"
BATCH = "{}/api/v1/scores"


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path) -> Iterator[System]:
    """The services apart, with two notifiers."""
    with running(servers, logs, split=True, LEADERBOARD_ORIGINS="https://play.example") as started:
        started.serve("notifier", "notifier-2")
        started.await_ready()
        yield started


def other(system: System) -> str:
    """The second notifier."""
    return f"ws://127.0.0.1:{system.ports['notifier-2']}"


async def assert_equal(system: System, client: Client, position: str) -> None:
    """The client comes to show what the REST API says at a position."""
    _, top = await get(system, "/api/leaderboard/top?limit=100", **{"X-Min-Position": position})
    shown = [(row["user_id"], row["score"]) for row in top["entries"]]
    while [row[:2] for row in client.models[CHANNEL].ordered()] != shown:
        await client.hear("d", "snap")
    assert client.models[CHANNEL].total == top["total_players"]


async def test_a_snapshot_then_what_changes(system: System) -> None:
    ann, bob = name(), name()
    await submit(system, ann, 1_000)
    async with await Client.open(system.live, TOP) as client:
        assert (await client.hear("hi"))["v"] == "lb.v1"
        ok = await client.hear("ok")
        assert (ok["id"], ok["ch"], ok["n"], ok["recovered"]) == (1, CHANNEL, 100, False)
        snap = await client.hear("snap")
        assert (snap["board"], snap["season"], snap["order"], snap["base"]) == ("classic", "all", "desc", 1)
        _, answer = await submit(system, bob, 2_000)
        delta = await client.hear("d", where=lambda d: any(row[0] == bob for row in d["up"]))
        assert [row[1] for row in delta["up"] if row[0] == bob] == [2_000]
        assert delta["ts"] >= snap["ts"]
        await assert_equal(system, client, answer["position"])


async def test_my_rank_follows_my_moves_and_those_of_others(system: System) -> None:
    ann, bob = name(), name()
    await submit(system, ann, 100_000)
    async with await Client.open(
        system.live, {"op": "sub", "id": 1, "ch": "me", "board": "classic", "player": ann}
    ) as it:
        first = await it.hear("me")
        assert (first["old"], first["score"]) == (None, 100_000)
        await submit(system, bob, 100_001)
        displaced = await it.hear("me")
        assert (displaced["old"], displaced["rank"]) == (first["rank"], first["rank"] + 1)
        await submit(system, ann, 2)
        moved = await it.hear("me")
        assert (moved["old"], moved["rank"], moved["score"]) == (displaced["rank"], first["rank"], 100_002)


async def test_who_is_not_ranked_is_told_so(system: System) -> None:
    ann = name()
    me = {"op": "sub", "id": 1, "ch": "me", "board": "sprint", "player": ann}
    around = {"op": "sub", "id": 2, "ch": "around", "board": "sprint", "player": ann, "k": 2}
    async with await Client.open(system.live, me, around) as client:
        assert (await client.hear("me"))["rank"] is None
        assert (await client.hear("around"))["rows"] == []
        await submit(system, ann, 30_000, "sprint")
        assert (await client.hear("me"))["score"] == 30_000
        assert ann in [row[0] for row in (await client.hear("around"))["rows"]]


async def test_the_rows_around_me(system: System) -> None:
    ann, bob = name(), name()
    await submit(system, ann, 200_000)
    asked = {"op": "sub", "id": 1, "ch": "around", "board": "classic", "player": ann, "k": 1}
    async with await Client.open(system.live, asked) as client:
        first = await client.hear("around")
        assert len(first["rows"]) <= 3
        assert [first["rank"], 200_000] in [[row[4], row[1]] for row in first["rows"] if row[0] == ann]
        await submit(system, bob, 200_001)
        window = await client.hear("around")
        assert window["rank"] == first["rank"] + 1
        assert [bob, ann] == [row[0] for row in window["rows"]][:2] or bob in [row[0] for row in window["rows"]]


@pytest.mark.parametrize("node", ["here", "there"])
async def test_a_client_resumes_on_any_node(system: System, node: str) -> None:
    ann = name()
    url = system.live if node == "here" else other(system)
    async with await Client.open(system.live, TOP) as leaving, await Client.open(url, TOP) as staying:
        await leaving.hear("snap")
        await staying.hear("snap")
        _, answer = await submit(system, ann, 300_000)
        await assert_equal(system, leaving, answer["position"])
        await assert_equal(system, staying, answer["position"])
        held = leaving.models[CHANNEL]
        await leaving.socket.close()
        _, answer = await submit(system, ann, 1)
        await assert_equal(system, staying, answer["position"])
        async with await Client.open(url, TOP | {"off": held.off}) as back:
            back.models[CHANNEL] = held
            ok = await back.hear("ok")
            assert ok["recovered"] is True
            merged = await back.hear("d")
            assert "h" in merged or len(merged["up"]) == 1
            await assert_equal(system, back, answer["position"])
            assert "snap" not in [message["t"] for message in back.heard]


async def test_a_label_that_nobody_knows_gets_the_whole(system: System) -> None:
    async with await Client.open(system.live, TOP | {"off": "AAAAAAAAAAAA"}) as client:
        assert (await client.hear("ok"))["recovered"] is False
        assert (await client.hear("snap"))["off"] == client.models[CHANNEL].off


async def test_a_new_name_is_shown_although_no_score_moved(system: System) -> None:
    ann = name()
    await submit(system, ann, 400_000)
    async with await Client.open(system.live, TOP) as client:
        await client.hear("snap")
        body = {"user_id": ann, "username": "Ann Ö"}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{system.commands}/api/v1/players", json=body) as answer,
        ):
            assert answer.status == 200, await answer.text()
        delta = await client.hear("d")
        assert [row[3] for row in delta["up"] if row[0] == ann] == ["Ann Ö"]


async def test_a_position_is_told_when_asked_for(system: System) -> None:
    _, answer = await submit(system, name(), 1)
    async with await Client.open(system.live, TOP) as client:
        await client.hear("snap")
        await client.send({"op": "pos", "id": 9, "ch": CHANNEL})
        pos = await client.hear("pos")
        assert (pos["id"], pos["off"]) == (9, client.models[CHANNEL].off)
        status, _ = await get(system, "/api/leaderboard/top", **{"X-Min-Position": pos["pos"]})
        assert status == 200
        assert pos["pos"].split(".")[1] == answer["position"].split(".")[1]


async def test_while_redis_is_away_postgres_answers_and_labels_stay_the_same(system: System) -> None:
    ann = name()
    await submit(system, ann, 600_000)
    me = {"op": "sub", "id": 2, "ch": "me", "board": "classic", "player": ann}
    async with await Client.open(system.live, TOP, me) as client:
        await client.hear("me")
        with frozen(present(system.servers.redis)):
            await submit(system, name(), 600_001)
            assert (await client.hear("me"))["old"] is not None
            await client.hear("d", where=lambda d: any(row[1] == 600_001 for row in d["up"]))
            held = client.models[CHANNEL].off
            async with await Client.open(other(system), TOP) as second:
                assert (await second.hear("snap"))["off"] == held
        await submit(system, name(), 600_002)
        await client.hear("d", where=lambda d: any(row[1] == 600_002 for row in d["up"]))
        assert [message["t"] for message in client.heard].count("snap") == 1


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"op": "dance", "id": 7}, "unknown_op"),
        ({"op": "sub", "id": 7, "ch": "nothing"}, "unknown_op"),
        ({"op": "sub", "id": 7, "ch": "top", "board": "classic", "n": 0}, "bad_request"),
        ({"op": "sub", "id": 7, "ch": "top", "board": "classic", "n": 201}, "bad_request"),
        ({"op": "sub", "id": 7, "ch": "me", "board": "classic", "player": "a b"}, "bad_request"),
        ({"op": "sub", "id": 7, "ch": "top", "board": "no-such-board", "n": 5}, "unknown_board"),
        ({"op": "unsub", "id": 7, "ch": CHANNEL}, "not_subscribed"),
        ({"op": "pos", "id": 7, "ch": CHANNEL}, "not_subscribed"),
    ],
)
async def test_a_wrong_request_is_answered_and_the_socket_stays(
    system: System, asked: dict[str, Any], code: str
) -> None:
    async with await Client.open(system.live, asked, TOP) as client:
        error = await client.hear("err")
        assert (error["id"], error["code"]) == (7, code)
        await client.hear("snap")


async def test_a_socket_has_a_bounded_number_of_channels(system: System) -> None:
    asked = [{"op": "sub", "id": n, "ch": "me", "board": "classic", "player": f"p{n}"} for n in range(9)]
    async with await Client.open(system.live, *asked, asked[0]) as client:
        assert (await client.hear("err"))["code"] == "too_many_subs"
        again = await client.hear("ok", where=lambda ok: ok["id"] == 0)
        assert again["ch"] == "me:classic:p0"


async def closed(socket: Any, within: float = 20) -> tuple[int | None, str | None]:
    """How a socket ends; what comes before is dropped."""
    async with asyncio.timeout(within):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed:
            return socket.close_code, socket.close_reason


@pytest.mark.parametrize(
    "message",
    [b"\x00\x01", "not json", "[1]", '{"op":"pong"}', '{"op":"sub","id":1,"ch":"top","board":"classic","n":5}'],
)
async def test_garbage_or_no_hello_closes_the_socket_for_good(system: System, message: str | bytes) -> None:
    async with connect(f"{system.live}/ws/v1") as socket:
        await socket.send(message)
        assert (await closed(socket))[0] == 4000


async def test_a_socket_that_says_nothing_is_closed(system: System) -> None:
    async with connect(f"{system.live}/ws/v1") as socket:
        assert await closed(socket) == (4000, "no hello within 5 s")


async def test_too_long_a_message_closes_the_socket(system: System) -> None:
    async with connect(f"{system.live}/ws/v1") as socket:
        await socket.send('{"op":"hello","id":1,"x":"' + "x" * 4_096 + '"}')
        assert (await closed(socket))[0] == 1009


async def test_too_many_requests_close_the_socket(system: System) -> None:
    async with await Client.open(system.live, *[{"op": "pong"}] * 30) as client:
        assert (await closed(client.socket))[0] == 4129


async def test_who_takes_nothing_is_given_up_and_the_others_go_on(system: System) -> None:
    scores = [{"user_id": name(), "score": 1_000 + n, "game_mode": "sprint"} for n in range(200)]
    async with (
        aiohttp.ClientSession() as http,
        http.post(BATCH.format(system.commands), json={"scores": scores}) as answer,
    ):
        assert answer.status == 200, await answer.text()
    sub = {"op": "sub", "id": 1, "ch": "top", "board": "sprint", "n": 200}
    async with await Client.open(system.live, sub) as reading:
        await reading.hear("snap", where=lambda snap: snap["total"] >= 200)
        with SlowClient(f"{system.live}/ws/v1") as slow:
            slow.send('{"op":"hello","id":1}')
            asking, began = orjson.dumps(sub).decode(), time.monotonic()
            while '"code": 4108' not in system.log_of("notifier"):
                assert time.monotonic() - began < 40
                slow.send(asking)  # each is answered by the whole, until that is not taken
                await submit(system, name(), 500, "sprint")
                await reading.hear("d")
                await asyncio.sleep(0.1)
            assert await asyncio.to_thread(slow.close_code, b"events are not taken") == 4108


async def asked_in_time(client: Client) -> dict[str, Any]:
    """The next `p`, which may take longer than anything else; it is answered as it comes."""
    for _ in range(2):
        with suppress(TimeoutError):
            return await client.hear("p")
    raise AssertionError("not asked within 30 s")


async def test_who_is_asked_and_says_nothing_is_given_up(system: System) -> None:
    async with (
        connect(f"{system.live}/ws/v1") as silent,
        connect(f"{system.live}/ws/leaderboard/{name()}") as older,
        await Client.open(system.live, TOP) as client,
    ):
        await silent.send('{"op":"hello","id":1}')
        (code, _), p = await asyncio.gather(closed(silent, within=40), asked_in_time(client))
        assert code == 4109
        assert p["off"] == {CHANNEL: client.models[CHANNEL].off}
        await submit(system, name(), 1_000_000)
        await client.hear("d")
        await asyncio.wait_for(older.recv(), 5)  # the library has answered the ping of the protocol


async def test_pages_of_other_origins_are_refused_before_the_socket_is_open(system: System) -> None:
    async with connect(f"{system.live}/ws/v1", origin="https://play.example"):  # type: ignore[arg-type] # a NewType
        pass
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{system.live}/ws/v1", origin="https://evil.example")  # type: ignore[arg-type] # as above
    assert refused.value.response.status_code == 403


async def test_more_sockets_than_allowed_are_refused_until_one_ends(servers: Servers, logs: Path) -> None:
    with running(servers, logs, LEADERBOARD_SOCKETS="2") as system:
        async with connect(f"{system.live}/ws/v1") as first, connect(f"{system.live}/ws/leaderboard/ann"):
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"{system.live}/ws/v1")
            answer = refused.value.response
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            await first.close()
            async with await Client.open(system.live) as client:
                await client.hear("hi")


async def test_more_sockets_a_second_than_allowed_come_in_later(servers: Servers, logs: Path) -> None:
    with running(servers, logs, LEADERBOARD_SOCKETS_A_SECOND="5") as system:
        refused: list[tuple[int, str]] = []

        async def come_in() -> Client:
            while True:
                try:
                    return await Client.open(system.live)
                except InvalidStatus as error:
                    refused.append((error.response.status_code, error.response.headers["Retry-After"]))
                    await asyncio.sleep(random.uniform(0.2, 2))

        storm = await asyncio.gather(*(come_in() for _ in range(30)))
        for client in storm:
            await client.hear("hi")
            await client.socket.close()
        assert refused
        assert set(refused) == {(503, "5")}


async def test_how_fresh_what_is_sent_is_can_be_asked(system: System) -> None:
    player = name()
    await submit(system, player, 10)
    me = {"op": "sub", "id": 2, "ch": "me", "board": "classic", "player": player}
    async with await Client.open(system.live, TOP, me) as client:
        await client.hear("snap")
        _, answer = await submit(system, player, 1_000_000_000)
        missing = {"d", "me"}
        while missing:
            heard = await client.hear(*missing)
            missing -= {heard["t"]} if heard.get("score", answer["new_total"]) == answer["new_total"] else set()
        async with aiohttp.ClientSession() as http, http.get(f"http{system.live[2:]}/api/v1/live") as response:
            said = await response.json()
    assert said["sockets"] >= 1
    assert 100 <= said["tick_ms"] <= 1_000
    for kind in ("board", "personal"):
        assert sum(each["writes"] for each in said[kind]) >= 1
        assert said[kind][-1]["up_to_ms"] is None


async def test_a_node_that_stops_tells_when_to_come_back(servers: Servers, logs: Path) -> None:
    with running(servers, logs) as system:
        async with clients(system, 20) as opened:
            system.processes["front"].send_signal(signal.SIGTERM)
            waits = [(await client.hear("bye"))["retry_ms"] for client in opened]
            ends = [await closed(client.socket) for client in opened]
        assert {code for code, _ in ends} == {1012}
        assert [orjson.loads(reason or "")["retry_ms"] for _, reason in ends] == waits
        assert len(set(waits)) > 10
        assert all(0 <= wait <= 5_000 for wait in waits)
        assert await asyncio.to_thread(system.processes["front"].wait, 10) == 0


@asynccontextmanager
async def clients(system: System, number: int) -> AsyncIterator[list[Client]]:
    opened = [await Client.open(system.live, TOP) for _ in range(number)]
    try:
        yield opened
    finally:
        for client in opened:
            await client.socket.close()
