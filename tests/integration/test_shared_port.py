"""Several processes of a service behind one port: any of them may go."""

import asyncio
import sys
from functools import partial
from pathlib import Path

from tests.e2e.test_thread import name, submit
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
