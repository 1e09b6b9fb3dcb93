"""`leaderboard rebuild` on a running system: the same tables, beside the live ones, and nobody notices."""

import asyncio
from pathlib import Path

from tests.e2e.test_thread import submit
from tests.servers import Servers
from tests.stack import System, running


async def rebuilt(system: System, *arguments: str) -> str:
    """Rebuild; what it says."""
    done = await asyncio.to_thread(system.run, "rebuild", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def verified(system: System) -> None:
    done = await asyncio.to_thread(system.run, "verify")
    assert done.returncode == 0, done.stdout + done.stderr


async def test_nothing_differs_after_a_rebuild(servers: Servers, logs: Path) -> None:
    with running(servers, logs) as system:
        for number in range(40):
            await submit(system, f"player-{number % 7}", 10 + number, "classic" if number % 3 else "sprint")
        said = await rebuilt(system)
        print(said)
        assert "no row differs" in said
        status, answer = await submit(system, "player-1", 5)
        assert status == 200, answer
        await verified(system)
