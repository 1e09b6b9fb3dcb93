"""The topics of the log: names, keys, and how they are created."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

TopicName: TypeAlias = Literal["events", "boards", "players", "rank-changes", "season-results"]
Place: TypeAlias = tuple[TopicName, int]
"""A topic and a partition of it."""
LOG_KEY = b"$log"
"""The key of `LogCreated`: no player or board may be called so, and compaction keeps it."""
SEASON_KEY = b"$season"
"""The key of `SeasonEnded`, which is for a whole partition."""
TICK_KEY = b"$tick"
"""The key of a record that says nothing: it only ends a segment, so that Kafka may clean what is before it."""
LARGEST_RECORD = 1024 * 1024
"""Bytes a record may have: `max.message.bytes` of every topic, with the batch around it."""

TOMBSTONES_KEPT_MS = 100 * 365 * 24 * 3600 * 1000
"""A century, as good as for ever: whoever folds the topic anew, or comes back after months, still learns of an erase.
More would be less: Kafka adds it to the present time, and an overflow drops every tombstone at once."""

BY_THE_BROKER = {"message.timestamp.type": "LogAppendTime"}
_FOR_EVER = {"retention.ms": "-1", "retention.bytes": "-1", **BY_THE_BROKER}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: its short name, its number of partitions and its broker settings."""

    name: TopicName
    partitions: int
    config: dict[str, str]
    """Given to it when it is created, and never again."""
    renewed: dict[str, str] = field(default_factory=dict)
    """Those that `init` brings up to date on a topic that is there."""


def compaction_lag(erase_within_ms: int) -> int:
    """How old a profile gets, in milliseconds, before Kafka ends its segment and has to clean it.

    Half of the bound. Another quarter may pass before something is appended, which is when Kafka looks
    (`longest_silence`); the last one is for the cleaner, and for projectors that were down.
    """
    return erase_within_ms // 2


def longest_silence(erase_within_ms: int) -> int:
    """How long a partition of the players topic gets no record, in milliseconds."""
    return erase_within_ms // 4


def topics(partitions: int, erase_within_ms: int) -> tuple[Topic, ...]:
    """Every topic, with `partitions` for those that are keyed by player."""
    forgetting = {
        "max.compaction.lag.ms": str(compaction_lag(erase_within_ms)),
        "delete.retention.ms": str(TOMBSTONES_KEPT_MS),
    }
    return (
        # Renewed: an import that was killed has left them at the writer's time.
        Topic("events", partitions, {**_FOR_EVER, "cleanup.policy": "delete"}, BY_THE_BROKER),
        Topic("boards", 1, {**_FOR_EVER, "cleanup.policy": "delete"}, BY_THE_BROKER),
        Topic("season-results", 1, {**_FOR_EVER, "cleanup.policy": "delete"}),
        Topic("players", partitions, {**_FOR_EVER, "cleanup.policy": "compact"}, forgetting),
        Topic(
            "rank-changes",
            partitions,
            {"retention.ms": str(24 * 3600 * 1000), **BY_THE_BROKER},
        ),
    )


def topic_name(prefix: str, name: TopicName) -> str:
    """The name of a topic on the broker."""
    return f"{prefix}leaderboard.{name}"
