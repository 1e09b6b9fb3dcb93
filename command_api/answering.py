"""From an outcome to an answer. Pure."""

from collections.abc import Sequence
from typing import Any

from command_api.outcomes import Outcome
from command_api.schemas import BatchOutcome, BoardResult, SubmitAnswer
from shared.catalogue import Verdict
from shared.fold.state import Credit
from shared.numbers import LARGEST
from shared.positions import Position
from shared.problems import Problem, field_error
from shared.rank_changes import OutcomeLine

REASONS = {
    "unknown_player": (404, "user_id", "a registered player (POST /api/v1/players first)"),
    "unknown_mode": (422, "game_mode", "a game mode of some board"),
    "out_of_bounds": (422, "score", "a score within the bounds of the board"),
    "sum_out_of_range": (422, "score", f"a score that keeps the total within ±{LARGEST}"),
    "banned": (403, "user_id", "a player who is not banned"),
    "erased": (410, "user_id", "a player who was not erased"),
    "attempts_used_up": (409, "user_id", "a player who has attempts left in this season"),
    "not_started": (409, "game_mode", "a board that takes scores already: this one has not started"),
    "season_ended": (409, "game_mode", "a board that takes scores still: this one has ended"),
    "not_eligible": (422, "", "a player and a submission that the board admits (its `where`)"),
    "revoked": (409, "", "this submission was revoked"),
}
VERDICTS = {
    "revision": (409, "revision-conflict"),
    "exists": (409, "board-exists"),
    "retired": (409, "board-retired"),
    "unknown_board": (404, "unknown-board"),
    "fixed": (422, "fixed-field"),
    "too_many": (422, "too-many"),
}


def refusal(line: OutcomeLine, position: Position) -> Problem | None:
    """The problem that an outcome is, or None when the submission counts."""
    if line.kind != "conflict" and "refused" not in (line.kind, line.first) and line.reason is None:
        return None
    members: dict[str, Any] = {"event_id": line.event_id, "position": str(position), "replayed": line.kind != "refused"}
    if line.kind == "conflict":
        return Problem(
            409,
            "idempotency-conflict",
            "this Idempotency-Key was used before with other content; nothing was counted",
            errors=[field_error("Idempotency-Key", "a key used with other content", "a new key for a new submission")],
            **members,
        )
    status, field, expected = REASONS.get(line.reason or "", (422, "", "a submission that the fold accepts"))
    error = field_error(field, line.player_id if field == "user_id" else "", expected)
    return Problem(status, (line.reason or "refused").replace("_", "-"), expected, errors=[error], **members)


def board_refusal(verdict: Verdict, got: object, event_id: str, *, replayed: bool) -> Problem:
    """The problem that a command about a board meets; `got`: what it says in the field of the verdict."""
    assert verdict.reason is not None
    status, kind = VERDICTS.get(verdict.reason, (422, verdict.reason.replace("_", "-")))
    error = field_error(verdict.field, got, verdict.expected)
    detail = f"{verdict.field}: {verdict.expected}"
    return Problem(status, kind, detail, errors=[error], event_id=event_id, replayed=replayed)


def counted(line: OutcomeLine) -> Credit | None:
    """The credit that answers for a submission: on the first board that took it."""
    return next((credit for credit in line.credits if credit.reason is None), None)


def results(outcome: Outcome) -> list[BoardResult]:
    """What an event did on each board, with the ranks as far as the feed knows them."""
    return [_result(outcome, credit) for credit in outcome.line.credits]


def _result(outcome: Outcome, credit: Credit) -> BoardResult:
    row = outcome.row(credit.board_id, credit.season)
    return BoardResult(
        board_id=credit.board_id,
        season=credit.season,
        counted=credit.reason is None,
        reason=credit.reason,
        value=credit.value if row is None else row.value,
        personal_best=credit.improved,
        old_rank=None if row is None else row.old_rank,
        new_rank=None if row is None else row.new_rank,
        gap=None if row is None else row.gap,
    )


def batch_outcome(outcome: Outcome, key: str, position: Position) -> BatchOutcome:
    """What became of one score of a batch that the fold has judged."""
    line = outcome.line
    problem = refusal(line, position)
    status = "refused" if problem is not None and line.kind != "conflict" else line.kind
    return BatchOutcome.model_validate(
        {
            "status": status,
            "event_id": line.event_id,
            "idempotency_key": key,
            "position": str(position),
            "problem": None if problem is None else problem.body(),
            "boards": results(outcome),
        }
    )


def submitted(
    line: OutcomeLine,
    position: Position,
    *,
    old_rank: int | None,
    new_rank: int,
    total: int,
    boards: Sequence[BoardResult] = (),
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
        boards=list(boards),
    )


def _message(rank: int, change: int, *, replayed: bool, first: bool) -> str:
    if replayed:
        return f"Counted before; you are at rank {rank}"
    if first:
        return f"Welcome: you enter at rank {rank}"
    if change:
        return f"You {'climb' if change > 0 else 'drop'} {abs(change)} to rank {rank}"
    return f"You stay at rank {rank}"
