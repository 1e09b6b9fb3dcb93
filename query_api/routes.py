"""The HTTP surface of the query side."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from starlette.responses import JSONResponse

from query_api.schemas import (
    EntryAnswer,
    PageCounts,
    ProfileAnswer,
    QueryHealth,
    RankAnswer,
    TopAnswer,
    entry_fields,
    instant,
    rank_fields,
)
from query_api.state import Queries
from shared.boards import Board, GameMode
from shared.clock import now
from shared.health import examine, is_stopping
from shared.identity import PlayerId
from shared.positions import LONGEST_TOKEN
from shared.postgres import DOWN
from shared.problems import PROBLEM_CONTENT, Problem, invalid, unavailable
from shared.questions import Places, Range
from shared.seasons import Season, season_at

PLAYER = """
select coalesce(p.player_id, f.player_id) as player_id, f.username, f.attributes, p.registered_at
from (select * from players where player_id = $1) p
full join (select * from profiles where player_id = $1) f using (player_id)
"""
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": PROBLEM_CONTENT}
    for status, text in {
        404: "Not ranked, or unknown",
        409: "X-Min-Position is not reached yet",
        422: "A parameter is not valid",
        503: "Neither Redis nor Postgres can answer",
    }.items()
}
Mode = Annotated[GameMode, Query(description="which board: `classic`, `sprint`, ...")]
MinPosition = Annotated[
    str | None,
    Header(
        alias="X-Min-Position",
        max_length=LONGEST_TOKEN,
        description="Answer only from read models that contain this position; several tokens may be given, with commas",
    ),
]
router = APIRouter(tags=["queries"])


@router.get(
    "/api/leaderboard/top",
    response_model=TopAnswer,
    responses=PROBLEMS,
    summary="The first rows of a board",
    operation_id="getTop",
)
async def top(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    game_mode: Mode = "classic",
    min_position: MinPosition = None,
) -> Response:
    queries: Queries = request.state.queries
    board, season = _board(queries, game_mode)
    page = await queries.reading.ask(board, season, [Range(0, limit)], min_position)
    rows = page.parts[0].rows
    names = await queries.reading.names([row.standing.player_id for row in rows])
    answer = TopAnswer(
        entries=[EntryAnswer(**entry_fields(row, names)) for row in rows],
        total_players=page.total,
        game_mode=game_mode,
        season=season.name,
        position=str(page.position),
    )
    return _json(answer.model_dump_json(), answer.position)


@router.get(
    "/api/leaderboard/rank/{user_id}",
    response_model=RankAnswer,
    responses=PROBLEMS,
    summary="Where a player stands",
    operation_id="getRank",
)
async def rank(
    request: Request,
    user_id: Annotated[PlayerId, Path()],
    game_mode: Mode = "classic",
    min_position: MinPosition = None,
) -> Response:
    queries: Queries = request.state.queries
    board, season = _board(queries, game_mode)
    page = await queries.reading.ask(board, season, [Places([user_id])], min_position)
    if not page.parts[0].rows:
        detail = f"player {user_id} has no score in {game_mode} yet"
        raise Problem(404, "not-ranked", detail, position=str(page.position))
    [row] = page.parts[0].rows
    names = await queries.reading.names([user_id])
    answer = RankAnswer(
        **rank_fields(row, names, page.total),
        game_mode=game_mode,
        season=season.name,
        position=str(page.position),
    )
    return _json(answer.model_dump_json(), answer.position)


@router.get("/api/v1/players/{user_id}", responses=PROBLEMS, summary="A player", operation_id="getPlayer")
async def player(request: Request, user_id: Annotated[PlayerId, Path()]) -> ProfileAnswer:
    queries: Queries = request.state.queries
    try:
        row = await queries.pool.fetchrow(PLAYER, user_id)
    except DOWN as error:
        raise unavailable(f"Postgres does not answer: {error!r}") from error
    if row is None:
        raise Problem(404, "unknown-player", f"nothing is known of player {user_id}")
    return ProfileAnswer(
        user_id=user_id,
        username=row["username"] or user_id,
        attributes=row["attributes"] or {},
        registered_at=instant(row["registered_at"]) if row["registered_at"] is not None else None,
    )


@router.get(
    "/api/leaderboard/health",
    response_model=QueryHealth,
    responses={503: {"model": QueryHealth, "description": "Something is down"}},
    summary="What works and what does not",
    operation_id="getHealth",
)
async def health(request: Request) -> JSONResponse:
    queries: Queries = request.state.queries
    pages = PageCounts(answered=queries.pages.answered, read=queries.pages.read)
    report = QueryHealth(**dict(await examine(queries.checks)), pages=pages)
    if is_stopping(request.state):
        report.status = "stopping"
    return JSONResponse(report.model_dump(exclude_none=True), 200 if report.status == "ok" else 503)


def _board(queries: Queries, game_mode: str) -> tuple[Board, Season]:
    catalogue = queries.catalogue.now
    board = catalogue.primary(game_mode)
    if board is None:
        raise invalid("game_mode", game_mode, f"one of: {', '.join(catalogue.game_modes())}")
    return board, season_at(board, now())


def _json(body: str, position: str) -> Response:
    return Response(body, headers={"X-Position": position}, media_type="application/json")
