"""What a request names: a board, and a season of it."""

from query_api.state import Queries
from shared.boards import Board
from shared.catalogue import Revision
from shared.clock import now
from shared.problems import Problem, invalid
from shared.seasons import Season, season_at, season_named


def named_revision(queries: Queries, board_id: str) -> Revision:
    """A board by its id. Raises Problem (404)."""
    known = queries.catalogue.now.present()
    if board_id not in known:
        raise Problem(404, "unknown-board", f"there is no board {board_id}; GET /api/v1/boards has them all")
    return known[board_id]


def named_board(queries: Queries, board_id: str, season: str | None) -> tuple[Board, Season]:
    """A board with a season of it, the present one for None. Raises Problem (404, 422)."""
    board = named_revision(queries, board_id).board
    return board, season_at(board, now()) if season is None else named_season(board, season)


def named_season(board: Board, name: str) -> Season:
    """A season by its name. Raises Problem (422)."""
    found = season_named(board, name)
    if found is None:
        present = season_at(board, now()).name
        raise invalid("season", name, f"a season of a board that resets {board.reset}; the present one is {present}")
    return found
