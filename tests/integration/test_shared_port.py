"""Several processes of a service behind one port: any of them may go."""

import asyncio
import signal
import sys
from functools import partial
from pathlib import Path

from tests.e2e.test_thread import get, name, submit
from tests.servers import Servers
from tests.stack import System, eventually, running


async def counted(system: System, player: str) -> int:
    """Submit once more, on a connection of its own; what the player's total is then."""
    status, answer = await submit(system, player, 1)
    assert status == 200, answer
    return int(answer["new_total"])


def serving(system: System, process: str) -> bool:
    return "Application startup complete" in system.log_of(process)


async def test_either_of_two_processes_that_share_a_port_may_be_killed(servers: Servers, logs: Path) -> None:
    with running(servers, logs, LEADERBOARD_SHARE_PORT="true") as system:
        ann, again = name(), [sys.executable, "-m", "leaderboard", "front", "--port", str(system.ports["front"])]
        system.start("front-2", argv=again)
        await asyncio.to_thread(eventually, partial(serving, system, "front-2"), 30, "the second process")
        assert [await counted(system, ann) for _ in range(8)] == list(range(1, 9))
        system.kill("front")
        assert [await counted(system, ann) for _ in range(8)] == list(range(9, 17))
        system.start("front-3", argv=again)
        await asyncio.to_thread(eventually, partial(serving, system, "front-3"), 30, "the third process")
        system.kill("front-2")
        assert [await counted(system, ann) for _ in range(8)] == list(range(17, 25))
        verified = await asyncio.to_thread(system.run, "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr


async def test_who_is_to_stop_leaves_a_shared_port_to_the_others(servers: Servers, logs: Path) -> None:
    with running(servers, logs, LEADERBOARD_SHARE_PORT="true", LEADERBOARD_STOP_AFTER_MS="5000") as system:
        again = [sys.executable, "-m", "leaderboard", "front", "--port", str(system.ports["front"])]
        system.start("front-2", argv=again)
        await asyncio.to_thread(eventually, partial(serving, system, "front-2"), 30, "the second process")
        front = system.processes.pop("front")
        front.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        for _ in range(30):  # each on a connection of its own, of which it would have had half
            assert (await get(system, "/api/leaderboard/health"))[1]["status"] == "ok"
        assert front.poll() is None
        assert await asyncio.to_thread(front.wait, 10) == 0
