"""Boards: what is ranked, how scores combine and which way the order goes. Pure."""

from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field

from shared.numbers import LARGEST, Integer

BoardId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
GameMode = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
Operator = Literal["sum", "best"]
Order = Literal["desc", "asc"]

ALL_TIME = "all"
"""The one season of a board that never resets."""


class Board(BaseModel):
    """The definition of a board, as the fact `BoardDefined` carries it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    board_id: BoardId
    title: Annotated[str, Field(min_length=1, max_length=100)]
    game_modes: Annotated[tuple[GameMode, ...], Field(min_length=1, max_length=16)]
    operator: Operator
    order: Order
    minimum: Integer = 1
    maximum: Integer = LARGEST
    ties: Literal["first_to_reach"] = "first_to_reach"
    reset: Literal["never"] = "never"
    revision: Annotated[int, Field(strict=True, ge=1)] = 1


def admits(board: Board, score: int) -> bool:
    """Whether a single score lies within the board's bounds."""
    return board.minimum <= score <= board.maximum


def combine(board: Board, value: int | None, score: int) -> int:
    """The value of an entry after one more score; `value` is None for a first score."""
    if value is None:
        return score
    match board.operator:
        case "sum":
            return value + score
        case "best":
            return max(value, score) if board.order == "desc" else min(value, score)
        case _:
            assert_never(board.operator)


def season_at(board: Board, clock: int) -> str:
    """The season of the board that a fold clock (milliseconds) falls in."""
    assert board.reset == "never", clock
    return ALL_TIME


DEFAULT_BOARDS = (
    Board(board_id="classic", title="Classic", game_modes=("classic",), operator="sum", order="desc"),
    Board(board_id="sprint", title="Sprint (ms)", game_modes=("sprint",), operator="best", order="asc"),
)
