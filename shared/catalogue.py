"""The catalogue: which boards exist and which records do not count, as a fold of the boards topic. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from shared.boards import Board, revision_problem
from shared.events import BoardDefined, BoardRetired, BoardRevised, RecordVoided
from shared.records import Record, receive
from shared.topics import Place

MOST_BOARDS = 1_000
MOST_FED = 32
"""Boards that one game mode may feed: the work of one submission."""


class Revision(NamedTuple):
    """A board from an offset of the boards topic on."""

    offset: int
    board: Board
    retired: bool = False


class Verdict(NamedTuple):
    """What became of a command about a board: refused for a reason, or None; the field that it is about."""

    reason: str | None
    field: str = ""
    expected: str = ""


class Refused(Exception):
    """The command changes nothing."""

    def __init__(self, reason: str, field: str, expected: str) -> None:
        self.verdict = Verdict(reason, field, expected)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The boards at every offset of the boards topic that has been read."""

    newest: int = -1
    """The newest offset read."""
    revisions: tuple[Revision, ...] = ()
    """In order of offset."""
    voided: frozenset[tuple[Place, int]] = frozenset()
    """Topic, partition and offset of records that an operator has voided."""
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    """Event id → what became of the command; the first record of an id counts."""
    clock: int = 0
    """The running maximum of record timestamps, milliseconds: the only clock of this fold."""
    newer: tuple[int, str] | None = None
    """Offset and type of the first record that a newer build wrote: this one cannot say which boards there are then."""
    _known: dict[int, dict[str, Revision]] = field(default_factory=dict, compare=False, repr=False)
    _feeds: dict[tuple[int, str], tuple[Board, ...]] = field(default_factory=dict, compare=False, repr=False)

    def present(self, at: int | None = None) -> Mapping[str, Revision]:
        """Board id → its newest revision, in order of definition, as known at an offset; the newest when None."""
        limit = self.newest if at is None else at
        if limit not in self._known:
            self._known[limit] = {each.board.board_id: each for each in self.revisions if each.offset <= limit}
        return self._known[limit]

    def boards(self, at: int | None = None) -> tuple[Board, ...]:
        """The boards known at an offset, retired ones too."""
        return tuple(each.board for each in self.present(at).values())

    def feeding(self, at: int, game_mode: str) -> tuple[Board, ...]:
        """The boards that a game mode feeds at an offset of the catalogue, the one of its name first."""
        key = at, game_mode
        if key not in self._feeds:
            taking = [each.board for each in self.present(at).values() if not each.retired]
            fed = [board for board in taking if game_mode in board.game_modes]
            self._feeds[key] = tuple(sorted(fed, key=lambda board: board.board_id != game_mode))
        return self._feeds[key]

    def board(self, board_id: str) -> Board | None:
        """The board with an id, None when there is none."""
        found = self.present().get(board_id)
        return found.board if found is not None else None

    def primary(self, game_mode: str) -> Board | None:
        """The board that answers for a game mode: the one of its name, else the first that it feeds."""
        fed = self.feeding(self.newest, game_mode)
        return fed[0] if fed else self.board(game_mode)

    def game_modes(self) -> list[str]:
        """Every game mode that some board takes, sorted."""
        return sorted({mode for each in self.present().values() if not each.retired for mode in each.board.game_modes})

    def revise(self, fact: BoardDefined | BoardRevised | BoardRetired, clock: int) -> Revision:
        """The revision that a fact would make at a time. Raises Refused."""
        if isinstance(fact, BoardDefined):
            return self._define(fact.board)
        board_id = fact.board_id if isinstance(fact, BoardRetired) else fact.board.board_id
        held = self.present().get(board_id)
        if held is None:
            raise Refused("unknown_board", "board_id", f"one of: {', '.join(self.present()) or 'none is defined yet'}")
        if held.retired:
            raise Refused("retired", "board_id", "a board that is not retired")
        if held.board.revision != fact.expected_revision:
            raise Refused("revision", "expected_revision", f"{held.board.revision}, the present revision")
        if isinstance(fact, BoardRetired):
            return Revision(-1, held.board.model_copy(update={"revision": held.board.revision + 1}), retired=True)
        problem = revision_problem(held.board, fact.board, clock)
        if problem is not None:
            raise Refused("fixed", *problem)
        self._check_room(fact.board)
        return Revision(-1, fact.board.model_copy(update={"revision": held.board.revision + 1}))

    def _define(self, board: Board) -> Revision:
        if board.board_id in self.present():
            raise Refused("exists", "board_id", "an id that no board has yet")
        if len(self.present()) >= MOST_BOARDS:
            raise Refused("too_many", "board_id", f"at most {MOST_BOARDS} boards")
        self._check_room(board)
        return Revision(-1, board.model_copy(update={"revision": 1}))

    def _check_room(self, board: Board) -> None:
        for mode in board.game_modes:
            others = [each for each in self.feeding(self.newest, mode) if each.board_id != board.board_id]
            if len(others) >= MOST_FED:
                raise Refused("too_many", "game_modes", f"modes that feed at most {MOST_FED} boards; {mode} feeds them")


def fold_catalogue(catalogue: Catalogue, records: Iterable[Record]) -> Catalogue:
    """Fold records of the boards topic in: the first definition of an id wins, and the first revision of a revision."""
    for record in records:
        catalogue = _fold(catalogue, record)
    return catalogue


def _fold(catalogue: Catalogue, record: Record) -> Catalogue:
    _, event, unknown = receive(record)
    clock = max(catalogue.clock, record.timestamp)
    catalogue = replace(catalogue, newest=record.offset, clock=clock, _known={}, _feeds={})
    if unknown is not None and catalogue.newer is None:
        return replace(catalogue, newer=(record.offset, unknown))
    if event is None:
        return catalogue
    if isinstance(event.data, RecordVoided):
        place: Place = event.data.topic, event.data.partition
        return replace(catalogue, voided=catalogue.voided | {(place, event.data.offset)})
    if not isinstance(event.data, BoardDefined | BoardRevised | BoardRetired) or event.id in catalogue.verdicts:
        return catalogue
    try:
        made = catalogue.revise(event.data, clock)
    except Refused as refused:
        return replace(catalogue, verdicts={**catalogue.verdicts, event.id: refused.verdict})
    return replace(
        catalogue,
        revisions=(*catalogue.revisions, made._replace(offset=record.offset)),
        verdicts={**catalogue.verdicts, event.id: Verdict(None)},
        _known={},
        _feeds={},
    )
