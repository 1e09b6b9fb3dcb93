"""What the end of a connection tells a client to do. Pure, but for chance."""

import json
import random
from dataclasses import dataclass

LEFT = (1000, 1001)
FAULTS = (1002, 1003, 1007, 1008, 1009, 1010)
"""Of the transport, which the same client would cause again."""
ABNORMAL = 1006
RESTART = 1012
STABLE = 30.0
"""Seconds that a connection has to last for the back-off to begin anew."""
AT_ONCE = 0.5
"""Seconds within which a client comes back that was only sent elsewhere (4200 to 4299)."""


class Stopped(Exception):
    """The stream has ended and will not come back by itself; `reason` says why."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"{reason or 'no reason given'}{'' if code is None else f' ({code})'}")
        self.code = code
        """The close code, or the HTTP status of a refused handshake; None where this client has ended it."""
        self.reason = reason


@dataclass(frozen=True)
class Ended:
    """How a connection, or the attempt at one, has ended."""

    code: int = ABNORMAL
    """A close code, or the HTTP status that the handshake was refused with."""
    reason: str = ""
    retry_after: float | None = None
    """Seconds, as the server asked for."""
    lasted: float = 0.0
    """Seconds that it was open."""


@dataclass
class Backoff:
    """Full jitter: a wait between `least` seconds and a limit that doubles with each attempt, up to `most`."""

    least: float = 0.5
    most: float = 20.0
    attempts: int = 0

    def wait(self, ended: Ended) -> float | None:
        """Seconds until the next attempt; None: the server has taken leave. Raises Stopped."""
        if ended.lasted >= STABLE:
            self.attempts = 0
        if ended.code in LEFT:
            return None
        if _is_fault(ended.code):
            raise Stopped(ended.code, ended.reason)
        if ended.code == RESTART and ended.retry_after is not None:
            return ended.retry_after
        if 4200 <= ended.code < 4300:
            return random.uniform(0, AT_ONCE)  # noqa: S311 - chance spreads clients, it protects nothing
        limit = min(self.most, 2 * self.least * 2.0**self.attempts)
        self.attempts = min(self.attempts + 1, 64)
        return max(random.uniform(self.least, limit), ended.retry_after or 0)  # noqa: S311 - as above


def retry_of(reason: str, said: float | None = None) -> float | None:
    """Seconds that the reason of a close frame names, else those of the milliseconds that were `said` before."""
    try:
        milliseconds = json.loads(reason)["retry_ms"]
    except (ValueError, TypeError, KeyError):
        milliseconds = said
    return milliseconds / 1000 if isinstance(milliseconds, int | float) else None


def _is_fault(code: int) -> bool:
    """Whether the same client would end the same way again: its request, its messages, its rights."""
    return code in FAULTS or 4000 <= code < 4100 or (400 <= code < 500 and code not in (408, 425, 429))
