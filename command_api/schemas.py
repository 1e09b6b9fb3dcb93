"""What clients send and get."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.boards import GameMode
from shared.events import Attributes, Metadata, Username
from shared.identity import PlayerIdInput
from shared.numbers import Integer


class SubmitRequest(BaseModel):
    """A score that a player reached."""

    model_config = ConfigDict(extra="forbid")

    user_id: Annotated[PlayerIdInput, Field(examples=["ann"])]
    score: Annotated[Integer, Field(examples=[1200])]
    game_mode: GameMode = "classic"
    metadata: Metadata | None = None


class SubmitAnswer(BaseModel):
    """The score counts: one row of the board, at or after `position`."""

    new_rank: int
    new_total: int
    rank_change: int
    """Places gained; 0 for a first entry and for a replayed answer."""
    message: str
    event_id: str
    position: str
    replayed: bool


class AcceptedAnswer(BaseModel):
    """The command is in the log and not applied yet."""

    status: Literal["accepted"] = "accepted"
    message: str
    event_id: str
    position: str


class OutcomeAnswer(BaseModel):
    """What became of a submission."""

    status: Literal["pending", "applied", "refused"]
    event_id: str
    user_id: str
    reason: str | None = None
    game_mode: str | None = None
    score: int | None = None
    position: str | None = None
    submitted_at: str | None = None


class RegisterRequest(BaseModel):
    """A player to be known before any score."""

    model_config = ConfigDict(extra="forbid")

    user_id: PlayerIdInput
    username: Username | None = None
    attributes: Attributes = {}


class ProfileRequest(BaseModel):
    """What a player is called and labelled as; replaces what was there."""

    model_config = ConfigDict(extra="forbid")

    username: Username
    attributes: Attributes = {}


class PlayerAnswer(BaseModel):
    """A player was registered, or the profile was set."""

    status: Literal["applied", "accepted"]
    user_id: str
    event_id: str
    position: str | None = None
    """Of a registration: the place in the events topic. Profiles have a topic of their own."""
    replayed: bool
