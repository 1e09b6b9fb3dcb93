"""The projector dies at each point of a batch and no further traffic comes: every view agrees again."""

import asyncio
import sys
import time
from collections.abc import Iterator

import orjson
import pytest
from websockets.asyncio.client import connect

from tests.e2e.test_thread import get, name, submit
from tests.servers import Servers
from tests.stack import ROOT, System, eventually, running

POINTS = [
    "before-load",
    "after-load",
    "after-commit",
    "between-boards-and-applied",
    "after-lua",
    "after-publish",
]


@pytest.fixture
def system(servers: Servers, logs: object) -> Iterator[System]:
    from pathlib import Path

    assert isinstance(logs, Path)
    with running(servers, logs, LEADERBOARD_WAIT_MS="300") as started:
        yield started


@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_leaves_no_quiet_board_stale(system: System, point: str) -> None:
    ann, bob = name(), name()
    await submit(system, ann, 100)
    async with connect(f"{system.live}/ws/leaderboard/{ann}") as socket:
        first = orjson.loads(await asyncio.wait_for(socket.recv(), 5))
        assert first["new_rank"] == 1
        system.kill("projector")
        system.start("projector", argv=[sys.executable, str(ROOT / "tests" / "failpoint.py"), point, "kill"])
        status, answer = await submit(system, bob, 500)
        assert status in (200, 202)
        dying = system.processes["projector"]
        await asyncio.to_thread(eventually, lambda: dying.poll() is not None, 20, f"death at {point}")
        assert dying.returncode == -9, system.log_of("projector")
        system.processes.pop("projector")
        system.start("projector")
        began = time.monotonic()
        minimum = {"X-Min-Position": answer["position"]}
        while (rank := await get(system, f"/api/leaderboard/rank/{bob}", **minimum))[0] != 200:
            assert time.monotonic() - began < 10, rank
        assert (rank[1]["rank"], rank[1]["score"]) == (1, 500)
        last = first
        while last["user_id"] != ann or last["new_rank"] != 2:
            last = orjson.loads(await asyncio.wait_for(socket.recv(), 10))
        _, top = await get(system, "/api/leaderboard/top", **minimum)
        assert [(row["user_id"], row["score"]) for row in top["entries"]] == [(bob, 500), (ann, 100)]
        print(f"{point}: every view agreed {time.monotonic() - began:.2f} s after the restart")
    verified = await asyncio.to_thread(system.run, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
