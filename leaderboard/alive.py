"""The health check of a container: `python -m leaderboard.alive`, exit code 0 while its service works.

A service with a port answers there. A projector has said lately in Postgres, by the clock of the database, that it is
there. Another command is at work as long as it runs.
"""

import asyncio
import http.client
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

WITHIN = 4.0
"""Seconds for an answer; the check is given 5."""
SERVED = {"command-api", "query-api", "notifier", "front"}
PROJECTING = "select exists (select from projectors where starts_with(name, $1) and alive_until > now())"


def alive(command: Sequence[str]) -> bool:
    """Whether the process that was started by this command line works. Raises what the network or Postgres raise."""
    if SERVED.intersection(command):
        return answers(int(os.environ.get("LEADERBOARD_PORT", "8080")))
    return asyncio.run(projects()) if "projector" in command else True


def answers(port: int) -> bool:
    """Whether a service answers on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WITHIN)
    try:
        connection.request("HEAD", "/")
        return connection.getresponse().status < 500
    finally:
        connection.close()


async def projects() -> bool:
    """Whether the projector of this machine is among those that share the partitions."""
    import asyncpg

    from shared.settings import NamingSettings, PostgresSettings

    connection = await asyncpg.connect(
        PostgresSettings().postgres.get_secret_value(),
        timeout=WITHIN,
        command_timeout=WITHIN,
        server_settings={"search_path": f'"{NamingSettings().schema_name}"'},
    )
    try:
        # By default its name is that of the host with the number of the process.
        name = os.environ.get("LEADERBOARD_PROJECTOR_NAME") or f"{socket.gethostname()}:"
        return bool(await connection.fetchval(PROJECTING, name))
    finally:
        await connection.close(timeout=1)


if __name__ == "__main__":
    sys.exit(not alive(Path("/proc/1/cmdline").read_text().split("\0")))
