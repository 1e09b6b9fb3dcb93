"""The catalogue: which boards exist and which records do not count, as a fold of the boards topic. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.boards import Board
from shared.events import BoardDefinedEvent, Event, RecordVoidedEvent, Undecodable, decode
from shared.topics import Place


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The boards at every offset of the boards topic that has been read."""

    newest: int = -1
    """The newest offset read."""
    defined: tuple[tuple[int, Board], ...] = ()
    """Offset and board, in order of offset."""
    voided: frozenset[tuple[Place, int]] = frozenset()
    """Topic, partition and offset of records that an operator has voided."""
    _feeds: dict[tuple[int, str], tuple[Board, ...]] = field(default_factory=dict, compare=False, repr=False)

    def boards(self, at: int | None = None) -> tuple[Board, ...]:
        """The boards known at an offset; the newest when None."""
        limit = self.newest if at is None else at
        return tuple(board for offset, board in self.defined if offset <= limit)

    def feeding(self, at: int, game_mode: str) -> tuple[Board, ...]:
        """The boards that a game mode feeds at an offset of the catalogue."""
        key = at, game_mode
        found = self._feeds.get(key)
        if found is None:
            found = tuple(board for board in self.boards(at) if game_mode in board.game_modes)
            self._feeds[key] = found
        return found

    def board(self, board_id: str) -> Board | None:
        """The board with an id, None when there is none."""
        return next((board for _, board in self.defined if board.board_id == board_id), None)

    def primary(self, game_mode: str) -> Board | None:
        """The board that answers for a game mode: the one of its name, else the first that it feeds."""
        feeds = self.feeding(self.newest, game_mode)
        return next((board for board in feeds if board.board_id == game_mode), feeds[0] if feeds else None)

    def game_modes(self) -> list[str]:
        """Every game mode that some board takes, sorted."""
        return sorted({mode for _, board in self.defined for mode in board.game_modes})


def fold_catalogue(catalogue: Catalogue, records: Iterable[tuple[int, bytes | None]]) -> Catalogue:
    """Fold records (offset, value) of the boards topic in. The first definition of an id wins."""
    newest, defined, voided = catalogue.newest, list(catalogue.defined), set(catalogue.voided)
    known = {board.board_id for _, board in defined}
    for offset, value in records:
        newest = offset
        match _decoded(value):
            case BoardDefinedEvent(data=fact) if fact.board.board_id not in known:
                known.add(fact.board.board_id)
                defined.append((offset, fact.board))
            case RecordVoidedEvent(data=fact):
                voided.add(((fact.topic, fact.partition), fact.offset))
    return Catalogue(newest, tuple(defined), frozenset(voided))


def _decoded(value: bytes | None) -> Event | None:
    try:
        return decode(value)
    except Undecodable:
        return None
