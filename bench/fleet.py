"""Reference clients in numbers, while notifiers die or are restarted under them: does each end with the right rows?"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields

from bench.crowd import PATH, require_files
from bench.errors import BenchFailed
from bench.stage import BOARD, Node, Stage
from client import Board, Stream, Top, live
from client.session import Counts

TOP = Top(BOARD, 100)
MOVERS = 100
RATE = 20
"""Moves a second meanwhile."""
BEFORE = 3.0
"""Seconds of moves before anything happens."""
WITHIN = 120.0
LOOK_EVERY = 0.02


@dataclass(frozen=True)
class Found:
    """What has become of the clients."""

    moved: int
    """Connections that were made anew."""
    seconds: float
    """From the blow until the last client was live again."""
    counts: Counts
    """Of all clients, since before the blow."""
    wrong: int
    """Clients whose rows were not the board's at the end."""


def survive(stage: Stage, nodes: Sequence[Node], count: int, seconds: float, blow: Callable[[], None]) -> Found:
    """Clients on all nodes in equal parts, a board that moves, and a blow to the nodes. Raises BenchFailed."""
    require_files(count)
    return asyncio.run(_survive(stage, nodes, count, seconds, blow))


async def _survive(stage: Stage, nodes: Sequence[Node], count: int, seconds: float, blow: Callable[[], None]) -> Found:
    urls = [f"ws://127.0.0.1:{node.port}{PATH}" for node in nodes]
    loop = asyncio.get_running_loop()
    async with _watching(urls, count) as streams:
        before = _sum(streams)
        with ThreadPoolExecutor(2) as threads:
            moving = loop.run_in_executor(threads, stage.move, MOVERS, RATE, seconds)
            await asyncio.sleep(BEFORE)
            lost = [stream.counts.connections for stream in streams[:: len(nodes)]]
            began = time.monotonic()
            await loop.run_in_executor(threads, blow)
            await _until(
                lambda: all(
                    now.counts.connections > then for now, then in zip(streams[:: len(nodes)], lost, strict=True)
                ),
                streams,
            )
            await _until(lambda: all(stream.live for stream in streams), streams)
            took = time.monotonic() - began
            await moving
            rows = await loop.run_in_executor(threads, stage.top)
        after = _sum(streams)
        counts = Counts(
            **{each.name: getattr(after, each.name) - getattr(before, each.name) for each in fields(Counts)}
        )
        return Found(counts.connections, took, counts, sum(_rows(stream) != rows for stream in streams))


@asynccontextmanager
async def _watching(urls: Sequence[str], count: int) -> AsyncIterator[list[Stream]]:
    """Clients that all have their first rows; each begins with another URL than the one before."""
    async with AsyncExitStack() as stack:
        streams = []
        for number in range(count):
            first = number % len(urls)
            streams.append(await stack.enter_async_context(live([*urls[first:], *urls[:first]], TOP)))
        await _until(lambda: all(stream.live and stream.state(TOP) is not None for stream in streams), streams)
        yield streams


async def _until(check: Callable[[], bool], streams: Sequence[Stream]) -> None:
    deadline = time.monotonic() + WITHIN
    while not check():
        if time.monotonic() > deadline:
            missing = sum(not stream.live for stream in streams)
            raise BenchFailed(f"{missing} of {len(streams)} clients were not live again within {WITHIN:.0f} s")
        await asyncio.sleep(LOOK_EVERY)


def _sum(streams: Sequence[Stream]) -> Counts:
    return Counts(
        **{each.name: sum(getattr(stream.counts, each.name) for stream in streams) for each in fields(Counts)}
    )


def _rows(stream: Stream) -> list[tuple[int, str, int]]:
    state = stream.state(TOP)
    return [(row.rank, row.player, row.value) for row in state.rows] if isinstance(state, Board) else []
