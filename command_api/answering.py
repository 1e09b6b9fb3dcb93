"""From an outcome to an answer. Pure."""

from typing import Any

from command_api.schemas import SubmitAnswer
from shared.feed import OutcomeLine
from shared.numbers import LARGEST
from shared.positions import Position
from shared.problems import Problem, field_error

REASONS = {
    "unknown_player": (404, "user_id", "a registered player (POST /api/v1/players first)"),
    "unknown_mode": (422, "game_mode", "a game mode of some board"),
    "out_of_bounds": (422, "score", "a score within the bounds of the board"),
    "sum_out_of_range": (422, "score", f"a score that keeps the total within ±{LARGEST}"),
}


def refusal(line: OutcomeLine, position: Position) -> Problem | None:
    """The problem that an outcome is, or None when the submission counts."""
    members: dict[str, Any] = {"event_id": line.event_id, "position": str(position), "replayed": line.kind != "refused"}
    if line.kind == "conflict":
        return Problem(
            409,
            "idempotency-conflict",
            "this Idempotency-Key was used before with other content; nothing was counted",
            errors=[field_error("Idempotency-Key", "a key used with other content", "a new key for a new submission")],
            **members,
        )
    if "refused" not in (line.kind, line.first):
        return None
    status, field, expected = REASONS.get(line.reason or "", (422, "", "a submission that the fold accepts"))
    error = field_error(field, line.player_id if field == "user_id" else "", expected)
    return Problem(status, (line.reason or "refused").replace("_", "-"), expected, errors=[error], **members)


def submitted(
    line: OutcomeLine, position: Position, *, old_rank: int | None, new_rank: int, total: int
) -> SubmitAnswer:
    """The answer to a submission that counts."""
    replayed = line.kind == "duplicate"
    change = 0 if replayed or old_rank is None else old_rank - new_rank
    return SubmitAnswer(
        new_rank=new_rank,
        new_total=total,
        rank_change=change,
        message=_message(new_rank, change, replayed=replayed, first=old_rank is None),
        event_id=line.event_id,
        position=str(position),
        replayed=replayed,
    )


def _message(rank: int, change: int, *, replayed: bool, first: bool) -> str:
    if replayed:
        return f"Counted before; you are at rank {rank}"
    if first:
        return f"Welcome: you enter at rank {rank}"
    if change:
        return f"You {'climb' if change > 0 else 'drop'} {abs(change)} to rank {rank}"
    return f"You stay at rank {rank}"
