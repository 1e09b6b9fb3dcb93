"""What sessions come to on boards: one at a time, or a player's whole history anew. Pure.

Both use `credit`, so a player's rows are always what their counting sessions give, in the order of the log.
"""

from collections.abc import Iterable

from shared.boards import Board, combine, criteria, is_better, objection
from shared.catalogue import Catalogue
from shared.fold.state import Credit, Session
from shared.numbers import holds
from shared.ranking import Standing
from shared.seasons import season_at

Standings = dict[tuple[str, str], Standing]
"""Board and season → where a player stands."""


def credit(board: Board, before: Standing | None, session: Session) -> Standing | str:
    """The standing after one more session, or why it does not count. An equal value keeps the time it was reached."""
    facts = criteria(session.attributes or {}, session.metadata or {}) if board.where else {}
    reason = objection(board, session.score, session.clock, facts)
    if reason is not None:
        return reason
    played = before.games_played if before is not None else 0
    if board.max_attempts is not None and played >= board.max_attempts:
        return "attempts_used_up"
    value = combine(board, before.value if before is not None else None, session.score)
    if not holds(value):
        return "sum_out_of_range"
    if before is not None and before.value == value:
        return before._replace(games_played=played + 1, updated_at=session.clock)
    return Standing(session.player_id, value, session.clock, played + 1, session.clock, session.event_id)


def credit_all(boards: Iterable[Board], held: Standings, session: Session) -> tuple[Standings, list[Credit]]:
    """What a session changes on the boards that it feeds, and what it did for each."""
    changed, credited = Standings(), list[Credit]()
    for board in boards:
        season = season_at(board, session.clock).name
        before = held.get((board.board_id, season))
        after = credit(board, before, session)
        if isinstance(after, str):
            value = before.value if before is not None else None
            credited.append(Credit(board.board_id, season, value, reason=after))
            continue
        changed[board.board_id, season] = after
        better = before is None or is_better(board.order, after.value, before.value)
        credited.append(Credit(board.board_id, season, after.value, better))
    return changed, credited


def derive(catalogue: Catalogue, sessions: Iterable[Session]) -> Standings:
    """Where a player stands everywhere, from their sessions in the order of the log."""
    standings = Standings()
    for session in sessions:
        if session.counts:
            boards = catalogue.feeding(session.catalogue, session.game_mode)
            standings |= credit_all(boards, standings, session)[0]
    return standings
