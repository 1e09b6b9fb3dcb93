"""Commands and what may be said of them from the request and the catalogue alone. Pure."""

from dataclasses import dataclass
from typing import Any

from shared.boards import admits
from shared.catalogue import Catalogue
from shared.events import ScoreSubmitted


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

    Only the shape, the mode and the bounds are judged here; what depends on history (a key used
    before, an unknown player, a sum out of range) is decided by the fold.
    """
    boards = catalogue.feeding(catalogue.newest, command.game_mode)
    if not boards:
        modes = ", ".join(catalogue.game_modes()) or "none is defined yet"
        raise Refused("game_mode", command.game_mode, f"one of: {modes}")
    for board in boards:
        if not admits(board, command.score):
            raise Refused("score", command.score, f"an integer from {board.minimum} to {board.maximum}")
    return ScoreSubmitted(
        player_id=command.player_id,
        game_mode=command.game_mode,
        score=command.score,
        metadata=command.metadata,
        registered_only=True if registered_only else None,
    )
