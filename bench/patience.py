"""Time for Redis to answer on a machine that is full of load."""

from shared.settings import RedisSettings

REDIS_TIMEOUT_MS = 10_000
"""Not the system's, which turns to Postgres when Redis is slow: this has nowhere to turn to."""


def patient(redis: RedisSettings) -> RedisSettings:
    """The same Redis, with time to answer on a machine that is busy."""
    return redis.model_copy(update={"redis_timeout_ms": REDIS_TIMEOUT_MS})
