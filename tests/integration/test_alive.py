"""What the health check of a container says of its service."""

import subprocess
import sys
from pathlib import Path

from tests.servers import Servers
from tests.stack import ROOT, System, eventually, running

ASK = "import sys; from leaderboard.alive import alive; sys.exit(not alive(sys.argv[1:]))"


def is_alive(system: System, service: str) -> bool:
    own = {"LEADERBOARD_PROJECTOR_NAME": "projector", "LEADERBOARD_PORT": str(system.ports["front"])}
    argv = [sys.executable, "-c", ASK, "python", "leaderboard", service]
    return subprocess.run(argv, env={**system.environment, **own}, cwd=ROOT, check=False, timeout=30).returncode == 0


def test_a_service_is_alive_while_it_works(servers: Servers, logs: Path) -> None:
    with running(servers, logs) as system:
        assert is_alive(system, "front")
        assert is_alive(system, "projector")
        assert is_alive(system, "init")
        system.kill("front")
        assert not is_alive(system, "front")
        system.kill("projector")
        eventually(lambda: not is_alive(system, "projector"), 20, "a projector that is dead is known to be")
