"""The reference client over real sockets: every close code, refusals, silence, gaps. The peer is scripted."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from client import Backoff, Board, Row, Stopped, Stream, Top, live
from client.state import checksum

TOP = Top("classic", 10)
CHANNEL = "top:10:classic"
WITHIN = 20.0
"""Seconds after which a test that hangs fails."""
Script = Callable[[ServerConnection], Awaitable[None]]


def snap(off: str, *rows: tuple[str, int]) -> dict[str, Any]:
    about = {"t": "snap", "ch": CHANNEL, "board": "classic", "season": "all", "order": "desc", "base": 1}
    about |= {"ties": "shared", "operator": "best", "n": 10, "pos": "p", "ts": 1, "total": len(rows), "off": off}
    return {**about, "rows": [[player, value, 0, None] for player, value in rows]}


def delta(prev: str, off: str, *up: tuple[str, int], **more: str) -> dict[str, Any]:
    rows = [[player, value, 0, None] for player, value in up]
    return {"t": "d", "ch": CHANNEL, "prev": prev, "off": off, "ts": 2, "total": 9, "up": rows, "rm": [], **more}


async def say(connection: ServerConnection, *frames: dict[str, Any]) -> None:
    await connection.send("\n".join(json.dumps(frame) for frame in frames))


async def heard(connection: ServerConnection) -> list[dict[str, Any]]:
    return [json.loads(line) for line in str(await connection.recv()).split("\n")]


async def greeted(connection: ServerConnection, *frames: dict[str, Any], ping: float = 25.0) -> dict[str, Any]:
    """Answer hello and the subscription, with frames after; the subscription."""
    hello, sub = await heard(connection)
    await say(
        connection,
        {"t": "hi", "id": hello["id"], "ping": ping, "now": 0},
        {"t": "ok", "id": sub["id"], "ch": CHANNEL, "n": 10, "recovered": bool(frames) and frames[0]["t"] == "d"},
        *frames,
    )
    return sub


@asynccontextmanager
async def scripted(*scripts: Script, refusals: Sequence[Response] = ()) -> AsyncIterator[str]:
    """A server that refuses so many handshakes, then gives each connection the next script; its URL."""
    refused, left = list(refusals), list(scripts)

    def refuse(_: ServerConnection, request: Request) -> Response | None:
        return refused.pop(0) if refused else None

    async def handle(connection: ServerConnection) -> None:
        await left.pop(0)(connection)

    async with serve(handle, "127.0.0.1", 0, process_request=refuse) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with asyncio.timeout(WITHIN):
            yield f"ws://127.0.0.1:{port}/ws/v1"


def refusal(status: int, *header: str, body: bytes = b"") -> Response:
    headers = Headers({"Content-Length": str(len(body))})
    if header:
        headers[header[0]] = header[1]
    return Response(status, HTTPStatus(status).phrase, headers, body)


def hasty() -> Backoff:
    return Backoff(0.01, 0.05)


async def rows_of(stream: Stream) -> list[tuple[str, int]]:
    """Of the next state."""
    state = await anext(stream)
    assert isinstance(state, Board)
    return [(row.player, row.value) for row in state.rows]


async def first(connection: ServerConnection) -> None:
    await greeted(connection, snap("a", ("ann", 1)))
    await connection.wait_closed()


def ending(code: int, reason: str = "") -> Script:
    async def script(connection: ServerConnection) -> None:
        await greeted(connection, snap("a", ("ann", 1)))
        await connection.close(code, reason)

    return script


async def test_rows_come_sorted_and_ranked_and_deltas_apply() -> None:
    seen = asyncio.Event()

    async def script(connection: ServerConnection) -> None:
        await greeted(connection, snap("a", ("bob", 1), ("ann", 2)))
        await seen.wait()
        await say(connection, delta("a", "b", ("bob", 2), h=checksum([("ann", 2, 0, None), ("bob", 2, 0, None)])))
        await connection.wait_closed()

    async with scripted(script) as url, live(url, TOP) as stream:
        assert await rows_of(stream) == [("ann", 2), ("bob", 1)]
        seen.set()
        state = await anext(stream)
        assert isinstance(state, Board)
        assert state.rows == [Row(1, "ann", 2, 0, None), Row(1, "bob", 2, 0, None)]
        assert (state.off, stream.live, stream.counts.mismatches) == ("b", True, 0)


@pytest.mark.parametrize("code", [1011, 1012, 1013, 4100, 4108, 4109, 4129, 4200, 4299])
async def test_a_recoverable_end_resumes_with_the_label(code: int) -> None:
    async def second(connection: ServerConnection) -> None:
        sub = await greeted(connection, delta("a", "b", ("ann", 3)))
        assert sub["off"] == "a"
        await connection.wait_closed()

    async with scripted(ending(code), second) as url, live(url, TOP, backoff=hasty()) as stream:
        seen = await rows_of(stream)
        while seen != [("ann", 3)]:
            seen = await rows_of(stream)
        assert (stream.counts.resumed, stream.counts.snaps, stream.counts.gaps) == (1, 1, 0)


async def test_a_connection_that_breaks_resumes() -> None:
    async def broken(connection: ServerConnection) -> None:
        await greeted(connection, snap("a", ("ann", 1)))
        connection.transport.abort()

    async def second(connection: ServerConnection) -> None:
        await greeted(connection, delta("a", "b", ("ann", 3)))
        await connection.wait_closed()

    async with scripted(broken, second) as url, live(url, TOP, backoff=hasty()) as stream:
        while await rows_of(stream) != [("ann", 3)]:
            pass
        assert stream.counts.resumed == 1


async def test_a_label_that_the_server_no_longer_knows_is_answered_with_all_rows() -> None:
    async def second(connection: ServerConnection) -> None:
        await greeted(connection, snap("z", ("bob", 9)))
        await connection.wait_closed()

    async with scripted(ending(1012), second) as url, live(url, TOP, backoff=hasty()) as stream:
        while await rows_of(stream) != [("bob", 9)]:
            pass
        assert (stream.counts.resumed, stream.counts.snaps) == (0, 2)


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 4000, 4001, 4003, 4004, 4009])
async def test_a_fault_of_the_client_is_raised_with_its_reason(code: int) -> None:
    async with scripted(ending(code, "because")) as url, live(url, TOP) as stream:
        await rows_of(stream)
        with pytest.raises(Stopped, match=rf"because \({code}\)"):
            await anext(stream)


@pytest.mark.parametrize("code", [1000, 1001])
async def test_leave_that_the_server_takes_ends_the_iteration(code: int) -> None:
    async with scripted(ending(code)) as url, live(url, TOP) as stream:
        assert len([state async for state in stream]) == 1
        assert not stream.live


async def test_a_refusal_that_will_pass_is_tried_again() -> None:
    busy = [refusal(503, "Retry-After", "0"), refusal(429, "Retry-After", "soon"), refusal(500)]
    async with scripted(first, refusals=busy) as url, live(url, TOP, backoff=hasty()) as stream:
        assert await rows_of(stream) == [("ann", 1)]


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refusal_that_will_not_pass_is_raised(status: int) -> None:
    async with scripted(refusals=[refusal(status, body=b"not listed")]) as url, live(url, TOP) as stream:
        with pytest.raises(Stopped, match=rf"not listed \({status}\)"):
            await anext(stream)


async def test_of_two_nodes_the_other_is_tried() -> None:
    async with scripted(first) as gone:
        pass
    async with scripted(first) as url, live([gone, url], TOP, backoff=hasty()) as stream:
        assert await rows_of(stream) == [("ann", 1)]


async def test_a_node_that_stops_says_when_to_come_back() -> None:
    async def stops(connection: ServerConnection) -> None:
        await greeted(connection, snap("a", ("ann", 1)), {"t": "bye", "retry_ms": 10})
        await connection.close(1012, '{"retry_ms":10}')

    # A back-off of a minute would outlast the test: what it waits for is what the server said.
    async with scripted(stops, first) as url, live(url, TOP, backoff=Backoff(60, 60)) as stream:
        await rows_of(stream)
        await rows_of(stream)


async def test_a_server_that_falls_silent_is_left() -> None:
    async def silent(connection: ServerConnection) -> None:
        await greeted(connection, snap("a", ("ann", 1)), ping=0.0)
        await connection.wait_closed()

    async def second(connection: ServerConnection) -> None:
        await greeted(connection, delta("a", "b", ("ann", 3)))
        await connection.wait_closed()

    async with scripted(silent, second) as url, live(url, TOP, backoff=hasty(), patience=0.2) as stream:
        while await rows_of(stream) != [("ann", 3)]:
            pass


async def test_a_server_that_does_not_greet_is_left() -> None:
    async def dumb(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with scripted(dumb, first) as url, live(url, TOP, backoff=hasty(), patience=0.2) as stream:
        assert await rows_of(stream) == [("ann", 1)]


async def test_a_gap_is_closed_on_the_same_connection() -> None:
    async def gapped(connection: ServerConnection) -> None:
        await greeted(connection, snap("a", ("ann", 1)), delta("b", "c", ("bob", 2)))
        [sub] = await heard(connection)
        assert sub["off"] == "a"
        await say(connection, delta("c", "d", ("cyd", 3)))
        ok = {"t": "ok", "id": sub["id"], "ch": CHANNEL, "n": 10, "recovered": True}
        await say(connection, ok, delta("a", "d", ("bob", 2), ("cyd", 3)))
        await connection.wait_closed()

    async with scripted(gapped) as url, live(url, TOP) as stream:
        while await rows_of(stream) != [("cyd", 3), ("bob", 2), ("ann", 1)]:
            pass
        assert (stream.counts.gaps, stream.counts.resumed) == (1, 1)


async def test_rows_that_have_diverged_are_replaced() -> None:
    async def diverged(connection: ServerConnection) -> None:
        await greeted(connection, snap("a", ("ann", 1)), delta("a", "b", ("bob", 2), h="00000000"))
        [sub] = await heard(connection)
        assert "off" not in sub
        ok = {"t": "ok", "id": sub["id"], "ch": CHANNEL, "n": 10, "recovered": False}
        await say(connection, ok, snap("b", ("bob", 2)))
        await connection.wait_closed()

    async with scripted(diverged) as url, live(url, TOP) as stream:
        while await rows_of(stream) != [("bob", 2)]:
            pass
        assert stream.counts.mismatches == 1


async def test_what_is_not_the_protocol_is_raised() -> None:
    async def other(connection: ServerConnection) -> None:
        await connection.send("welcome")
        await connection.wait_closed()

    async with scripted(other) as url, live(url, TOP) as stream:
        with pytest.raises(Stopped, match=r"not lb\.v1"):
            await anext(stream)


async def test_who_is_slow_gets_the_newest_state_only() -> None:
    all_sent = asyncio.Event()

    async def many(connection: ServerConnection) -> None:
        await greeted(connection, snap("0", ("ann", 0)))
        for number in range(50):
            await say(connection, delta(str(number), str(number + 1), ("ann", number + 1)))
        await say(connection, {"t": "p", "now": 0, "off": {CHANNEL: "50"}})
        await heard(connection)
        all_sent.set()
        await connection.wait_closed()

    async with scripted(many) as url, live(url, TOP) as stream:
        await all_sent.wait()
        assert await rows_of(stream) == [("ann", 50)]
        assert stream.counts.deltas == 50


async def test_leaving_closes_the_connection_in_order() -> None:
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def noting(connection: ServerConnection) -> None:
        await first(connection)
        codes.put_nowait(connection.close_code)

    async with scripted(noting) as url:
        async with live(url, TOP) as stream:
            await anext(stream)
        assert await codes.get() == 1000
