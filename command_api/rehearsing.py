"""What a ruling would do, without doing it: the same fold, on what the tables hold of the player."""

from typing import NamedTuple

from shared.boards import Board
from shared.catalogue import Catalogue
from shared.events import Event
from shared.fold.rulings import RulingEvent, fold_ruling
from shared.fold.state import Entry, Outcome, State
from shared.histories import load_histories, load_players
from shared.postgres import DOWN, Connection, Pool
from shared.questions import Asked, Places
from shared.ranking import Standing, sort_value
from shared.records import Record
from shared.standings import Standings, StandingsUnavailable

MOST_RANKED = 200
"""Changes whose ranks are looked up: the newest seasons first; the others come without ranks."""
OTHERS = """
select count(*) filter (where (sort_value, reached_at, player_id) < ($3, $4, $5)) as place,
    count(*) filter (where sort_value < $3) as ahead,
    count(distinct sort_value) filter (where sort_value < $3) as better
from leaderboard_entries where board_id = $1 and season = $2 and value is not null and player_id <> $5
"""


class Change(NamedTuple):
    """A row as it is, and as it would be; a rank is None where there is no row, or it was not looked up."""

    board_id: str
    season: str
    before: Standing | None
    after: Standing | None
    old_rank: int | None
    new_rank: int | None


class Rehearsal(NamedTuple):
    """What would become of a ruling."""

    outcome: Outcome
    changes: list[Change]


async def rehearse(pool: Pool, standings: Standings, catalogue: Catalogue, event: Event) -> Rehearsal:
    """Fold a ruling into what is known now. Raises StandingsUnavailable."""
    assert isinstance(event, RulingEvent)
    state, player_id = State(), event.data.player_id
    try:
        async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            await load_players(connection, state, [player_id])
            await load_histories(connection, state, [player_id])
            clock = max((session.clock for session in state.sessions.values()), default=0)
            step = fold_ruling(state, catalogue, clock, Record(0, 2**62, clock, None, None), event)
            newest = sorted(step.entries, key=lambda entry: entry.season, reverse=True)[:MOST_RANKED]
            ranked = [(_board(catalogue, entry), entry) for entry in newest]
            after = {entry.key: await _rank_among_others(connection, board, entry) for board, entry in ranked}
    except DOWN as error:
        raise StandingsUnavailable(repr(error)) from error
    answers = await standings.ask_each([Asked(board, each.season, [Places([player_id])]) for board, each in ranked])
    before = {
        each.key: row.rank for (_, each), answer in zip(ranked, answers, strict=True) for row in answer.parts[0].rows
    }
    changes = [_change(state, entry, before.get(entry.key), after.get(entry.key)) for entry in step.entries]
    return Rehearsal(step.outcome, changes)


def _change(state: State, entry: Entry, old_rank: int | None, new_rank: int | None) -> Change:
    held = state.entries.get(entry.key)
    standing = held.standing if held is not None else None
    return Change(*entry.key[:2], standing, entry.standing, old_rank, new_rank)


def _board(catalogue: Catalogue, entry: Entry) -> Board:
    board = catalogue.board(entry.board_id)
    assert board is not None, entry
    return board


async def _rank_among_others(connection: Connection, board: Board, entry: Entry) -> int | None:
    """The rank that a row would have, were it written now."""
    if entry.standing is None:
        return None
    sort = sort_value(board.order, entry.standing.value)
    row = await connection.fetchrow(OTHERS, *entry.key[:2], sort, entry.standing.reached_at, entry.player_id)
    assert row is not None
    ahead: int = row[{"first_to_reach": "place", "shared": "ahead", "dense": "better"}[board.ties]]
    return ahead + 1
