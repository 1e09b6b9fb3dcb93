"""The C parts of the live bench, against each other and against a WebSocket server of a library."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from bench.crowd import Crowd, crowd, require_files, send_loop
from bench.errors import BenchFailed
from tests.stack import eventually

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is installed: apt-get install gcc")
COUNT = 30
EDGES = (125, 126, 127, 128, 65_535, 65_536)
"""Bytes where the head of a frame is written otherwise."""
ME = {"ch": "me", "board": "classic", "player": "player-%d"}


def test_the_floor_sends_every_frame_to_every_socket(tmp_path: Path) -> None:
    with send_loop(tmp_path, COUNT) as floor:
        sent = floor.send(size=300, period=0.01, rounds=5)
    assert (sent.frames, sent.skipped) == (5 * COUNT, 0)
    assert sent.cpu > 0


def test_more_sockets_than_files_are_allowed_is_said_before() -> None:
    with pytest.raises(BenchFailed, match="ulimit -Hn"):
        require_files(2**40)


async def test_a_crowd_receives_answers_pings_and_says_how_it_was_closed(tmp_path: Path) -> None:
    started, end = asyncio.Event(), asyncio.Event()

    async def board(connection: ServerConnection) -> None:
        hello, sub = (json.loads(line) for line in str(await connection.recv()).split("\n"))
        assert hello["op"] == "hello"
        await connection.send('{"t":"hi"}\n{"t":"ok"}')
        await started.wait()
        await (await connection.ping())
        await connection.send('{"t":"p","now":1}\n{"t":"d","pad":"' + "x" * 70_000 + '"}')
        assert await connection.recv() == '{"op":"pong"}'
        for size in EDGES:
            await connection.send('{"t":"x"}'.ljust(size))
        await connection.send(json.dumps({"t": "me", "player": sub["player"]}, separators=(",", ":")))
        await end.wait()
        await connection.close(4108, "slow")

    async with serve(board, "127.0.0.1", 0) as server:
        watching = crowd(tmp_path, next(iter(server.sockets)).getsockname()[1], COUNT, [ME], answers=2)
        entered = await asyncio.to_thread(watching.__enter__)
        try:
            entered.start()
            started.set()
            await until(lambda: entered.report()[0].kinds.get("m") == COUNT)
            await check_trace(entered, tmp_path / "trace")
            end.set()
            await until(lambda: entered.report()[0].closed == {"4108": COUNT})
        finally:
            watching.__exit__(None, None, None)


async def check_trace(entered: Crowd, path: Path) -> None:
    report, arrivals = await asyncio.to_thread(entered.report, path)
    assert arrivals is not None
    assert (report.pings, report.kinds, report.untraced) == (
        COUNT,
        {"d": COUNT, "x": COUNT * len(EDGES), "m": COUNT},
        0,
    )
    seen = [(socket, arrivals.payloads[number]) for _, socket, number in arrivals]
    assert sorted(socket for socket, payload in seen if payload.startswith(b'{"t":"d"')) == [*range(COUNT)]
    assert {(socket, payload) for socket, payload in seen if payload.startswith(b'{"t":"me"')} == {
        (number, b'{"t":"me","player":"player-%d"}' % number) for number in range(COUNT)
    }
    assert all(report.since <= at <= report.until for at, _, _ in arrivals)


async def until(check: Callable[[], bool]) -> None:
    await asyncio.to_thread(eventually, check, 20, "what the crowd has to report")
