"""The HTTP surface for operators: how the system runs, and what happened last. To read only, so without a key."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from query_api.operations_schemas import EventsAnswer, OperationsAnswer, event_answer, operations_answer
from query_api.routes import PROBLEMS
from query_api.state import Queries
from shared.positions import LONGEST_TOKEN, InvalidPosition, Position, parse_token
from shared.problems import invalid

router = APIRouter(tags=["operations"], prefix="/api/v1/operations", responses={s: PROBLEMS[s] for s in (422, 503)})


@router.get("", response_model=OperationsAnswer, summary="How the system runs", operation_id="getOperations")
async def operations(request: Request) -> OperationsAnswer:
    """Projectors and partitions, pace, what became of the newest submissions."""
    queries: Queries = request.state.queries
    report = await queries.operations.report()
    sockets = getattr(request.state, "open_sockets", None)
    boards = len(queries.catalogue.now.present())
    return operations_answer(report, boards, sockets() if sockets is not None else None)


@router.get("/events", response_model=EventsAnswer, summary="The newest facts", operation_id="listEvents")
async def events(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=LONGEST_TOKEN, description="`next` of the page before")] = None,
) -> EventsAnswer:
    """Newest first, over all partitions, by the broker's clock. Display names are not in this log."""
    queries: Queries = request.state.queries
    incarnation = queries.reading.incarnation
    bound = _bound(before, incarnation) if before is not None else None
    found = await queries.tail.newest(limit, bound)
    following = str(Position(incarnation, found.before)) if found.before else None
    return EventsAnswer(events=[event_answer(record) for record in found.records], next=following)


def _bound(before: str, incarnation: str) -> dict[int, int]:
    """Partition → the offset to go on before. Raises Problem (422)."""
    try:
        position = parse_token(before)
    except InvalidPosition as error:
        raise invalid("before", before, f"`next` of an answer: {error}") from error
    if position.incarnation != incarnation:
        raise invalid("before", before, f"`next` of an answer about this log, {incarnation}")
    return dict(position.offsets)
