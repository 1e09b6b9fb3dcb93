"""What frontends get."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from shared.boards import Board
from shared.health import Health
from shared.identity import PlayerIdInput
from shared.questions import Ranked, percentile
from shared.seasons import Season


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


class SeasonAnswer(BaseModel):
    """A period of a board."""

    season: str
    starts_at: str
    ends_at: str | None
    """Null: it never ends."""


class BoardAnswer(BaseModel):
    """A board."""

    board_id: str
    revision: int
    retired: bool
    definition: Board
    season: SeasonAnswer
    """The present one."""


class BoardsAnswer(BaseModel):
    """Every board, in the order in which they were defined."""

    boards: list[BoardAnswer]


class ResultAnswer(BaseModel):
    """Final standings of a season, as a whole."""

    kind: str
    """closed: as the season ended, for ever. corrected: after later revocations, bans and the like."""
    players: int
    digest: str
    """SHA-256 of the standings, see docs/seasons.md: whoever folds the log gets the same."""
    position: str


class PastSeasonAnswer(SeasonAnswer):
    """A season that somebody has played in."""

    results: list[ResultAnswer]


class SeasonsAnswer(BaseModel):
    """Seasons of a board, newest first."""

    seasons: list[PastSeasonAnswer]
    next: str | None
    """The value for `before` that goes on from here; null at the end."""


class RowAnswer(EntryAnswer):
    """A row of a board, with what it is worth among the others."""

    percentile: float
    """The share, in percent, of ranked players whom this one is at least as good as."""
    gap: int | None
    """How far the score is from that of the next better rank; null at the top."""
    metadata: dict[str, Any] | None = None
    """Of the submission that made the score, the keys that the board declares; only with `metadata=true`."""


class PageCounts(BaseModel):
    """What this process has answered to questions for the first rows since its start: 1 - read / answered are hits."""

    answered: int
    """From kept bytes, or from rows that one read got for all who asked at that moment."""
    read: int
    """Times that the rows of a page were read from Redis."""


class QueryHealth(Health):
    """How the system is, and what the kept pages of the query side have saved."""

    pages: PageCounts


class Positioned(BaseModel):
    """Of which season of which board an answer is, and up to which position of the log; all of one instant."""

    board_id: str
    season: str
    total_players: int
    position: str


class EntriesAnswer(Positioned):
    """Rows that follow each other.

    A cursor names a point in the order, not a number of rows: a row that does not move is never skipped or repeated,
    whatever others do. One that moves across that point between two pages may be seen twice, or not at all.
    """

    entries: list[RowAnswer]
    next: str | None
    """The cursor for the rows below; null when there were none."""
    previous: str | None
    """The cursor for the rows above; null at the top."""


class FriendAnswer(RowAnswer):
    """A row among those that were asked for."""

    rank_among: int
    """The rank among them alone, from 1, by the board's way with ties."""


class FoundAnswer(Positioned):
    """The rows of given players, best first."""

    entries: list[FriendAnswer]
    not_found: list[str]
    """Those who are not ranked."""


class ViewAnswer(Positioned):
    """Everything that a screen of a player shows."""

    me: RowAnswer | None
    """Null: not ranked."""
    top: list[RowAnswer]
    around: list[RowAnswer]
    friends: list[FriendAnswer]
    """Best first."""
    not_found: list[str]
    """Friends who are not ranked."""


class WouldRankAnswer(Positioned):
    """The rank that a score would get, if it were reached now."""

    score: int
    rank: int


class PercentileAnswer(Positioned):
    """A row with the worst score that is still at least at a percentile: the score that it takes."""

    percentile: float
    """As asked, in hundredths."""
    entry: RowAnswer | None
    """Null: nobody is ranked."""


class RowOfAnswer(Positioned):
    """One player's row."""

    entry: RowAnswer


class BoardRank(Positioned):
    """A player's row on one board."""

    title: str
    entry: RowAnswer


class PlayerRanksAnswer(BaseModel):
    """Where a player stands, on every board that has them in its present season."""

    user_id: str
    ranks: list[BoardRank]
    position: str
    """Contained in the position of each."""


class QueryRequest(BaseModel):
    """Players to be looked up."""

    model_config = ConfigDict(extra="forbid")

    user_ids: Annotated[list[PlayerIdInput], Field(min_length=1, max_length=1000)]


def row_answer(row: Ranked, total: int, names: dict[str, str], metadata: dict[str, Any] | None = None) -> RowAnswer:
    """A row as the general interface shows it."""
    return RowAnswer(**_row(row, total, names), metadata=metadata)


def friend_answers(ranked: list[tuple[int, Ranked]], total: int, names: dict[str, str]) -> list[FriendAnswer]:
    """Rows with their ranks among each other."""
    return [FriendAnswer(**_row(row, total, names), rank_among=among) for among, row in ranked]


def season_answer(season: Season) -> SeasonAnswer:
    """A season as clients see it."""
    ends_at = instant(season.ends_at) if season.ends_at is not None else None
    return SeasonAnswer(season=season.name, starts_at=instant(season.starts_at), ends_at=ends_at)


def entry_fields(row: Ranked, names: dict[str, str]) -> dict[str, Any]:
    """The fields of a row that every answer has: those of EntryAnswer."""
    rank, standing, *_ = row
    return {
        "rank": rank,
        "user_id": standing.player_id,
        "username": names.get(standing.player_id, standing.player_id),
        "score": standing.value,
        "games_played": standing.games_played,
        "updated_at": instant(standing.updated_at),
    }


def rank_fields(row: Ranked, names: dict[str, str], total: int) -> dict[str, Any]:
    """The fields of RankAnswer that come from the row."""
    standing = row.standing
    return entry_fields(row, names) | {
        "percentile": percentile(row, total),
        "total_players": total,
        "reached_at": instant(standing.reached_at),
    }


def _row(row: Ranked, total: int, names: dict[str, str]) -> dict[str, Any]:
    return {**entry_fields(row, names), "percentile": percentile(row, total), "gap": row.gap}


def instant(clock: int) -> str:
    """A fold clock (milliseconds) as RFC 3339."""
    hour, rest = divmod(clock, 3_600_000)
    minute, rest = divmod(rest, 60_000)
    second, millisecond = divmod(rest, 1_000)
    return f"{_hour(hour)}:{minute:02d}:{second:02d}.{millisecond:03d}Z"


@lru_cache(maxsize=8_192)
def _hour(number: int) -> str:
    """Kept, as the times of a page are many and their hours few: a third of what a row costs is its time."""
    return datetime.fromtimestamp(number * 3_600, UTC).strftime("%Y-%m-%dT%H")
