"""The HTTP surface of boards and of every question about their entries, in present and past seasons."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Query, Request, Response

from query_api.cursors import LONGEST_CURSOR, Cursor, InvalidCursor, decode_cursor, encode_cursor
from query_api.metadata import read_metadata
from query_api.named import named_board, named_revision, named_season
from query_api.operations_routes import router as operations_router
from query_api.player_routes import players as player_router
from query_api.routes import PROBLEMS, MinPosition
from query_api.schemas import (
    BoardAnswer,
    BoardRank,
    BoardsAnswer,
    EntriesAnswer,
    FoundAnswer,
    PastSeasonAnswer,
    PercentileAnswer,
    PlayerRanksAnswer,
    Positioned,
    QueryRequest,
    ResultAnswer,
    RowAnswer,
    RowOfAnswer,
    SeasonsAnswer,
    ViewAnswer,
    WouldRankAnswer,
    friend_answers,
    row_answer,
    season_answer,
)
from query_api.state import Queries
from shared.boards import Board, BoardId, GameMode
from shared.bodies import read_model
from shared.catalogue import Revision
from shared.clock import now
from shared.identity import PlayerId, is_player_id
from shared.numbers import LARGEST
from shared.positions import Position
from shared.postgres import DOWN
from shared.problems import Problem, invalid, unavailable
from shared.questions import (
    After,
    Answer,
    Around,
    AroundScore,
    AtPercentile,
    Before,
    FromRank,
    Places,
    Question,
    Range,
    Ranked,
    WouldRank,
    key_of,
    rank_among,
)
from shared.seasons import Season, season_at, season_of

MOST_FRIENDS = 100
"""An URL has to hold them; POST entries/query takes 1,000."""
LARGEST_QUERY = 128 * 1024
"""Bytes of a body: a thousand ids of the greatest length fit."""
SEASONS = """
select s.season, coalesce(jsonb_agg(jsonb_build_object(
    'kind', r.kind, 'players', r.players, 'digest', r.digest, 'cut', r.cut) order by r.kind)
    filter (where r.kind is not null), '[]') as results
from (
    select board_id, season, starts_at from seasons where board_id = $1 and starts_at < $2
    order by starts_at desc limit $3
) s left join season_results r on r.board_id = s.board_id and r.season = s.season
group by s.season, s.starts_at order by s.starts_at desc
"""
BODY = {"application/json": {"schema": QueryRequest.model_json_schema()}}
router = APIRouter(tags=["boards"], prefix="/api/v1/boards", responses=PROBLEMS)
players = APIRouter(tags=["queries"], prefix="/api/v1/players", responses=PROBLEMS)
BoardPath = Annotated[BoardId, Path()]
Player = Annotated[PlayerId, Path()]
SeasonName = Annotated[
    str | None, Query(alias="season", max_length=32, description="such as `2026-W48`; the present one when left out")
]
WithMetadata = Annotated[bool, Query(description="with the metadata of the submissions that made the rows")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Side = Annotated[int, Query(ge=0, le=500)]
Score = Annotated[int, Query(ge=-LARGEST, le=LARGEST)]


def add_routes(app: FastAPI) -> None:
    """Put the routes into an app."""
    app.include_router(router)
    app.include_router(players)
    app.include_router(player_router)
    app.include_router(operations_router)


@router.get("", response_model=BoardsAnswer, summary="Every board", operation_id="listBoards")
async def boards(request: Request) -> BoardsAnswer:
    queries: Queries = request.state.queries
    return BoardsAnswer(boards=[_board_answer(each) for each in queries.catalogue.now.present().values()])


@router.get("/{board_id}", response_model=BoardAnswer, summary="A board", operation_id="getBoard")
async def board(request: Request, board_id: BoardPath) -> BoardAnswer:
    return _board_answer(named_revision(request.state.queries, board_id))


@router.get(
    "/{board_id}/seasons",
    response_model=SeasonsAnswer,
    summary="Seasons that somebody has played in",
    operation_id="listSeasons",
)
async def seasons(
    request: Request,
    board_id: BoardPath,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    before: Annotated[str | None, Query(max_length=32, description="`next` of the page before")] = None,
) -> SeasonsAnswer:
    queries: Queries = request.state.queries
    board = named_revision(queries, board_id).board
    begin = named_season(board, before).starts_at if before is not None else 2**62
    try:
        rows = await queries.pool.fetch(SEASONS, board_id, begin, limit + 1)
    except DOWN as error:
        raise unavailable(f"Postgres does not answer: {error!r}") from error
    found = [_past(queries, season_of(board, row["season"]), row["results"]) for row in rows[:limit]]
    return SeasonsAnswer(seasons=found, next=found[-1].season if len(rows) > limit else None)


@router.get("/{board_id}/entries", response_model=EntriesAnswer, summary="Rows of a board", operation_id="listEntries")
async def entries(
    request: Request,
    board_id: BoardPath,
    season: SeasonName = None,
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(max_length=LONGEST_CURSOR, description="`next` or `previous`")] = None,
    rank: Annotated[int | None, Query(ge=1, le=2**31, description="begin at the first row with this rank")] = None,
    around_player: Annotated[PlayerId | None, Query(description="this player, `above` and `below`")] = None,
    around_score: Annotated[Score | None, Query(description="where it would stand, `above` and `below`")] = None,
    above: Side = 5,
    below: Side = 5,
    metadata: WithMetadata = False,
    min_position: MinPosition = None,
) -> Response:
    """The first rows; or those at a cursor, from a rank on, around a player, around a score."""
    queries: Queries = request.state.queries
    going_on = _going_on(queries, board_id, season, cursor) if cursor is not None else None
    # Without a season a cursor stays in its own, also when the next one has begun meanwhile.
    board, period = named_board(queries, board_id, going_on.season if going_on is not None else season)
    given = [
        name
        for name, value in (
            ("cursor", cursor),
            ("rank", rank),
            ("around_player", around_player),
            ("around_score", around_score),
        )
        if value is not None
    ]
    if len(given) > 1:
        raise invalid(given[1], " and ".join(given), "only one of cursor, rank, around_player and around_score")
    question: Question = FromRank(rank, limit) if rank is not None else Range(0, limit)
    if going_on is not None:
        question = Before(going_on.key, limit) if going_on.backward else After(going_on.key, limit)
    elif around_player is not None:
        question = Around(around_player, above, below)
    elif around_score is not None:
        question = AroundScore(around_score, above, below)
    answer = await queries.reading.ask(board, period, [question], min_position)
    rows = answer.parts[0].rows
    if around_player is not None and not rows:
        raise _not_ranked(board, period, around_player, answer)
    return _json(
        EntriesAnswer(
            **_head(board, period.name, answer),
            entries=await _rows(queries, answer, rows, (board, period.name) if metadata else None),
            next=_cursor(queries, board, period.name, rows[-1:], answer, backward=False),
            previous=_cursor(queries, board, period.name, rows[:1], answer, backward=True),
        )
    )


@router.post(
    "/{board_id}/entries/query",
    response_model=FoundAnswer,
    openapi_extra={"requestBody": {"required": True, "content": BODY}},
    summary="Many players at once",
    operation_id="findEntries",
)
async def query(
    request: Request, board_id: BoardPath, season: SeasonName = None, min_position: MinPosition = None
) -> Response:
    """Friends, a party, a guild: the rows of these players, best first, and who of them has none."""
    queries: Queries = request.state.queries
    board, period = named_board(queries, board_id, season)
    wanted = list(dict.fromkeys((await read_model(request, QueryRequest, LARGEST_QUERY)).user_ids))
    answer = await queries.reading.ask(board, period, [Places(wanted)], min_position)
    rows = answer.parts[0].rows
    names = await _names(queries, rows)
    return _json(
        FoundAnswer(
            **_head(board, period.name, answer),
            entries=friend_answers(rank_among(board.ties, rows), answer.total, names),
            not_found=_missing(wanted, rows),
        )
    )


@router.get(
    "/{board_id}/entries/{user_id}", response_model=RowOfAnswer, summary="One player's row", operation_id="getEntry"
)
async def entry(
    request: Request,
    board_id: BoardPath,
    user_id: Player,
    season: SeasonName = None,
    metadata: WithMetadata = False,
    min_position: MinPosition = None,
) -> Response:
    queries: Queries = request.state.queries
    board, period = named_board(queries, board_id, season)
    answer = await queries.reading.ask(board, period, [Places([user_id])], min_position)
    rows = await _rows(queries, answer, answer.parts[0].rows, (board, period.name) if metadata else None)
    if not rows:
        raise _not_ranked(board, period, user_id, answer)
    return _json(RowOfAnswer(**_head(board, period.name, answer), entry=rows[0]))


@router.get(
    "/{board_id}/view",
    response_model=ViewAnswer,
    summary="Me, the top, around me and my friends",
    operation_id="getView",
)
async def view(
    request: Request,
    board_id: BoardPath,
    user_id: Annotated[PlayerId, Query()],
    season: SeasonName = None,
    top: Annotated[int, Query(ge=0, le=1000)] = 10,
    above: Side = 5,
    below: Side = 5,
    friends: Annotated[str, Query(max_length=66 * MOST_FRIENDS, description="player ids, with commas")] = "",
    min_position: MinPosition = None,
) -> Response:
    """One answer of one instant, for the screen of a player."""
    queries: Queries = request.state.queries
    board, period = named_board(queries, board_id, season)
    named = list(dict.fromkeys(each for each in friends.split(",") if each))
    wrong = next((each for each in named if not is_player_id(each)), None)
    if wrong is not None or len(named) > MOST_FRIENDS:
        raise invalid("friends", wrong or f"{len(named)} ids", f"at most {MOST_FRIENDS} player ids, with commas")
    questions: list[Question] = [Places([user_id]), Range(0, top), Around(user_id, above, below), Places(named)]
    answer = await queries.reading.ask(board, period, questions, min_position)
    parts = [part.rows for part in answer.parts]
    names = await _names(queries, [row for rows in parts for row in rows])
    me, first, around = ([row_answer(row, answer.total, names) for row in rows] for rows in parts[:3])
    return _json(
        ViewAnswer(
            **_head(board, period.name, answer),
            me=me[0] if me else None,
            top=first,
            around=around,
            friends=friend_answers(rank_among(board.ties, parts[3]), answer.total, names),
            not_found=_missing(named, parts[3]),
        )
    )


@router.get(
    "/{board_id}/would-rank",
    response_model=WouldRankAnswer,
    summary="What rank a score would get",
    operation_id="getWouldRank",
)
async def would_rank(
    request: Request, board_id: BoardPath, score: Score, season: SeasonName = None, min_position: MinPosition = None
) -> Response:
    """If another player reached this value now."""
    queries: Queries = request.state.queries
    board, period = named_board(queries, board_id, season)
    answer = await queries.reading.ask(board, period, [WouldRank(score)], min_position)
    rank = answer.parts[0].rank
    assert rank is not None
    return _json(WouldRankAnswer(**_head(board, period.name, answer), score=score, rank=rank))


@router.get(
    "/{board_id}/percentile",
    response_model=PercentileAnswer,
    summary="The score for a percentile",
    operation_id="getPercentile",
)
async def percentile(
    request: Request,
    board_id: BoardPath,
    p: Annotated[float, Query(ge=0, le=100, allow_inf_nan=False)],
    season: SeasonName = None,
    min_position: MinPosition = None,
) -> Response:
    queries: Queries = request.state.queries
    board, period = named_board(queries, board_id, season)
    hundredths = round(p * 100)
    answer = await queries.reading.ask(board, period, [AtPercentile(hundredths)], min_position)
    rows = await _rows(queries, answer, answer.parts[0].rows)
    head = _head(board, period.name, answer)
    return _json(PercentileAnswer(**head, percentile=hundredths / 100, entry=rows[0] if rows else None))


@players.get(
    "/{user_id}/ranks",
    response_model=PlayerRanksAnswer,
    summary="A player's ranks on all boards",
    operation_id="getPlayerRanks",
)
async def ranks(
    request: Request,
    user_id: Player,
    game_mode: Annotated[GameMode | None, Query(description="only boards that take scores of this mode")] = None,
    min_position: MinPosition = None,
) -> Response:
    """Each board at its own position; boards where the player is not ranked are left out."""
    queries: Queries = request.state.queries
    known = queries.catalogue.now.boards()
    boards = [board for board in known if game_mode is None or game_mode in board.game_modes]
    if not boards and game_mode is not None:
        raise invalid("game_mode", game_mode, f"one of: {', '.join(queries.catalogue.now.game_modes())}")
    moment = now()
    seasons = [(board, season_at(board, moment)) for board in boards]
    found = await queries.reading.everywhere(user_id, seasons, min_position)
    names = await queries.reading.names([user_id])
    ranks = [
        BoardRank(
            **_head(asked.board, asked.season, answer),
            title=asked.board.title,
            entry=row_answer(answer.parts[0].rows[0], answer.total, names),
        )
        for asked, answer in found.answers
    ]
    return _json(PlayerRanksAnswer(user_id=user_id, ranks=ranks, position=str(found.position)))


def _board_answer(revision: Revision) -> BoardAnswer:
    board = revision.board
    return BoardAnswer(
        board_id=board.board_id,
        revision=board.revision,
        retired=revision.retired,
        definition=board,
        season=season_answer(season_at(board, now())),
    )


def _past(queries: Queries, season: Season, results: Sequence[dict[str, Any]]) -> PastSeasonAnswer:
    shown = [
        ResultAnswer(
            kind=each["kind"],
            players=each["players"],
            digest=each["digest"],
            position=str(Position(queries.reading.incarnation, {int(p): at for p, at in each["cut"].items()})),
        )
        for each in results
    ]
    return PastSeasonAnswer(**season_answer(season).model_dump(), results=shown)


def _going_on(queries: Queries, board_id: str, season: str | None, text: str) -> Cursor:
    """What a cursor says. Raises Problem (404, 422)."""
    named_revision(queries, board_id)
    try:
        return decode_cursor(queries.cursor_key, board_id, season, text)
    except InvalidCursor as error:
        raise invalid("cursor", text, f"`next` or `previous` of an answer about this season: {error}") from error


def _cursor(
    queries: Queries, board: Board, season: str, rows: Sequence[Ranked], answer: Answer, *, backward: bool
) -> str | None:
    """Where to go on from the first or last row; None where there is nothing more that way."""
    if not rows or rows[0].place == (0 if backward else answer.total - 1):
        return None
    return encode_cursor(queries.cursor_key, board.board_id, Cursor(season, key_of(board, rows[0].standing), backward))


async def _names(queries: Queries, rows: Sequence[Ranked]) -> dict[str, str]:
    return await queries.reading.names(list(dict.fromkeys(row.standing.player_id for row in rows)))


async def _rows(
    queries: Queries, answer: Answer, rows: Sequence[Ranked], described: tuple[Board, str] | None = None
) -> list[RowAnswer]:
    """Rows as clients see them; with their metadata if it is said of which season of which board they are."""
    names = await _names(queries, rows)
    known = await read_metadata(queries.pool, *described, rows) if described is not None else {}
    return [row_answer(row, answer.total, names, known.get(row.standing.player_id)) for row in rows]


def _missing(player_ids: Sequence[str], rows: Sequence[Ranked]) -> list[str]:
    found = {row.standing.player_id for row in rows}
    return [player_id for player_id in player_ids if player_id not in found]


def _head(board: Board, season: str, answer: Answer) -> dict[str, Any]:
    """What every answer says of itself."""
    return {
        "board_id": board.board_id,
        "season": season,
        "total_players": answer.total,
        "position": str(answer.position),
    }


def _not_ranked(board: Board, season: Season, player_id: str, answer: Answer) -> Problem:
    detail = f"player {player_id} is not ranked on {board.board_id} in season {season.name}"
    return Problem(404, "not-ranked", detail, position=str(answer.position))


def _json(answer: Positioned | PlayerRanksAnswer) -> Response:
    return Response(answer.model_dump_json(), headers={"X-Position": answer.position}, media_type="application/json")
