"""What frontends get."""

from datetime import UTC, datetime

from pydantic import BaseModel

from shared.ranks import Ranked


class EntryAnswer(BaseModel):
    """A row of a board."""

    rank: int
    user_id: str
    username: str
    score: int
    games_played: int
    updated_at: str
    """When a score last counted, UTC."""


class TopAnswer(BaseModel):
    """The first rows of a board, all of one instant: the log up to `position`."""

    entries: list[EntryAnswer]
    total_players: int
    game_mode: str
    season: str
    position: str


class RankAnswer(EntryAnswer):
    """Where a player stands."""

    percentile: float
    """100 x (total - rank + 1) / total."""
    total_players: int
    reached_at: str
    """When the present score was first reached, UTC: earlier is better among equals."""
    game_mode: str
    season: str
    position: str


class ProfileAnswer(BaseModel):
    """A player."""

    user_id: str
    username: str
    attributes: dict[str, str]
    registered_at: str | None
    """None for a profile of a player who is not registered yet."""


def entry_answer(row: Ranked, names: dict[str, str]) -> EntryAnswer:
    """A row as clients see it."""
    rank, standing = row
    return EntryAnswer(
        rank=rank,
        user_id=standing.player_id,
        username=names.get(standing.player_id, standing.player_id),
        score=standing.value,
        games_played=standing.games_played,
        updated_at=instant(standing.updated_at),
    )


def instant(clock: int) -> str:
    """A fold clock (milliseconds) as RFC 3339."""
    return datetime.fromtimestamp(clock / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
