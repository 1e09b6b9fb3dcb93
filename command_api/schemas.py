"""What clients send and get."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from command_api.rehearsing import Change
from shared.boards import Board, BoardId, GameMode
from shared.catalogue import MOST_FED
from shared.events import Attributes, Metadata, Reason, Username
from shared.identity import IdempotencyKey, PlayerIdInput
from shared.numbers import Integer
from shared.ranking import Standing

LARGEST_BATCH = 1_000
"""Scores that one request may carry."""


class SubmitRequest(BaseModel):
    """A score that a player reached."""

    model_config = ConfigDict(extra="forbid")

    user_id: Annotated[PlayerIdInput, Field(examples=["ann"])]
    score: Annotated[Integer, Field(examples=[1200])]
    game_mode: GameMode = "classic"
    metadata: Metadata | None = None


class BoardResult(BaseModel):
    """What a score, or a ruling, did on one board: one row of it, at or after the position of the answer."""

    board_id: str
    season: str
    counted: bool
    reason: str | None
    """Why it did not count there, such as `attempts_used_up`; null when it did."""
    value: int | None
    """Of the player's entry; null when there is none."""
    personal_best: bool
    """The entry's value got better by it."""
    old_rank: int | None
    new_rank: int | None
    """Null when the player is not ranked there, or the rank is not known yet."""
    gap: int | None
    """How far the next better rank is in value; null at the top, and where the rank is null."""


Results = Annotated[list[BoardResult], Field(max_length=MOST_FED)]


class SubmitAnswer(BaseModel):
    """The score counts on a board: a row of the first that took it, at or after `position`."""

    new_rank: int
    new_total: int
    rank_change: int
    """Places gained; 0 for a first entry and for a replayed answer."""
    message: str
    event_id: str
    position: str
    replayed: bool
    boards: Results = []
    """Every board that the game mode feeds, the one of its name first."""


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


class BatchItem(SubmitRequest):
    """One score of a batch."""

    idempotency_key: IdempotencyKey | None = None
    """When left out: `<the request's Idempotency-Key>/<index>`."""


class BatchRequest(BaseModel):
    """Scores, each of which is checked and counted by itself."""

    model_config = ConfigDict(extra="forbid")

    scores: Annotated[list[Any], Field(min_length=1, max_length=LARGEST_BATCH)]


class BatchOutcome(BaseModel):
    """What became of one score of a batch."""

    status: Literal["applied", "duplicate", "refused", "conflict", "accepted", "invalid", "unknown"]
    """accepted: in the log, not applied yet. invalid: not in the log. unknown: retry with the key."""
    event_id: str | None = None
    idempotency_key: str
    position: str | None = None
    problem: dict[str, Any] | None = None
    """Problem details (RFC 9457) of what was not counted."""
    boards: Results = []


class BatchAnswer(BaseModel):
    """One outcome for each score, in the order of the request."""

    outcomes: Annotated[list[BatchOutcome], Field(max_length=LARGEST_BATCH)]
    position: str | None
    """Contains everything of this batch that is in the log; null when nothing is."""


class BoardBody(RootModel[dict[str, Any]]):
    """The fields of a board, to be checked as a whole."""


class ExpectedRevision(BaseModel):
    """Which revision is meant."""

    model_config = ConfigDict(extra="forbid")

    expected_revision: Annotated[int, Field(strict=True, ge=1)]


class BoardChanged(BaseModel):
    """A board as it is after the command; after a replayed one, as it is at present."""

    board_id: BoardId
    revision: int
    retired: bool
    definition: Board
    event_id: str
    replayed: bool


class BoardAccepted(BaseModel):
    """The command is in the log, and what became of it is not known yet: ask again with the same key."""

    status: Literal["accepted"] = "accepted"
    board_id: str
    event_id: str


class RulingRequest(BaseModel):
    """Why, as a code: the log is for ever."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[Reason, Field(examples=["cheating"])]


class EraseRequest(BaseModel):
    """What becomes of the player's rows."""

    model_config = ConfigDict(extra="forbid")

    entries: Literal["anonymous", "removed"] | None = None
    """They stay on the boards without a name, or go; LEADERBOARD_ERASED_ENTRIES when left out."""


class RulingAnswer(BaseModel):
    """What a ruling did."""

    status: Literal["applied", "accepted"]
    """accepted: in the log, not applied yet."""
    user_id: str
    event_id: str
    """Of the ruling itself."""
    position: str
    replayed: bool
    boards: list[BoardResult] = []
    """Every board whose entry of the player it touched."""


class RowState(BaseModel):
    """A player's row on a board."""

    rank: int | None
    """Null where it was not looked up, beyond the newest 200 seasons."""
    value: int
    games_played: int


class ChangeAnswer(BaseModel):
    """What a ruling would do to a row."""

    board_id: str
    season: str
    before: RowState | None
    """Null: there is no row."""
    after: RowState | None


class RehearsalAnswer(BaseModel):
    """What a ruling would change. Nothing was changed."""

    status: Literal["dry_run"] = "dry_run"
    user_id: str
    changes: list[ChangeAnswer]


class RetirementRehearsal(BaseModel):
    """What retiring a board would change: no row does. Nothing was changed."""

    status: Literal["dry_run"] = "dry_run"
    board_id: str
    modes_without_board: list[str]
    """Game modes that no other board takes: their scores would be refused."""
    changes: list[ChangeAnswer] = []


def change_answer(change: Change) -> ChangeAnswer:
    """A change as clients see it."""
    return ChangeAnswer(
        board_id=change.board_id,
        season=change.season,
        before=_row_state(change.before, change.old_rank),
        after=_row_state(change.after, change.new_rank),
    )


def _row_state(standing: Standing | None, rank: int | None) -> RowState | None:
    if standing is None:
        return None
    return RowState(rank=rank, value=standing.value, games_played=standing.games_played)
