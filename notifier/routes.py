"""What the live stream says of itself."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from notifier.gate import Live
from shared.health import is_stopping
from shared.histogram import Histogram

router = APIRouter(tags=["live"])


class AgeCount(BaseModel):
    """Writes of news of some age."""

    up_to_ms: Annotated[int | None, Field(description="Above the bound before; null: older than all bounds")]
    writes: int


class LiveAnswer(BaseModel):
    """The sockets of this process, and since its start how old news was when it was written to them."""

    sockets: int
    tick_ms: Annotated[int, Field(description="Between two deltas of a board, at present")]
    board: Annotated[list[AgeCount], Field(description="Deltas of boards, from the log's clock on")]
    personal: Annotated[list[AgeCount], Field(description="`me` and `around`")]


@router.get(
    "/api/v1/live",
    response_model=LiveAnswer,
    responses={503: {"model": LiveAnswer, "description": "It is going to stop, and serves on until then"}},
    operation_id="getLive",
    summary="Sockets, and how fresh what they are sent is",
)
async def live(request: Request, response: Response) -> LiveAnswer:
    found: Live = request.state.live
    fanout = found.fanout
    response.status_code = 503 if is_stopping(request.state) else 200
    return LiveAnswer(
        sockets=found.sockets.open,
        tick_ms=round(fanout.tick * 1000),
        board=_counts(fanout.board_ages),
        personal=_counts(fanout.personal_ages),
    )


def _counts(ages: Histogram) -> list[AgeCount]:
    return [AgeCount(up_to_ms=None if bound is None else int(bound), writes=writes) for bound, writes in ages.counts()]
