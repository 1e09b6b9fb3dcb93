"""Boards: what is ranked, how scores combine and which way the order goes. Pure."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, assert_never

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.numbers import LARGEST, Integer
from shared.seasons import Rule, check_rule

BoardId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
GameMode = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
Operator = Literal["best", "sum", "latest", "count"]
Order = Literal["desc", "asc"]
Ties = Literal["first_to_reach", "shared", "dense"]
Reset = Literal["never", "daily", "weekly", "monthly", "cron"]
Clock = Annotated[int, Field(strict=True, ge=0, lt=2**47)]
"""Milliseconds since 1970 UTC."""
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Criterion = Annotated[str, Field(pattern=r"^(player|metadata)\.[A-Za-z0-9_.-]{1,64}$")]
"""`player.country`: an attribute of the player's profile; `metadata.platform`: a text in the submission's metadata."""

Text = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]

FIXED = ("operator", "order", "ties", "reset", "cron", "timezone", "where")
"""What decides where past scores stand: a board that is alive keeps it; another rule is another board."""
LAST_CALL = 60_000
"""Milliseconds before an end from which it can no longer be moved: whoever closes the board has to know it."""


class Board(BaseModel):
    """The definition of a board, as `BoardDefined` and `BoardRevised` carry it, whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    board_id: BoardId
    title: Annotated[Text, Field(max_length=100)]
    game_modes: Annotated[tuple[GameMode, ...], Field(min_length=1, max_length=16)]
    """A submission in one of these modes feeds the board."""
    operator: Operator
    """What an entry's value is: the best, the sum, the latest or the count of its scores."""
    order: Order
    minimum: Integer = 1
    """Bounds of a single score."""
    maximum: Integer = LARGEST
    ties: Ties = "first_to_reach"
    """Equal values: the earlier ranks first; or they share a rank, and go on 1,2,2,4 (shared) or 1,2,2,3 (dense)."""
    max_attempts: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    """Scores of a player that count in a season."""
    reset: Reset = "never"
    cron: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """Five fields, with reset `cron` only: a season begins whenever it matches, by the clocks of `timezone`."""
    timezone: Annotated[str, Field(min_length=1, max_length=64)] = "UTC"
    """An IANA time zone, such as `Europe/Berlin`."""
    starts_at: Clock | None = None
    """Scores before this, and from `ends_at` on, do not count."""
    ends_at: Clock | None = None
    metadata_keys: Annotated[tuple[Key, ...], Field(max_length=32)] | None = None
    """What a submission's metadata may say; None: anything."""
    where: Annotated[
        dict[Criterion, Annotated[tuple[str, ...], Field(min_length=1, max_length=64)]], Field(max_length=8)
    ] = {}
    """Only scores with one of these values for each criterion count."""
    revision: Annotated[int, Field(strict=True, ge=1)] = 1

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.reset == "cron") != (self.cron is not None):
            raise ValueError("cron is needed with reset cron, and with no other")
        check_rule(Rule(self.reset, self.cron, self.timezone))
        if self.minimum > self.maximum:
            raise ValueError("minimum is above maximum")
        if self.starts_at is not None and self.ends_at is not None and self.starts_at >= self.ends_at:
            raise ValueError("starts_at is not before ends_at")
        return self


def combine(board: Board, value: int | None, score: int) -> int:
    """The value of an entry after one more score; `value` is None for a first score."""
    match board.operator:
        case "count":
            return (value or 0) + 1
        case "latest":
            return score
        case "sum":
            return (value or 0) + score
        case "best" if value is None:
            return score
        case "best":
            return max(value, score) if board.order == "desc" else min(value, score)
        case _:
            assert_never(board.operator)


def is_better(order: Order, value: int, than: int) -> bool:
    """Whether a value ranks before another."""
    return value > than if order == "desc" else value < than


def objection(board: Board, score: int, clock: int, facts: Mapping[str, Any]) -> str | None:
    """Why a single score does not count on a board whatever came before; None when it may.

    `facts`: criterion → what is known of this submission.
    """
    if any(facts.get(criterion) not in values for criterion, values in board.where.items()):
        return "not_eligible"
    if not board.minimum <= score <= board.maximum:
        return "out_of_bounds"
    if clock < (board.starts_at or 0):
        return "not_started"
    return "season_ended" if board.ends_at is not None and clock >= board.ends_at else None


def criteria(attributes: Mapping[str, str], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Criterion → value, from the attributes of the player and the metadata of the submission."""
    return {f"player.{key}": value for key, value in attributes.items()} | {
        f"metadata.{key}": value for key, value in metadata.items() if isinstance(value, str)
    }


def revision_problem(old: Board, new: Board, clock: int) -> tuple[str, str] | None:
    """The field that keeps a living board from becoming `new` at a time, and why; None when it may."""
    for field in FIXED:
        if getattr(old, field) != getattr(new, field):
            return (
                field,
                "is fixed while the board lives, because past scores would stand elsewhere: define a new board",
            )
    if old.starts_at != new.starts_at and min(old.starts_at or 0, new.starts_at or 0) <= clock:
        return "starts_at", "cannot be moved once it has passed, nor into the past"
    moved = old.ends_at != new.ends_at
    if moved and any(end is not None and end < clock + LAST_CALL for end in (old.ends_at, new.ends_at)):
        return "ends_at", "can be moved until a minute before it passes, and only into the future"
    return None


DEFAULT_BOARDS = (
    Board(board_id="classic", title="Classic", game_modes=("classic",), operator="sum", order="desc"),
    Board(board_id="sprint", title="Sprint (ms)", game_modes=("sprint",), operator="best", order="asc"),
)
