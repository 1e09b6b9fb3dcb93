"""The topics of the log: names, keys, and how they are created."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

TopicName: TypeAlias = Literal["events", "boards", "players", "rank-changes", "season-results"]
Place: TypeAlias = tuple[TopicName, int]
"""A topic and a partition of it."""
LOG_KEY = b"$log"
"""The key of `LogCreated`: no player or board may be called so, and compaction keeps it."""
SEASON_KEY = b"$season"
"""The key of `SeasonEnded`, which is for a whole partition."""
LARGEST_RECORD = 1024 * 1024
"""Bytes a record may have: `max.message.bytes` of every topic, with the batch around it."""

_FOR_EVER = {"retention.ms": "-1", "retention.bytes": "-1", "message.timestamp.type": "LogAppendTime"}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: its short name, its number of partitions and its broker settings."""

    name: TopicName
    partitions: int
    config: dict[str, str]


def topics(partitions: int) -> tuple[Topic, ...]:
    """Every topic, with `partitions` for those that are keyed by player."""
    return (
        Topic("events", partitions, {**_FOR_EVER, "cleanup.policy": "delete"}),
        Topic("boards", 1, {**_FOR_EVER, "cleanup.policy": "delete"}),
        Topic("season-results", 1, {**_FOR_EVER, "cleanup.policy": "delete"}),
        Topic("players", partitions, {**_FOR_EVER, "cleanup.policy": "compact"}),
        Topic(
            "rank-changes",
            partitions,
            {"retention.ms": str(24 * 3600 * 1000), "message.timestamp.type": "LogAppendTime"},
        ),
    )


def topic_name(prefix: str, name: TopicName) -> str:
    """The name of a topic on the broker."""
    return f"{prefix}leaderboard.{name}"
