"""The real `leaderboard rebuild`, made to die (SIGKILL) at a named point.

    python tests/rebuild_failpoint.py POINT

As in `failpoint.py`, the points are put around the product's own functions from here.
"""

import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

from leaderboard import __main__ as command_line
from leaderboard import rebuilding
from projector import swapping

Function = Callable[..., Awaitable[Any]]
BEFORE: dict[str, tuple[ModuleType, str]] = {
    "before-building": (rebuilding, "_build"),
    "before-indexes": (rebuilding, "_index"),
    "before-comparing": (rebuilding, "_compare"),
    "before-taking-leases": (rebuilding, "take_all"),
    "before-the-swap": (rebuilding, "swap"),
    "after-the-swap": (rebuilding, "_taken_up"),
}
AFTER: dict[str, tuple[ModuleType, str]] = {
    "with-leases": (rebuilding, "take_all"),
    "between-the-names": (swapping, "_rename"),
}
POINTS = [*BEFORE, *AFTER, "while-folding"]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(function: Function) -> Function:
    async def wrapped(*arguments: Any, **named: Any) -> Any:
        die()
        return await function(*arguments, **named)

    return wrapped


def after(function: Function) -> Function:
    async def wrapped(*arguments: Any, **named: Any) -> Any:
        await function(*arguments, **named)
        die()

    return wrapped


def soon(function: Function) -> Function:
    async def wrapped(*arguments: Any, **named: Any) -> Any:
        threading.Timer(1.0, die).start()  # the processes that fold begin meanwhile
        return await function(*arguments, **named)

    return wrapped


def arm(point: str) -> None:
    """Put the point in."""
    if point == "while-folding":
        module, name, wrap = rebuilding, "_build", soon
    elif point in BEFORE:
        (module, name), wrap = BEFORE[point], before
    else:
        (module, name), wrap = AFTER[point], after
    setattr(module, name, wrap(getattr(module, name)))


if __name__ == "__main__":
    arm(sys.argv[1])
    sys.argv = ["leaderboard", "rebuild"]
    command_line.main()
