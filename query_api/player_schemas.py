"""What frontends get to know of a player."""

from typing import Literal

from pydantic import BaseModel


class FoundPlayer(BaseModel):
    """Somebody who was searched for."""

    user_id: str
    display_name: str
    """The id, where there is no name."""


class PlayersAnswer(BaseModel):
    """Players with rows, who is called exactly so first, then by id."""

    players: list[FoundPlayer]


class SubmissionAnswer(BaseModel):
    """A submission and what became of it."""

    event_id: str
    score: int
    game_mode: str
    submitted_at: str
    outcome: Literal["applied", "refused"]
    reason: str | None
    """Why it was refused, such as `out_of_range`; null when it was not."""
    revoked: bool
    boards: list[str]
    """The boards that it counted on when it came."""


class SubmissionsAnswer(BaseModel):
    """Submissions of a player, newest first. A retry is not one of its own."""

    submissions: list[SubmissionAnswer]
    next: str | None
    """The value for `before` that goes on from here; null at the end."""


class PointAnswer(BaseModel):
    """A player's row on a board from a time on."""

    at: str
    score: int | None
    """Null: the row was gone, as after a ban."""
    event_id: str | None
    """The submission that made it so, also one that left the score as it was; null: a ruling did."""


class HistoryAnswer(BaseModel):
    """How a player's row on a board came about, oldest first: its newest changes."""

    board_id: str
    season: str
    points: list[PointAnswer]
