"""The HTTP surface of the command side."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response
from starlette.routing import Route

from command_api.answering import refusal, submitted
from command_api.domain import Refused, SubmitScore
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
from shared.boards import ALL_TIME
from shared.bodies import read_model
from shared.events import PlayerProfileSet, PlayerRegistered
from shared.fold.state import Kind
from shared.identity import IdempotencyKey, PlayerId, new_id
from shared.log import LogBusy, LogUnavailable
from shared.positions import Position
from shared.postgres import DOWN
from shared.problems import Problem, invalid
from shared.standings import StandingsUnavailable

KEY: TypeAdapter[str] = TypeAdapter(IdempotencyKey)
SESSION = """
select partition, "offset", clock, game_mode, score, outcome, reason from game_sessions
where player_id = $1 and event_id = $2
"""
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {"application/problem+json": {}}}
    for status, text in {
        400: "The body is not JSON",
        404: "Unknown player, where registration is required",
        409: "The Idempotency-Key was used with other content",
        413: "The body is too large",
        415: "The body is not application/json",
        422: "A field is not valid",
        429: "Too many submissions are on their way",
        503: "The log did not answer: outcome unknown, retry with the key",
    }.items()
}
router = APIRouter(tags=["commands"])


def _body(model: type[Any]) -> dict[str, Any]:
    """OpenAPI of a body that the route reads itself, and of the headers it takes."""
    header = {"in": "header", "required": False, "schema": {"type": "string"}}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": model.model_json_schema()}}},
        "parameters": [
            {**header, "name": "Idempotency-Key", "description": "1-255 printable ASCII characters, no spaces"},
            {**header, "name": "Prefer", "description": "`respond-async`: do not wait for the outcome"},
        ],
    }


@router.post(
    "/api/leaderboard/submit",
    response_model=SubmitAnswer,
    responses={202: {"model": AcceptedAnswer}, **PROBLEMS},
    openapi_extra=_body(SubmitRequest),
    summary="Submit a score",
)
async def submit(request: Request) -> Response:
    commands: Commands = request.state.commands
    key = _key(request)
    body = await read_model(request, SubmitRequest)
    command = SubmitScore(body.user_id, body.game_mode, body.score, body.metadata)
    with _answered(key):
        accepted = await commands.submitting.submit(
            command, key, wait=_waits(request), traceparent=_traceparent(request)
        )
    position = commands.submitting.position(accepted.partition, accepted.offset)
    answer = await _answer(commands, command, accepted, position)
    headers = {"Idempotency-Key": key, "X-Position": str(position)}
    if answer is None:
        headers["Location"] = f"/api/v1/scores/{command.player_id}/{accepted.event_id}"
        late = AcceptedAnswer(message="In the log, not applied yet", event_id=accepted.event_id, position=str(position))
        return _json(202, late.model_dump_json(), headers)
    return _json(200, answer.model_dump_json(), headers)


def add_routes(app: FastAPI) -> None:
    """Put the routes into an app: the hot one as Starlette's own, ahead of FastAPI's, which describes it."""
    app.include_router(router)
    app.router.routes.insert(0, Route("/api/leaderboard/submit", submit, methods=["POST"]))


@router.get(
    "/api/v1/scores/{user_id}/{event_id}",
    response_model=OutcomeAnswer,
    responses={422: PROBLEMS[422], 503: PROBLEMS[503]},
    summary="The outcome of a submission",
)
async def outcome(
    request: Request,
    user_id: Annotated[PlayerId, Path()],
    event_id: Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")],
) -> OutcomeAnswer:
    """`pending` is also said of a submission that was never made: the log alone knows."""
    commands: Commands = request.state.commands
    try:
        row = await commands.pool.fetchrow(SESSION, user_id, event_id)
    except DOWN as error:
        raise _down("Postgres", error) from error
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
    responses={202: {"model": PlayerAnswer}, **PROBLEMS},
    openapi_extra=_body(RegisterRequest),
    summary="Register a player",
)
async def register(request: Request) -> Response:
    """Registering again changes nothing. With a username the profile is set as well, first."""
    commands: Commands = request.state.commands
    key = _key(request)
    body = await read_model(request, RegisterRequest)
    with _answered(key):
        if body.username is not None:
            profile = PlayerProfileSet(player_id=body.user_id, username=body.username, attributes=body.attributes)
            await commands.submitting.append("players", body.user_id, profile, key, wait=_waits(request))
        fact = PlayerRegistered(player_id=body.user_id)
        accepted = await commands.submitting.append("events", body.user_id, fact, key, wait=_waits(request))
    position = commands.submitting.position(accepted.partition, accepted.offset)
    return _player(key, body.user_id, accepted, position, created=True)


@router.put(
    "/api/v1/players/{user_id}/profile",
    response_model=PlayerAnswer,
    responses={202: {"model": PlayerAnswer}, **PROBLEMS},
    openapi_extra=_body(ProfileRequest),
    summary="Set a player's profile",
)
async def set_profile(request: Request, user_id: Annotated[PlayerId, Path()]) -> Response:
    """The whole profile is replaced; the newest in the log counts."""
    commands: Commands = request.state.commands
    key = _key(request)
    body = await read_model(request, ProfileRequest)
    fact = PlayerProfileSet(player_id=user_id, username=body.username, attributes=body.attributes)
    with _answered(key):
        accepted = await commands.submitting.append("players", user_id, fact, key, wait=_waits(request))
    return _player(key, user_id, accepted, None, created=False)


async def _answer(
    commands: Commands, command: SubmitScore, accepted: Accepted, position: Position
) -> SubmitAnswer | None:
    """The answer to a submission, or None when its outcome or its rank is not known yet. Raises Problem."""
    outcome = accepted.outcome
    if outcome is None:
        return None
    problem = refusal(outcome.line, position)
    if problem is not None:
        raise problem
    board = commands.submitting.catalogue.primary(command.game_mode)
    assert board is not None, command.game_mode
    row = outcome.row(board.board_id, ALL_TIME)
    if row is not None and row.new_rank is not None:
        return submitted(outcome.line, position, old_rank=row.old_rank, new_rank=row.new_rank, total=row.value)
    try:
        page = await commands.fallback.places(board, ALL_TIME, [command.player_id])
    except StandingsUnavailable:
        return None
    if not page.rows:
        return None
    [(rank, standing)] = page.rows
    return submitted(outcome.line, position, old_rank=None, new_rank=rank, total=standing.value)


def _player(key: str, player_id: str, accepted: Accepted, position: Position | None, *, created: bool) -> Response:
    kind: Kind | None = accepted.outcome.line.kind if accepted.outcome is not None else None
    answer = PlayerAnswer(
        status="accepted" if kind is None else "applied",
        user_id=player_id,
        event_id=accepted.event_id,
        position=str(position) if position is not None else None,
        replayed=kind == "duplicate",
    )
    status = 202 if kind is None else 201 if created and kind == "applied" else 200
    return _json(status, answer.model_dump_json(), {"Idempotency-Key": key})


def _key(request: Request) -> str:
    """The client's Idempotency-Key, or a new one. Raises Problem."""
    given = request.headers.get("idempotency-key")
    if given is None:
        return new_id()
    try:
        return KEY.validate_python(given)
    except ValidationError as error:
        raise invalid("Idempotency-Key", given, "1-255 printable ASCII characters, no spaces") from error


def _waits(request: Request) -> bool:
    return "respond-async" not in request.headers.get("prefer", "")


def _traceparent(request: Request) -> str | None:
    """The caller's trace context, if it has the length and the characters of one (W3C)."""
    given = request.headers.get("traceparent", "")
    return given if len(given) == 55 and given.replace("-", "").isalnum() and given.isascii() else None


class _answered:
    """Turns what an append may raise into problems that name the key to retry with."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        headers = {"Idempotency-Key": self._key, "Retry-After": "1"}
        match error:
            case Refused():
                raise invalid(error.field, error.got, error.expected) from error
            case LogBusy():
                detail = "too many submissions are on their way; nothing was done"
                raise Problem(429, "busy", detail, headers=headers, idempotency_key=self._key) from error
            case LogUnavailable():
                detail = "the log did not answer in time: outcome unknown, retry with this key"
                raise Problem(503, "outcome-unknown", detail, headers=headers, idempotency_key=self._key) from error


def _down(what: str, error: BaseException) -> Problem:
    return Problem(503, "unavailable", f"{what} does not answer: {error!r}", headers={"Retry-After": "1"})


def _json(status: int, body: str, headers: Mapping[str, str]) -> Response:
    return Response(body, status, headers, "application/json")
