"""SIGTERM ends every process within 10 s and with exit code 0, whatever is down."""

import asyncio
import signal
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.e2e.test_thread import get, name, submit
from tests.servers import Server, Servers, open_servers
from tests.stack import System, present, running

WITHIN = 10.0


@pytest.fixture(scope="module")
def own_servers(workspace: Path) -> Iterator[Servers]:
    """Servers that this module may stop."""
    with open_servers(workspace / "shutdown") as own:
        yield own


def server(servers: Servers, part: str) -> Server:
    return present({"kafka": servers.kafka, "postgres": servers.postgres, "redis": servers.redis}[part])


def end_all(system: System) -> dict[str, tuple[int, float]]:
    """SIGTERM to all at once; exit code and seconds of each."""
    began = time.monotonic()
    for process in system.processes.values():
        process.send_signal(signal.SIGTERM)
    ended = {}
    for process_name, process in system.processes.items():
        ended[process_name] = process.wait(2 * WITHIN), time.monotonic() - began
    system.processes.clear()
    return ended


@pytest.mark.parametrize("down", ["nothing", "redis", "postgres", "kafka"])
async def test_every_process_ends_in_time_whatever_is_down(own_servers: Servers, logs: Path, down: str) -> None:
    with running(own_servers, logs, split=True) as system:
        assert (await submit(system, name(), 5))[0] == 200
        if down != "nothing":
            await asyncio.to_thread(server(own_servers, down).stop)
        await asyncio.gather(*(submit(system, name(), 5, Prefer="respond-async") for _ in range(3)))
        ended = await asyncio.to_thread(end_all, system)
    if down != "nothing":
        await asyncio.to_thread(server(own_servers, down).start)
    print(f"{down} down:", {each: f"exit {code} after {seconds:.1f} s" for each, (code, seconds) in ended.items()})
    assert all(code == 0 for code, _ in ended.values()), ended
    assert all(seconds <= WITHIN for _, seconds in ended.values()), ended


def ends_connections(system: System) -> bool:
    """Whether an answer tells the client to connect anew for its next request."""
    connection = HTTPConnection("127.0.0.1", system.ports["front"], timeout=5)
    try:
        connection.request("GET", "/api/leaderboard/health")
        return connection.getresponse().getheader("Connection") == "close"
    finally:
        connection.close()


async def test_who_is_to_stop_says_so_first_and_serves_on(servers: Servers, logs: Path) -> None:
    with running(servers, logs, LEADERBOARD_STOP_AFTER_MS="2000") as system:
        front = system.processes["front"]
        assert await asyncio.to_thread(ends_connections, system) is False
        front.send_signal(signal.SIGTERM)
        began = time.monotonic()
        said: set[tuple[int, str]] = set()
        while (503, "stopping") not in said:
            status, health = await get(system, "/api/leaderboard/health")
            said.add((status, health["status"]))
        assert said <= {(200, "ok"), (503, "stopping")}
        assert (await get(system, "/api/v1/live"))[0] == 503
        assert await asyncio.to_thread(ends_connections, system) is True
        assert (await submit(system, name(), 5))[0] == 200
        assert await asyncio.to_thread(front.wait, WITHIN) == 0
        assert time.monotonic() - began >= 2
        del system.processes["front"]


async def test_a_second_signal_stops_at_once(servers: Servers, logs: Path) -> None:
    with running(servers, logs, LEADERBOARD_STOP_AFTER_MS="60000") as system:
        front = system.processes.pop("front")
        front.send_signal(signal.SIGTERM)
        while (await get(system, "/api/leaderboard/health"))[0] == 200:
            pass
        front.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(front.wait, WITHIN) == 0
