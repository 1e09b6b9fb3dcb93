"""The HTTP surface of the command side: scores and players."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Request
from starlette.responses import Response

from command_api.answering import counted, refusal, results, submitted
from command_api.batch_routes import router as batch_router
from command_api.board_routes import router as board_router
from command_api.domain import SubmitScore
from command_api.http import PROBLEMS, answered, described, json_answer, key_of, traceparent, waits
from command_api.ruling_routes import router as ruling_router
from command_api.schemas import (
    AcceptedAnswer,
    OutcomeAnswer,
    PlayerAnswer,
    ProfileRequest,
    RegisterRequest,
    SubmitAnswer,
    SubmitRequest,
)
from command_api.state import Commands
from command_api.submitting import Accepted
from shared.bodies import read_model
from shared.events import EventId, PlayerProfileSet, PlayerRegistered
from shared.fold.state import Credit, Kind
from shared.identity import PlayerId
from shared.positions import Position
from shared.postgres import DOWN
from shared.problems import Problem, unavailable
from shared.questions import Places, Ranked
from shared.standings import StandingsUnavailable

SESSION = """
select partition, "offset", clock, game_mode, score, outcome, reason from game_sessions
where player_id = $1 and event_id = $2
"""
router = APIRouter(tags=["commands"])


@router.post(
    "/api/leaderboard/submit",
    response_model=SubmitAnswer,
    responses={202: {"model": AcceptedAnswer}, **PROBLEMS},
    openapi_extra=described(SubmitRequest.model_json_schema()),
    summary="Submit a score",
    operation_id="submitScore",
)
async def submit(request: Request) -> Response:
    commands: Commands = request.state.commands
    key = key_of(request)
    body = await read_model(request, SubmitRequest)
    command = SubmitScore(body.user_id, body.game_mode, body.score, body.metadata)
    with answered(key):
        accepted = await commands.submitting.submit(command, key, wait=waits(request), traceparent=traceparent(request))
    position = commands.submitting.position(accepted.partition, accepted.offset)
    answer = await _answer(commands, accepted, position)
    headers = {"Idempotency-Key": key, "X-Position": str(position)}
    if answer is None:
        headers["Location"] = f"/api/v1/scores/{command.player_id}/{accepted.event_id}"
        late = AcceptedAnswer(message="In the log, not applied yet", event_id=accepted.event_id, position=str(position))
        return json_answer(202, late.model_dump_json(), headers)
    return json_answer(200, answer.model_dump_json(), headers)


def add_routes(app: FastAPI) -> None:
    """Put the routes into an app."""
    for each in (router, batch_router, board_router, ruling_router):
        app.include_router(each)


@router.get(
    "/api/v1/scores/{user_id}/{event_id}",
    response_model=OutcomeAnswer,
    responses={422: PROBLEMS[422], 503: PROBLEMS[503]},
    summary="The outcome of a submission",
    operation_id="getSubmission",
)
async def outcome(
    request: Request, user_id: Annotated[PlayerId, Path()], event_id: Annotated[EventId, Path()]
) -> OutcomeAnswer:
    """`pending` is also said of a submission that was never made: the log alone knows."""
    commands: Commands = request.state.commands
    try:
        row = await commands.pool.fetchrow(SESSION, user_id, event_id)
    except DOWN as error:
        raise unavailable(f"Postgres does not answer: {error!r}") from error
    if row is None:
        return OutcomeAnswer(status="pending", event_id=event_id, user_id=user_id)
    return OutcomeAnswer(
        status="applied" if row["outcome"] == "applied" else "refused",
        event_id=event_id,
        user_id=user_id,
        reason=row["reason"],
        game_mode=row["game_mode"],
        score=row["score"],
        position=str(commands.submitting.position(row["partition"], row["offset"])),
        submitted_at=datetime.fromtimestamp(row["clock"] / 1000, UTC).isoformat(timespec="milliseconds"),
    )


@router.post(
    "/api/v1/players",
    response_model=PlayerAnswer,
    responses={201: {"model": PlayerAnswer}, 202: {"model": PlayerAnswer}, **PROBLEMS},
    openapi_extra=described(RegisterRequest.model_json_schema()),
    summary="Register a player",
    operation_id="registerPlayer",
)
async def register(request: Request) -> Response:
    """Registering again changes nothing. With a username the profile is set as well, first."""
    commands: Commands = request.state.commands
    key = key_of(request)
    body = await read_model(request, RegisterRequest)
    with answered(key):
        if body.username is not None:
            profile = PlayerProfileSet(player_id=body.user_id, username=body.username, attributes=body.attributes)
            if await commands.submitting.set_profile(profile, key, wait=waits(request)) is None:
                raise _erased(body.user_id)
        fact = PlayerRegistered(player_id=body.user_id)
        accepted = await commands.submitting.append("events", body.user_id, fact, key, wait=waits(request))
    position = commands.submitting.position(accepted.partition, accepted.offset)
    return _player(key, body.user_id, accepted, position, created=True)


@router.put(
    "/api/v1/players/{user_id}/profile",
    response_model=PlayerAnswer,
    responses={202: {"model": PlayerAnswer}, **PROBLEMS},
    openapi_extra=described(ProfileRequest.model_json_schema()),
    summary="Set a player's profile",
    operation_id="setProfile",
)
async def set_profile(request: Request, user_id: Annotated[PlayerId, Path()]) -> Response:
    """The whole profile is replaced; the newest in the log counts."""
    commands: Commands = request.state.commands
    key = key_of(request)
    body = await read_model(request, ProfileRequest)
    fact = PlayerProfileSet(player_id=user_id, username=body.username, attributes=body.attributes)
    with answered(key):
        accepted = await commands.submitting.set_profile(fact, key, wait=waits(request))
    if accepted is None:
        raise _erased(user_id)
    return _player(key, user_id, accepted, None, created=False)


def _erased(player_id: str) -> Problem:
    return Problem(410, "erased", f"player {player_id} was erased, and gets no name again")


async def _answer(commands: Commands, accepted: Accepted, position: Position) -> SubmitAnswer | None:
    """The answer to a submission, or None when its outcome or its rank is not known yet. Raises Problem."""
    outcome = accepted.outcome
    if outcome is None:
        return None
    line = outcome.line
    problem = refusal(line, position)
    if problem is not None:
        raise problem
    credit = counted(line)
    if credit is None:
        return None
    boards = results(outcome)
    row = outcome.row(credit.board_id, credit.season)
    if row is not None and row.new_rank is not None and row.value is not None:
        old, new, total = row.old_rank, row.new_rank, row.value
        return submitted(line, position, old_rank=old, new_rank=new, total=total, boards=boards)
    found = await _place(commands, credit, line.player_id)
    if found is None:
        return None
    total = found.standing.value
    return submitted(line, position, old_rank=None, new_rank=found.rank, total=total, boards=boards)


async def _place(commands: Commands, credit: Credit, player_id: str) -> Ranked | None:
    """Where the tables say that a player stands, for an outcome that came without ranks."""
    board = commands.submitting.catalogue.now.board(credit.board_id)
    if board is None:  # the projector has read the catalogue further than this process
        return None
    try:
        answer = await commands.fallback.ask(board, credit.season, [Places([player_id])])
    except StandingsUnavailable:
        return None
    return next(iter(answer.parts[0].rows), None)


def _player(key: str, player_id: str, accepted: Accepted, position: Position | None, *, created: bool) -> Response:
    kind: Kind | None = None
    if accepted.outcome is not None:
        kind = accepted.outcome.line.kind
        problem = refusal(accepted.outcome.line, position) if position is not None else None
        if problem is not None:
            raise problem
    answer = PlayerAnswer(
        status="accepted" if kind is None else "applied",
        user_id=player_id,
        event_id=accepted.event_id,
        position=str(position) if position is not None else None,
        replayed=kind == "duplicate",
    )
    status = 202 if kind is None else 201 if created and kind == "applied" else 200
    return json_answer(status, answer.model_dump_json(), {"Idempotency-Key": key})
