"""The real projector, made to die (SIGKILL) or to freeze (SIGSTOP) once, at a named point of its next submissions.

    python tests/failpoint.py POINT kill|stop

The points are put around the product's own functions from here: there is no switch in the product.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from leaderboard.serving import project
from projector.feed import Publisher
from projector.ranks import RankWriter
from projector.store import Transaction
from projector.worker import Worker
from shared.feed import RankChanges

Method = Callable[..., Awaitable[Any]]
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
REACHED: list[str] = []


def strike() -> None:
    """Once: who was frozen goes on undisturbed."""
    if not REACHED:
        REACHED.append(sys.argv[1])
        os.kill(os.getpid(), SIGNALS[sys.argv[2]])


def before(method: Method, strikes: Callable[..., bool]) -> Method:
    async def wrapped(*arguments: Any, **named: Any) -> Any:
        if strikes(*arguments):
            strike()
        return await method(*arguments, **named)

    return wrapped


def after(method: Method, strikes: Callable[..., bool]) -> Method:
    async def wrapped(*arguments: Any, **named: Any) -> Any:
        result = await method(*arguments, **named)
        if strikes(*arguments):
            strike()
        return result

    return wrapped


def has_outcomes(_: Publisher, changes: RankChanges) -> bool:
    return bool(changes.outcomes)


def always(*_: object) -> bool:
    return True


def arm(point: str) -> None:
    """Put the point in."""
    match point:
        case "before-transaction":
            Worker._know_catalogue = after(Worker._know_catalogue, always)  # type: ignore[method-assign, assignment]
        case "in-transaction":
            Transaction.load = after(Transaction.load, always)  # type: ignore[method-assign, assignment]
        case "before-commit":
            Transaction.save = after(Transaction.save, always)  # type: ignore[method-assign, assignment]
        case "after-commit":
            Worker._rank = before(Worker._rank, always)  # type: ignore[method-assign, assignment]
        case "between-boards-and-applied":
            RankWriter.apply = after(RankWriter.apply, always)  # type: ignore[method-assign, assignment]
        case "after-lua":
            Publisher.publish = before(Publisher.publish, has_outcomes)  # type: ignore[method-assign, assignment]
        case "after-publish":
            Publisher.publish = after(Publisher.publish, has_outcomes)  # type: ignore[method-assign, assignment]
        case _:
            raise ValueError(point)


if __name__ == "__main__":
    arm(sys.argv[1])
    sys.exit(project())
