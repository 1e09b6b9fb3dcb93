"""Commands and what may be said of them from the request and the catalogue alone. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.boards import Board
from shared.catalogue import Catalogue
from shared.events import ScoreSubmitted

PLAYER = "player."
"""Begins a criterion that asks for an attribute of the player's profile."""


@dataclass(frozen=True, slots=True)
class SubmitScore:
    """Count this score for this player in a game mode."""

    player_id: str
    game_mode: str
    score: int
    metadata: dict[str, Any] | None = None


class Refused(Exception):
    """A command that no log could make right: which field, what came, what was expected."""

    def __init__(self, field: str, got: object, expected: str) -> None:
        super().__init__(f"{field}: {expected}")
        self.field = field
        self.got = got
        self.expected = expected


def decide(command: SubmitScore, catalogue: Catalogue, *, registered_only: bool) -> ScoreSubmitted:
    """The fact that a command becomes. Raises Refused.

    Only the shape, the mode and what no board takes are judged here; what depends on history or on the clock (a key
    used before, an unknown player, a season that has ended) is decided by the fold.
    """
    boards = catalogue.feeding(catalogue.newest, command.game_mode)
    if not boards:
        modes = ", ".join(catalogue.game_modes()) or "none is defined yet"
        raise Refused("game_mode", command.game_mode, f"one of: {modes}")
    if not any(board.minimum <= command.score <= board.maximum for board in boards):
        bounds = dict.fromkeys(f"from {board.minimum} to {board.maximum}" for board in boards)
        raise Refused("score", command.score, f"an integer {' or '.join(bounds)}")
    if command.metadata:
        _check_keys(boards, command.metadata)
    return ScoreSubmitted(
        player_id=command.player_id,
        game_mode=command.game_mode,
        score=command.score,
        metadata=command.metadata,
        registered_only=True if registered_only else None,
    )


def attributes_asked(catalogue: Catalogue, game_mode: str) -> list[str]:
    """The keys of the player's attributes on which some board of a mode depends, sorted; mostly none."""
    boards = catalogue.feeding(catalogue.newest, game_mode)
    criteria = {criterion for board in boards for criterion in board.where if criterion.startswith(PLAYER)}
    return sorted(criterion.removeprefix(PLAYER) for criterion in criteria)


def _check_keys(boards: Sequence[Board], metadata: dict[str, Any]) -> None:
    """Refuse metadata that no board declares; a board that declares nothing takes anything."""
    declared: set[str] = set()
    for board in boards:
        if board.metadata_keys is None:
            return
        declared |= set(board.metadata_keys)
    unknown = sorted(metadata.keys() - declared)
    if unknown:
        raise Refused("metadata", unknown, f"no keys but: {', '.join(sorted(declared)) or '(none)'}")
