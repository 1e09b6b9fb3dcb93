"""The hot reads of the query side, for the common shape of a request; `routes.py` has the full routes behind them."""

import re
from functools import lru_cache
from typing import NamedTuple

import orjson
from starlette.types import Receive, Scope

from query_api import pages, placing
from query_api.schemas import rank_fields
from query_api.state import Queries
from shared.boards import Board
from shared.clock import now
from shared.hot import Handlers, Reply, json_reply
from shared.identity import is_player_id
from shared.positions import InvalidPosition, Position, parse_position
from shared.seasons import season_at

RANK = "/api/leaderboard/rank/"
LONGEST_QUERY = 64
"""Bytes: `game_mode` and `limit` fit. What is longer is not kept, so that nobody fills the memory."""
LIMIT = re.compile(rb"[1-9][0-9]{0,2}|1000")
MODE = re.compile(rb"[a-z0-9][a-z0-9_-]{0,31}")


class Parameters(NamedTuple):
    """What a query string asks for."""

    game_mode: str = "classic"
    limit: int = 100


async def top(scope: Scope, _receive: Receive) -> Reply | None:
    """The first rows of a board."""
    asked, queries = _parameters(scope), _queries(scope)
    at = _present(queries, asked.game_mode) if asked is not None else None
    if asked is None or at is None:
        return None
    board, season = at
    page = await queries.pages.ask(pages.Wanted(board.board_id, season, *asked))
    return page.reply if page is not None and _is_enough(scope, page.position) else None


async def rank(scope: Scope, _receive: Receive) -> Reply | None:
    """Where a player stands."""
    asked, queries, player_id = _parameters(scope), _queries(scope), scope["path"][len(RANK) :]
    at = _present(queries, asked.game_mode) if asked is not None and is_player_id(player_id) else None
    if asked is None or at is None:
        return None
    board, season = at
    placed = await queries.placing.ask(placing.Wanted(board.board_id, season, player_id))
    if placed is None or not _is_enough(scope, placed.position):
        return None
    row, names, total, _, token = placed
    fields = rank_fields(row, names, total) | {"game_mode": asked.game_mode, "season": season, "position": token}
    return json_reply(orjson.dumps(fields), token)


HOT: Handlers = {("GET", "/api/leaderboard/top"): top, ("GET", RANK): rank}


def _queries(scope: Scope) -> Queries:
    queries: Queries = scope["state"]["queries"]
    return queries


def _present(queries: Queries, game_mode: str) -> tuple[Board, str] | None:
    """The board that answers for a game mode and the name of its present season, if that is read from Redis."""
    board = queries.catalogue.now.primary(game_mode)
    if board is None:
        return None
    season = season_at(board, now())
    return None if queries.reading.is_archived(season) else (board, season.name)


def _parameters(scope: Scope) -> Parameters | None:
    query: bytes = scope["query_string"]
    return _parsed(query) if len(query) <= LONGEST_QUERY else None


@lru_cache(maxsize=1_024)
def _parsed(query: bytes) -> Parameters | None:
    """What a plain query string asks for; None for anything else in it."""
    pairs = [pair.partition(b"=")[::2] for pair in query.split(b"&")] if query else []
    given = dict(pairs)
    mode, limit = given.pop(b"game_mode", b"classic"), given.pop(b"limit", b"100")
    plain = not given and len(pairs) == len({name for name, _ in pairs})
    if not plain or MODE.fullmatch(mode) is None or LIMIT.fullmatch(limit) is None:
        return None
    return Parameters(mode.decode(), int(limit))


def _is_enough(scope: Scope, position: Position) -> bool:
    """Whether a position contains the one that the request names, if it names one."""
    token = next((value for name, value in scope["headers"] if name == b"x-min-position"), None)
    if token is None:
        return True
    try:
        return position.covers(parse_position(token.decode("latin-1")))
    except InvalidPosition:
        return False
