"""The HTTP surface of players: who they are and what they have played."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from query_api.named import named_board
from query_api.player_rows import find_players, read_history, read_submissions
from query_api.player_schemas import (
    FoundPlayer,
    HistoryAnswer,
    PlayersAnswer,
    PointAnswer,
    SubmissionAnswer,
    SubmissionsAnswer,
)
from query_api.routes import PROBLEMS
from query_api.schemas import instant
from query_api.state import Queries
from shared.boards import BoardId
from shared.identity import PlayerId

END = 2**63 - 1
"""Behind every offset."""
players = APIRouter(tags=["queries"], prefix="/api/v1/players", responses=PROBLEMS)
Player = Annotated[PlayerId, Path()]


@players.get("", response_model=PlayersAnswer, summary="Search for players", operation_id="searchPlayers")
async def search(
    request: Request,
    search: Annotated[
        str,
        Query(
            min_length=1,
            max_length=64,
            pattern=r"^[^\x00-\x1f\x7f-\x9f]+$",
            description="how the id or the display name begins, in capitals or not",
        ),
    ],
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> PlayersAnswer:
    """Players who are on a board. Ids in mixed case are found as they are written only."""
    queries: Queries = request.state.queries
    found = await find_players(queries.pool, search, limit)
    return PlayersAnswer(players=[FoundPlayer(user_id=each, display_name=name) for each, name in found])


@players.get(
    "/{user_id}/submissions",
    response_model=SubmissionsAnswer,
    summary="What a player has submitted",
    operation_id="listSubmissions",
)
async def submissions(
    request: Request,
    user_id: Player,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    before: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="`next` of the page before")] = None,
) -> SubmissionsAnswer:
    """Newest first; empty for a player of whom nothing is known."""
    queries: Queries = request.state.queries
    end = int(before) if before is not None else END
    rows = await read_submissions(queries.pool, queries.catalogue.now, user_id, end, limit + 1)
    shown = [
        SubmissionAnswer(
            event_id=row.event_id,
            score=row.score,
            game_mode=row.game_mode,
            submitted_at=instant(row.clock),
            outcome="applied" if row.outcome == "applied" else "refused",
            reason=row.reason,
            revoked=row.revoked,
            boards=row.boards,
        )
        for row in rows[:limit]
    ]
    return SubmissionsAnswer(submissions=shown, next=str(rows[limit - 1].offset) if len(rows) > limit else None)


@players.get(
    "/{user_id}/history",
    response_model=HistoryAnswer,
    summary="How a player's row came about",
    operation_id="getHistory",
)
async def history(
    request: Request,
    user_id: Player,
    board: Annotated[BoardId, Query()],
    season: Annotated[str | None, Query(max_length=32, description="the present one when left out")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> HistoryAnswer:
    """The newest changes of the row, oldest first; empty where there never was one."""
    queries: Queries = request.state.queries
    definition, period = named_board(queries, board, season)
    points = await read_history(queries.pool, definition, period.name, user_id, limit)
    shown = [PointAnswer(at=instant(each.clock), score=each.value, event_id=each.event_id) for each in points]
    return HistoryAnswer(board_id=board, season=period.name, points=shown)
