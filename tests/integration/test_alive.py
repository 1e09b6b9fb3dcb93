"""What the health check of a container says of its service."""

import subprocess
from pathlib import Path

from tests.servers import Servers
from tests.stack import ROOT, System, eventually, running

ALIVE = ROOT / "compose" / "alive"


def is_alive(system: System, service: str) -> bool:
    own = {"LEADERBOARD_PORT": str(system.ports["front"])}
    argv = [ALIVE, f"python leaderboard {service}"]
    return subprocess.run(argv, env={**system.environment, **own}, check=False, timeout=30).returncode == 0


def test_a_service_is_alive_while_it_works(servers: Servers, logs: Path, tmp_path: Path) -> None:
    with running(servers, logs, LEADERBOARD_PROJECTOR_BEAT=str(tmp_path / "beat")) as system:
        assert is_alive(system, "front")
        eventually(lambda: is_alive(system, "projector"), 20, "a projector that works")
        assert is_alive(system, "init")
        system.kill("front")
        assert not is_alive(system, "front")
        system.kill("projector")
        eventually(lambda: not is_alive(system, "projector"), 20, "a projector that is dead is known to be")
