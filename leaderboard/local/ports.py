"""The TCP ports of the local servers, remembered in the data directory."""

import json
import secrets
import socket
from pathlib import Path

from leaderboard.local.errors import LocalServerError

HOST = "127.0.0.1"
# Below what Linux (32768) and macOS (49152) hand to outgoing connections, which could take a stopped server's port.
FREE_RANGE = range(20_000, 32_000)


def choose_ports(memory: Path, wanted: dict[str, int]) -> dict[str, int]:
    """Choose a port for each name: the wanted one, or for 0 the one of the last run if still free, or a free one.

    `memory` is the file that remembers them. Raises LocalServerError when a wanted port is in use.
    """
    known = remembered(memory)
    chosen: dict[str, int] = {}
    for name, port in wanted.items():
        if port:
            require_free(name, port)
        chosen[name] = port or kept_or_free(known.get(name, 0), taken=set(chosen.values()) | set(wanted.values()))
    memory.write_text(json.dumps(known | chosen, indent=1) + "\n")
    return chosen


def remembered(memory: Path) -> dict[str, int]:
    """The ports of the last run; none when the file is missing or damaged, as they are a convenience only."""
    try:
        ports = json.loads(memory.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): int(port) for name, port in ports.items()}


def kept_or_free(port: int, taken: set[int]) -> int:
    """`port` if it can be used again, else a free one."""
    while port == 0 or port in taken or not is_free(port):
        port = secrets.choice(FREE_RANGE)
    return port


def require_free(name: str, port: int) -> None:
    """Raise LocalServerError, naming what to change, when something listens on the port."""
    if not is_free(port):
        raise LocalServerError(
            f"port {port} for {name} is in use: stop what listens there, "
            f"or set LEADERBOARD_{name.upper()} to use a server of yours"
        )


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Connections of a server that has just stopped linger; they do not hinder the next one.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
