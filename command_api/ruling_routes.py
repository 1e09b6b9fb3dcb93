"""The HTTP surface of rulings on scores and players, for the admin."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from command_api.admin import ACTOR, admin_only
from command_api.answering import refusal, results
from command_api.http import ADMIN_PROBLEMS, DryRun, answered, described, json_answer, key_of, waits
from command_api.rehearsing import rehearse
from command_api.schemas import EraseRequest, RehearsalAnswer, RulingAnswer, RulingRequest, change_answer
from command_api.state import Commands
from shared.bodies import read_model
from shared.events import (
    EventId,
    Fact,
    PlayerBanned,
    PlayerErased,
    PlayerReinstated,
    ScoreRestored,
    ScoreRevoked,
)
from shared.identity import PlayerId
from shared.problems import Problem, unavailable
from shared.standings import StandingsUnavailable

RULING = described(RulingRequest.model_json_schema())
router = APIRouter(
    tags=["rulings"], dependencies=[Depends(admin_only)], responses={202: {"model": RulingAnswer}, **ADMIN_PROBLEMS}
)
Player = Annotated[PlayerId, Path()]
Submission = Annotated[EventId, Path()]


@router.post(
    "/api/v1/scores/{user_id}/{event_id}/revoke",
    response_model=RulingAnswer | RehearsalAnswer,
    openapi_extra=RULING,
    summary="Revoke a score",
    operation_id="revokeScore",
)
async def revoke(request: Request, user_id: Player, event_id: Submission, dry_run: DryRun = False) -> Response:
    """It does not count any more; one that is not in the log yet will not count when it comes."""
    body = await read_model(request, RulingRequest)
    return await _rule(
        request, user_id, ScoreRevoked(player_id=user_id, event_id=event_id, reason=body.reason), dry_run
    )


@router.post(
    "/api/v1/scores/{user_id}/{event_id}/restore",
    response_model=RulingAnswer | RehearsalAnswer,
    openapi_extra=RULING,
    summary="Restore a revoked score",
    operation_id="restoreScore",
)
async def restore(request: Request, user_id: Player, event_id: Submission, dry_run: DryRun = False) -> Response:
    """It counts after all, as of when it was submitted."""
    body = await read_model(request, RulingRequest)
    return await _rule(
        request, user_id, ScoreRestored(player_id=user_id, event_id=event_id, reason=body.reason), dry_run
    )


@router.post(
    "/api/v1/players/{user_id}/ban",
    response_model=RulingAnswer | RehearsalAnswer,
    openapi_extra=RULING,
    summary="Ban a player",
    operation_id="banPlayer",
)
async def ban(request: Request, user_id: Player, dry_run: DryRun = False) -> Response:
    """Gone from every board, past seasons too; what the player submits is refused."""
    body = await read_model(request, RulingRequest)
    return await _rule(request, user_id, PlayerBanned(player_id=user_id, reason=body.reason), dry_run)


@router.post(
    "/api/v1/players/{user_id}/reinstate",
    response_model=RulingAnswer | RehearsalAnswer,
    openapi_extra=RULING,
    summary="Reinstate a banned player",
    operation_id="reinstatePlayer",
)
async def reinstate(request: Request, user_id: Player, dry_run: DryRun = False) -> Response:
    """Back on every board, as before the ban."""
    body = await read_model(request, RulingRequest)
    return await _rule(request, user_id, PlayerReinstated(player_id=user_id, reason=body.reason), dry_run)


@router.post(
    "/api/v1/players/{user_id}/erase",
    response_model=RulingAnswer | RehearsalAnswer,
    openapi_extra=described(EraseRequest.model_json_schema()),
    summary="Erase a player",
    operation_id="erasePlayer",
)
async def erase(request: Request, user_id: Player, dry_run: DryRun = False) -> Response:
    """Name and attributes are forgotten, for ever; nobody submits under this id again."""
    commands: Commands = request.state.commands
    body = await read_model(request, EraseRequest)
    entries = body.entries or commands.submitting.settings.erased_entries
    return await _rule(request, user_id, PlayerErased(player_id=user_id, entries=entries), dry_run, forgotten=True)


async def _rule(request: Request, user_id: str, fact: Fact, dry_run: bool, *, forgotten: bool = False) -> Response:
    """Append a ruling and answer its outcome. Raises Problem.

    `forgotten`: the profile goes first, so that whoever sees the ruling applied finds no name; a retry does both again.
    """
    submitting = request.state.commands.submitting
    key = key_of(request)
    if dry_run:
        return await _rehearse(request.state.commands, user_id, fact, key)
    with answered(key):
        if forgotten:
            await submitting.forget_profile(user_id)
        accepted = await submitting.append("events", user_id, fact, key, wait=waits(request), actor=ACTOR)
    position = submitting.position(accepted.partition, accepted.offset)
    outcome = accepted.outcome
    problem = refusal(outcome.line, position) if outcome is not None else None
    if problem is not None:
        raise problem
    answer = RulingAnswer(
        status="accepted" if outcome is None else "applied",
        user_id=user_id,
        event_id=accepted.event_id,
        position=str(position),
        replayed=outcome is not None and outcome.line.kind == "duplicate",
        boards=[] if outcome is None else results(outcome),
    )
    headers = {"Idempotency-Key": key, "X-Position": str(position)}
    return json_answer(202 if outcome is None else 200, answer.model_dump_json(), headers)


async def _rehearse(commands: Commands, user_id: str, fact: Fact, key: str) -> Response:
    """Answer what a ruling would change. Raises Problem."""
    catalogue = commands.submitting.catalogue.now
    event = commands.submitting.event(fact, user_id, key, catalogue=catalogue, actor=ACTOR)
    try:
        found = await rehearse(commands.pool, commands.fallback, catalogue, event)
    except StandingsUnavailable as error:
        raise unavailable(f"the tables cannot be read now: {error}") from error
    if found.outcome.kind == "refused":
        raise Problem(404, "unknown-player", f"nothing is known of player {user_id}")
    answer = RehearsalAnswer(user_id=user_id, changes=[change_answer(each) for each in found.changes])
    return json_answer(200, answer.model_dump_json(), {})
