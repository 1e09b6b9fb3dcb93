"""A rolling restart in small: no request is lost by a client that asks again. `python -m tests.chaos.rolling` is the
whole of it."""

from pathlib import Path

from tests.chaos.rolling import Drill, roll, running_twice
from tests.servers import Servers

SMALL = Drill(submits=50, reads=20, sockets=8, calm=1, services=("projector", "front"))


async def test_a_rolling_restart_loses_no_request(servers: Servers, logs: Path) -> None:
    with running_twice(servers, logs, SMALL.services) as system:
        found = await roll(SMALL, system, print)
        system.show_logs()
    print("\n".join(found.lines))
    assert not found.faults
