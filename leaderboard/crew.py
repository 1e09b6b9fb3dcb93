"""Processes of ours that share a piece of work: each is told its part, and says line by line how far it is."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class WorkerFailed(Exception):
    """A process ended with an error; the message says which."""


def deal(parts: Iterable[T], hands: int, size: Callable[[T], int]) -> list[list[T]]:
    """Parts dealt out, so that each hand has about as much; hands that would be empty are left out."""
    dealt: list[list[T]] = [[] for _ in range(hands)]
    for part in sorted(parts, key=size, reverse=True):
        min(dealt, key=lambda hand: sum(map(size, hand))).append(part)
    return [hand for hand in dealt if hand]


async def work(module: str, order: str, heard: Callable[[bytes], None], kept_open: Sequence[int] = ()) -> None:
    """One process, to its end; `kept_open`: descriptors of files that it holds, too. Raises WorkerFailed."""
    pipes = asyncio.subprocess.PIPE
    argv = sys.executable, "-m", module, order
    process = await asyncio.create_subprocess_exec(*argv, stdout=pipes, stderr=pipes, pass_fds=kept_open)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async for line in process.stdout:
            heard(line)
        error = (await process.stderr.read()).decode(errors="replace").strip()
        if await process.wait() != 0:
            raise WorkerFailed(f"a process ({module}) ended with {process.returncode}: {error[-1000:] or 'no message'}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def together(tasks: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All of it at once; the first error ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in tasks:
                group.create_task(each)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
