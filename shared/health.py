"""Health: every part asked at once, each within a bound."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, TypeAlias

from pydantic import BaseModel

TIMEOUT = 2.0
"""Seconds a part has to answer."""
STOPPING = "stopping"
"""Where in the state of the application it says that this process is going to stop."""


class Component(BaseModel):
    """How one part is."""

    status: Literal["up", "down"]
    error: str | None = None
    lag: int | None = None
    """Of the projector: records in the log that the read models do not contain yet."""
    stopped: list[str] | None = None
    """Of the projector: partitions that do not go on, where and why; see `leaderboard log void --help`."""


class Health(BaseModel):
    """How the system is: `degraded` when something is down, `stopping` when this process takes no more clients."""

    status: Literal["ok", "degraded", "stopping"]
    components: dict[str, Component]


def is_stopping(state: object) -> bool:
    """Whether this process is going to stop, by the state that a request finds."""
    return getattr(state, STOPPING, False)


Check: TypeAlias = Callable[[], Awaitable[Component]]


async def examine(checks: Mapping[str, Check]) -> Health:
    """Ask every part."""
    components = await asyncio.gather(*(_bounded(check) for check in checks.values()))
    found = dict(zip(checks, components, strict=True))
    healthy = all(component.status == "up" for component in components)
    return Health(status="ok" if healthy else "degraded", components=found)


async def _bounded(check: Check) -> Component:
    try:
        return await asyncio.wait_for(check(), TIMEOUT)
    except Exception as error:  # whatever a client raises, it is what this is asked to report
        return Component(status="down", error=f"{type(error).__name__}: {error}"[:300])
