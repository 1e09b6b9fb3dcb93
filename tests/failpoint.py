"""The real projector, made to die (SIGKILL) or to freeze (SIGSTOP) once, at a named point of its next submissions, or
of the next end of a season.

    python tests/failpoint.py POINT kill|stop

The points are put around the product's own functions from here: there is no switch in the product.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from leaderboard.serving import project
from projector.feed import Publisher
from projector.ranks import RankWriter
from projector.store import Store
from projector.worker import Worker
from shared.log import Appender
from shared.rank_changes import RankChanges
from shared.topics import SEASON_KEY

Method = Callable[..., Awaitable[Any]]
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
REACHED: list[str] = []
ENDS = count(1)


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


def ends_a_season(_: Appender, topic: str, key: bytes | None, *__: object) -> bool:
    return key == SEASON_KEY


def ends_it_in_a_second_partition(appender: Appender, topic: str, key: bytes | None, *_: object) -> bool:
    return ends_a_season(appender, topic, key) and next(ENDS) == 2


def always(*_: object) -> bool:
    return True


def arm(point: str) -> None:
    """Put the point in."""
    match point:
        case "before-load":
            Worker._know_catalogue = after(Worker._know_catalogue, always)  # type: ignore[method-assign, assignment]
        case "after-load":
            Store.load = after(Store.load, always)  # type: ignore[method-assign, assignment]
        case "after-commit":
            Worker._rank = before(Worker._rank, always)  # type: ignore[method-assign, assignment]
        case "between-boards-and-applied":
            RankWriter.apply = after(RankWriter.apply, always)  # type: ignore[method-assign, assignment]
        case "after-lua":
            Publisher.publish = before(Publisher.publish, has_outcomes)  # type: ignore[method-assign, assignment]
        case "after-publish":
            Publisher.publish = after(Publisher.publish, has_outcomes)  # type: ignore[method-assign, assignment]
        case "before-season-ends":
            Appender.append = before(Appender.append, ends_a_season)  # type: ignore[method-assign, assignment]
        case "between-season-ends":
            Appender.append = after(Appender.append, ends_it_in_a_second_partition)  # type: ignore[method-assign, assignment]
        case _:
            raise ValueError(point)


if __name__ == "__main__":
    arm(sys.argv[1])
    sys.exit(project())
