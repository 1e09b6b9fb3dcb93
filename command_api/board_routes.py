"""The HTTP surface of board definitions, for the admin."""

from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Path, Request
from pydantic import ValidationError
from starlette.responses import Response

from command_api.admin import ACTOR, admin_only
from command_api.answering import board_refusal
from command_api.http import ADMIN_PROBLEMS, DryRun, answered, described, json_answer, key_of, traceparent, waits
from command_api.schemas import BoardAccepted, BoardBody, BoardChanged, ExpectedRevision, RetirementRehearsal
from command_api.state import Commands
from shared.boards import Board, BoardId
from shared.bodies import read_model
from shared.catalogue import Refused, Revision, Verdict
from shared.clock import now
from shared.events import BoardDefined, BoardRetired, BoardRevised
from shared.identity import event_id_of
from shared.problems import PROBLEM_CONTENT, Problem, from_validation, invalid

Change: TypeAlias = BoardDefined | BoardRevised | BoardRetired
ANSWERS: dict[int | str, dict[str, Any]] = {
    **ADMIN_PROBLEMS,
    202: {"model": BoardAccepted},
    404: {"description": "Unknown board", "content": PROBLEM_CONTENT},
    409: {"description": "Another revision, or state, of the board", "content": PROBLEM_CONTENT},
}
router = APIRouter(tags=["boards"], dependencies=[Depends(admin_only)])


def _schema(*, revised: bool) -> dict[str, Any]:
    """The JSON schema of a board as clients send it: who counts its revisions is the system."""
    schema = Board.model_json_schema()
    del schema["properties"]["revision"]
    if revised:
        schema["properties"] |= ExpectedRevision.model_json_schema()["properties"]
        schema["required"] = [*(name for name in schema["required"] if name != "board_id"), "expected_revision"]
    return schema


@router.post(
    "/api/v1/boards",
    status_code=201,
    response_model=BoardChanged,
    responses={200: {"model": BoardChanged, "description": "Defined before, with this key"}, **ANSWERS},
    openapi_extra=described(_schema(revised=False)),
    summary="Define a board",
    operation_id="defineBoard",
)
async def define(request: Request) -> Response:
    """It takes scores from now on; those before do not count on it."""
    body = (await read_model(request, BoardBody)).root
    return await _change(request, BoardDefined(board=_board(body)), created=True)


@router.put(
    "/api/v1/boards/{board_id}",
    response_model=BoardChanged,
    responses=ANSWERS,
    openapi_extra=described(_schema(revised=True)),
    summary="Revise a board",
    operation_id="reviseBoard",
)
async def revise(request: Request, board_id: Annotated[BoardId, Path()]) -> Response:
    """The whole definition is replaced. What decides where past scores stand is fixed."""
    body = (await read_model(request, BoardBody)).root
    if body.setdefault("board_id", board_id) != board_id:
        raise invalid("board_id", body["board_id"], f"{board_id}, as in the path, or nothing")
    wanted = ExpectedRevision.model_validate({name: body.pop(name) for name in ("expected_revision",) if name in body})
    fact = BoardRevised(board=_board(body), expected_revision=wanted.expected_revision)
    return await _change(request, fact, created=False)


@router.post(
    "/api/v1/boards/{board_id}/retire",
    response_model=BoardChanged | RetirementRehearsal,
    responses=ANSWERS,
    openapi_extra=described(ExpectedRevision.model_json_schema()),
    summary="Retire a board",
    operation_id="retireBoard",
)
async def retire(request: Request, board_id: Annotated[BoardId, Path()], dry_run: DryRun = False) -> Response:
    """It takes no scores any more and can be read for ever."""
    body = await read_model(request, ExpectedRevision)
    fact = BoardRetired(board_id=board_id, expected_revision=body.expected_revision)
    if dry_run:
        return _rehearse(request.state.commands, fact, key_of(request))
    return await _change(request, fact, created=False)


def _rehearse(commands: Commands, fact: BoardRetired, key: str) -> Response:
    """Answer what a retirement would change. Raises Problem."""
    catalogue = commands.submitting.catalogue.now
    try:
        board = catalogue.revise(fact, now()).board
    except Refused as refused:
        raise _refusal(fact, refused.verdict, event_id_of(fact.board_id, key), replayed=False) from refused
    alone = [mode for mode in board.game_modes if len(catalogue.feeding(catalogue.newest, mode)) == 1]
    answer = RetirementRehearsal(board_id=board.board_id, modes_without_board=alone)
    return json_answer(200, answer.model_dump_json(), {})


async def _change(request: Request, fact: Change, *, created: bool) -> Response:
    """Append a change that the present catalogue admits, and answer what the catalogue made of it. Raises Problem.

    Two changes of one revision may both be admitted here: which record lies first in the log decides.
    """
    commands: Commands = request.state.commands
    submitting = commands.submitting
    key = key_of(request)
    board_id = fact.board_id if isinstance(fact, BoardRetired) else fact.board.board_id
    event_id = event_id_of(board_id, key)
    headers = {"Idempotency-Key": key}
    catalogue = submitting.catalogue.now
    if event_id in catalogue.verdicts:
        _require_made(fact, catalogue.verdicts[event_id], event_id, replayed=True)
        return json_answer(200, _answer(catalogue.present()[board_id], event_id, replayed=True), headers)
    try:
        catalogue.revise(fact, now())
    except Refused as refused:
        _require_made(fact, refused.verdict, event_id, replayed=False)
    trace = traceparent(request)
    event = submitting.event(fact, board_id, key, catalogue=catalogue, actor=ACTOR, traceparent=trace)
    with answered(key):
        appended = await submitting.put("boards", event)
    try:
        timeout = submitting.settings.wait_ms / 1000 if waits(request) else 0
        reached = await submitting.catalogue.reach(appended.offset, timeout)
    except TimeoutError:
        late = BoardAccepted(board_id=board_id, event_id=event_id)
        return json_answer(202, late.model_dump_json(), headers)
    _require_made(fact, reached.verdicts[event_id], event_id, replayed=False)
    made = reached.present(appended.offset)[board_id]
    return json_answer(201 if created else 200, _answer(made, event_id, replayed=False), headers)


def _board(fields: dict[str, Any]) -> Board:
    """The board that a body defines. Raises Problem."""
    if "revision" in fields:
        raise invalid("revision", fields["revision"], "nothing: the system counts revisions")
    try:
        board = Board.model_validate(fields)
    except ValidationError as error:
        raise from_validation(error.errors(include_url=False)) from error
    if r"\u0000" in board.model_dump_json():
        raise invalid("", "U+0000", "texts without the character U+0000, which cannot be stored")
    return board


def _require_made(fact: Change, verdict: Verdict, event_id: str, *, replayed: bool) -> None:
    """Raises Problem for a verdict that is a refusal."""
    if verdict.reason is not None:
        raise _refusal(fact, verdict, event_id, replayed=replayed)


def _refusal(fact: Change, verdict: Verdict, event_id: str, *, replayed: bool) -> Problem:
    holder = fact if hasattr(fact, verdict.field) else getattr(fact, "board", None)
    return board_refusal(verdict, getattr(holder, verdict.field, ""), event_id, replayed=replayed)


def _answer(revision: Revision, event_id: str, *, replayed: bool) -> str:
    return BoardChanged(
        board_id=revision.board.board_id,
        revision=revision.board.revision,
        retired=revision.retired,
        definition=revision.board,
        event_id=event_id,
        replayed=replayed,
    ).model_dump_json()
