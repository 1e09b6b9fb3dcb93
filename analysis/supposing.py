"""`leaderboard replay --what-if`: the same log under other rules, and who would stand elsewhere (ADR 25)."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from analysis.log import Log
from analysis.replaying import ranks
from leaderboard.boards import InvalidFile, boards_in, definition_of, read_document
from leaderboard.counting import Count
from shared.boards import Board
from shared.catalogue import Catalogue, Revision
from shared.fold.credits import Standings, credit
from shared.fold.folding import Folding
from shared.fold.results import Results
from shared.fold.state import BoardSeason, Session, State
from shared.identity import PlayerId
from shared.positions import Position
from shared.questions import Ranked
from shared.ranking import Standing
from shared.records import Received
from shared.seasons import season_at

EXCLUDED: TypeAdapter[list[str]] = TypeAdapter(Annotated[list[PlayerId], Field(max_length=100_000)])
COMBINING = frozenset({"title", "operator", "order", "ties"})
"""Fields that leave which scores count as it was."""
SHOWN_FIELDS = 3
"""Fields that changed, named in one line."""


class Supposition(NamedTuple):
    """Other rules: boards as they might have been, and players as if they had never played."""

    boards: tuple[Board, ...]
    excluded: frozenset[str] = frozenset()

    def compared(self, catalogue: Catalogue) -> list[str]:
        """The boards that may differ."""
        every = [board.board_id for board in catalogue.boards()]
        return every if self.excluded else [board.board_id for board in self.boards]


class Move(NamedTuple):
    """A player whose rank differs. `moved`: places up; None where there is only one rank."""

    board: str
    season: str
    player_id: str
    rank_was: int | None
    rank_if: int | None
    moved: int | None
    value_was: int | None
    value_if: int | None
    games_was: int
    games_if: int
    why: str


class Summary(NamedTuple):
    """A season of a board: how many players there were and would be, and what would become of them."""

    board: str
    season: str
    players_was: int
    players_if: int
    up: int
    down: int
    same: int
    gone: int
    new: int
    rules: str


class Difference(NamedTuple):
    """What is other about a board than it was last."""

    fields: frozenset[str]
    line: str
    """For people."""


@dataclass(slots=True)
class Lost:
    """Scores of a player that count on one side only."""

    reasons: Counter[str] = field(default_factory=Counter)
    """Why scores that counted would not."""
    gained: int = 0
    """Scores that would count and did not."""

    def line(self) -> str:
        """For people."""
        lost = ", ".join(f"{count} {reason}" for reason, count in sorted(self.reasons.items()))
        return ", ".join([*([f"no longer: {lost}"] if lost else []), *([f"{self.gained} more"] if self.gained else [])])


def read_supposition(text: str) -> Supposition:
    """Other rules from a file as `leaderboard boards apply` takes it, with `exclude_players`. Raises InvalidFile."""
    document = read_document(text)
    unknown = sorted(document.keys() - {"board", "exclude_players"})
    if unknown or not document:
        raise InvalidFile(f"[[board]] tables and exclude_players are expected, not {', '.join(unknown) or 'nothing'}")
    try:
        excluded = EXCLUDED.validate_python(document.get("exclude_players", []), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidFile(f"exclude_players: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return Supposition(tuple(boards_in(document)), frozenset(excluded))


def suppose(catalogue: Catalogue, boards: Iterable[Board]) -> Catalogue:
    """The catalogue as if these boards had always been so: since they were defined; new ones since before the log."""
    wanted = {board.board_id: board for board in boards}
    kept = tuple(_supposed(catalogue, wanted))
    known = {each.board.board_id for each in kept}
    new = tuple(Revision(-1, board) for board_id, board in wanted.items() if board_id not in known)
    return replace(catalogue, revisions=(*new, *kept), _known={}, _feeds={})


def _supposed(catalogue: Catalogue, wanted: Mapping[str, Board]) -> Iterator[Revision]:
    for each in catalogue.revisions:
        board = wanted.get(each.board.board_id)
        yield each if board is None else each._replace(board=board.model_copy(update={"revision": each.board.revision}))


@dataclass(slots=True)
class Supposing:
    """Both folds of a log, side by side, a partition at a time."""

    was: Catalogue
    supposition: Supposition
    results_was: Results = field(init=False)
    results_if: Results = field(init=False)
    lost: dict[tuple[BoardSeason, str], Lost] = field(default_factory=dict)
    """Board, season and player → what counts on one side only; of players who stand otherwise."""
    catalogue_if: Catalogue = field(init=False)
    differences: dict[str, Difference] = field(init=False)
    """Of each board that is compared."""
    clock: int = 0
    """Of the partition that is the furthest."""

    def __post_init__(self) -> None:
        """Begin with empty boards."""
        self.catalogue_if = suppose(self.was, self.supposition.boards)
        compared = self.supposition.compared(self.catalogue_if)
        self.results_was, self.results_if = Results(compared), Results(compared)
        self.differences = {each: _difference(self.was.board(each), self.catalogue_if.board(each)) for each in compared}

    def begin(self) -> tuple[Folding, Folding]:
        """The two folds of the next partition."""
        return Folding(self.was), Folding(self.catalogue_if)

    def take(self, folds: tuple[Folding, Folding], received: Received) -> None:
        """Fold a record twice; of a player who is excluded, once. Raises Unfoldable."""
        self.results_was.take(folds[0].take(received))
        if (received.record.key or b"").decode(errors="replace") not in self.supposition.excluded:
            self.results_if.take(folds[1].take(received))

    def end(self, folds: tuple[Folding, Folding]) -> None:
        """See which scores count on one side only, before what was folded is forgotten."""
        self.clock = max([self.clock, *(each.clock for each in folds[0].partitions.values())])
        for board in self.supposition.boards:
            if not self.differences[board.board_id].fields <= COMBINING:
                for key in folds[1].states:
                    self._explain(board, *(fold.states.get(key, State()) for fold in folds))

    def _explain(self, board: Board, was: State, now: State) -> None:
        rows = [
            {key: each.standing for key, each in state.entries.items() if key[0] == board.board_id}
            for state in (was, now)
        ]
        if rows[0] == rows[1]:
            return
        counted = _counted(self.was, board.board_id, was)
        counting = _counted(self.catalogue_if, board.board_id, now)
        for event_id, (player_id, season, reason) in counted.items():
            _, season_if, reason_if = counting.get(event_id, (player_id, season, "no longer fed"))
            if reason is None and (reason_if is not None or season_if != season):
                self._lost(board, season, player_id).reasons[reason_if or f"in {season_if}"] += 1
        for event_id, (player_id, season, reason) in counting.items():
            if reason is None and counted.get(event_id, ("", "", "not fed"))[1:] != (season, None):
                self._lost(board, season, player_id).gained += 1

    def _lost(self, board: Board, season: str, player_id: str) -> Lost:
        return self.lost.setdefault(((board.board_id, season), player_id), Lost())

    # --- what came out ---------------------------------------------------------------------------

    def seasons(self) -> list[BoardSeason]:
        """Every season of the boards that are compared that has rows on either side."""
        return sorted(self.results_was.rows.keys() | self.results_if.rows.keys())

    def moves(self, board_id: str, season: str) -> tuple[Summary, list[Move]]:
        """Who would stand elsewhere in a season, in no order, and how many."""
        was, now = (
            self._ranked(self.was, self.results_was, board_id, season),
            self._ranked(self.catalogue_if, self.results_if, board_id, season),
        )
        moves = [
            self._move(board_id, season, player_id, was.get(player_id), now.get(player_id))
            for player_id in was.keys() | now.keys()
            if _rank_of(was.get(player_id)) != _rank_of(now.get(player_id))
        ]
        up = sum(1 for each in moves if each.moved is not None and each.moved > 0)
        down = sum(1 for each in moves if each.moved is not None and each.moved < 0)
        gone = sum(1 for each in moves if each.rank_if is None)
        new = sum(1 for each in moves if each.rank_was is None)
        same = len(was.keys() & now.keys()) - up - down
        rules = self.differences[board_id].line
        return Summary(board_id, season, len(was), len(now), up, down, same, gone, new, rules), moves

    def _ranked(self, catalogue: Catalogue, results: Results, board_id: str, season: str) -> dict[str, Ranked]:
        board = catalogue.board(board_id)
        held = ranks(board, results.standings(board_id, season)) if board is not None else []
        return {each.standing.player_id: each for each in held}

    def _move(self, board_id: str, season: str, player_id: str, was: Ranked | None, now: Ranked | None) -> Move:
        before, after = was and was.standing, now and now.standing
        moved = was.rank - now.rank if was is not None and now is not None else None
        why = self._why(board_id, season, player_id, before, after)
        values = before and before.value, after and after.value
        games = before.games_played if before else 0, after.games_played if after else 0
        return Move(board_id, season, player_id, _rank_of(was), _rank_of(now), moved, *values, *games, why)

    def _why(self, board_id: str, season: str, player_id: str, was: Standing | None, now: Standing | None) -> str:
        if player_id in self.supposition.excluded:
            return "excluded"
        lost = self.lost.get(((board_id, season), player_id))
        same = was is not None and now is not None and was[1:3] == now[1:3]
        difference = self.differences[board_id]
        if same and not difference.fields & {"order", "ties"}:
            return "others moved"
        return "; ".join(filter(None, (difference.line, lost.line() if lost is not None else "")))


async def fold_both(log: Log, position: Position, supposition: Supposition, count: Count) -> Supposing:
    """Fold the log up to a position as it was and as it would be. Raises Unfoldable, LogUnavailable, LogDamaged."""
    supposing, done, total = Supposing(log.catalogue, supposition), 0, sum(position.offsets.values())
    for partition, end in sorted(position.offsets.items()):
        folds = supposing.begin()
        async for records in log.read(partition, end):
            for each in records:
                supposing.take(folds, each)
            done += len(records)
            count(done, total)
        supposing.end(folds)
    return supposing


def furthest(moves: Iterable[Move], most: int) -> list[Move]:
    """Those that move the furthest first; who comes or goes after them, best first."""
    return heapq.nsmallest(most, moves, key=_far)


def _far(move: Move) -> tuple[int, int, str, str, str]:
    best = min(rank for rank in (move.rank_was, move.rank_if) if rank is not None)
    return (-abs(move.moved) if move.moved is not None else 0, best, move.board, move.season, move.player_id)


def _difference(old: Board | None, new: Board | None) -> Difference:
    assert new is not None
    if old is None:
        return Difference(frozenset({"board_id"}), "a new board")
    before, after = definition_of(old), definition_of(new)
    changed = [name for name in after if before[name] != after[name]]
    told = [name for name in changed if name != "title"]
    named = [f"{name} {before[name]} -> {after[name]}" for name in told[:SHOWN_FIELDS]]
    more = [f"{len(told) - SHOWN_FIELDS} more"] if len(told) > SHOWN_FIELDS else []
    return Difference(frozenset(changed), ", ".join([*named, *more]))


def _rank_of(each: Ranked | None) -> int | None:
    return each.rank if each is not None else None


def _counted(catalogue: Catalogue, board_id: str, state: State) -> dict[str, tuple[str, str, str | None]]:
    """Submission → player, season, and why it does not count on a board; None: it does."""
    found: dict[str, tuple[str, str, str | None]] = {}
    held = Standings()
    for session in sorted(state.sessions.values(), key=lambda each: each.offset):
        boards = catalogue.feeding(session.catalogue, session.game_mode)
        board = next((each for each in boards if each.board_id == board_id), None)
        if board is not None:
            season = season_at(board, session.clock).name
            found[session.event_id] = session.player_id, season, _credited(board, held, season, session)
    return found


def _credited(board: Board, held: Standings, season: str, session: Session) -> str | None:
    if not session.counts:
        return session.reason or "revoked"
    after = credit(board, held.get((board.board_id, season)), session)
    if isinstance(after, str):
        return after
    held[board.board_id, season] = after
    return None
