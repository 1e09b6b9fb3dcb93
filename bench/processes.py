"""CPU and memory of the processes of a system, seen from outside."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

GONE = (psutil.NoSuchProcess, psutil.AccessDenied)


@dataclass(frozen=True)
class Usage:
    """What a process and all that it started have used."""

    cpu: float
    """Seconds."""
    rss: int
    """Bytes, with what they share counted in each of them."""


Family = Sequence[psutil.Process]
"""Processes of one name, each with all that it starts."""


def listener(url: str) -> Family:
    """Who listens on the port of an address of this machine; nobody where it is another machine, or a container."""
    address = urlsplit(url if "//" in url else f"//{url.split(',')[0]}")
    found = (each for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN)
    return _first_ones({each.pid for each in found if each.laddr[1:] == (address.port,) and each.pid})


def projectors(redis: str) -> Family:
    """The projectors that are connected to a Redis."""
    port = urlsplit(redis).port
    pids = {each.pid for each in psutil.net_connections("tcp") if each.raddr[1:] == (port,) and each.pid}
    return [process for process in _first_ones(pids) if _is_projector(process)]


def usage(families: Mapping[str, Family]) -> dict[str, Usage]:
    """What each has used until now."""
    return {name: _used(family) for name, family in families.items() if family}


def spent(before: Mapping[str, Usage], after: Mapping[str, Usage]) -> dict[str, float]:
    """Seconds of CPU in between."""
    return {name: after[name].cpu - before[name].cpu for name in after if name in before}


def _first_ones(pids: Collection[int]) -> Family:
    """Those whose ancestors are not among them: workers that share a port with their parent are counted with it."""
    found: list[psutil.Process] = []
    for pid in sorted(pids):
        with suppress(*GONE):
            process = psutil.Process(pid)
            if not any(parent.pid in pids for parent in process.parents()):
                found.append(process)
    return found


def _is_projector(process: psutil.Process) -> bool:
    with suppress(*GONE):
        return process.cmdline()[-1:] == ["projector"]
    return False


def _used(family: Iterable[psutil.Process]) -> Usage:
    cpu, rss = 0.0, 0
    for root in family:
        with suppress(*GONE):
            for process in (root, *root.children(recursive=True)):
                with suppress(*GONE):
                    # With those that have ended: the CPU of a backend of Postgres that is gone is the postmaster's.
                    cpu += sum(process.cpu_times()[:4])
                    rss += process.memory_info().rss
    return Usage(cpu, rss)
