"""The pure fold of the log with its past: any board at any position. Pure."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from shared.boards import Board
from shared.catalogue import Catalogue
from shared.fold.fold import fold
from shared.fold.state import State, Step
from shared.ranking import Standing, order_key
from shared.records import Received, Record, receive
from shared.seasons import ALL_TIME

Place: TypeAlias = tuple[int, int]
"""Partition and offset."""
OrderKey: TypeAlias = tuple[int, int, bytes]


class Change(NamedTuple):
    """What a record did to a player's row on a board."""

    offset: int
    before: Standing | None
    after: Standing | None


@dataclass(slots=True)
class History:
    """The fold of a whole log, and the way there."""

    catalogue: Catalogue
    state: State = field(default_factory=State)
    records: dict[Place, Received] = field(default_factory=dict)
    first: dict[tuple[str, str], Place] = field(default_factory=dict)
    """Submission → its first record, by the bytes in the log alone."""
    clocks: dict[Place, int] = field(default_factory=dict)
    """When a record happened, by the running maximum of its partition's timestamps."""
    changes: dict[str, dict[int, list[Change]]] = field(default_factory=dict)
    """Board → partition → in order of offset."""
    totals: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=dict)
    """Board and player → offset and the value from there on."""

    def end(self, partition: int) -> int:
        """The offset after the last record of a partition."""
        folded = self.state.partitions.get(partition)
        return folded.next_offset if folded is not None else 0

    def board(self, mode: str) -> Board:
        """The board that answers for a game mode."""
        board = self.catalogue.primary(mode)
        assert board is not None, mode
        return board


def fold_history(log: Iterable[Record], catalogue: Catalogue) -> History:
    """Fold records in, each partition's in order of offset."""
    history = History(catalogue)
    rows: dict[tuple[str, str], Standing] = {}
    clocks: Counter[int] = Counter()
    for record in log:
        received = receive(record)
        place = record.partition, record.offset
        history.records[place] = received
        history.clocks[place] = clocks[record.partition] = max(clocks[record.partition], record.timestamp)
        if received.event is not None:
            history.first.setdefault((received.event.subject, received.event.id), place)
        step = fold(history.state, catalogue, received)
        if step is not None:
            _remember(history, rows, step)
    return history


def _remember(history: History, rows: dict[tuple[str, str], Standing], step: Step) -> None:
    for entry in (entry for entry in step.entries if entry.season == ALL_TIME):
        at = entry.board_id, entry.player_id
        change = Change(entry.offset, rows.get(at), entry.standing)
        history.changes.setdefault(entry.board_id, {}).setdefault(entry.partition, []).append(change)
        if entry.standing is None:
            rows.pop(at, None)
            continue
        history.totals.setdefault(at, []).append((entry.offset, entry.standing.value))
        rows[at] = entry.standing


class BoardAt:
    """A board at a position that moves: cheap between positions that are near each other."""

    def __init__(self, history: History, board: Board) -> None:
        self._order = board.order
        self._changes = history.changes.get(board.board_id, {})
        self._done = dict.fromkeys(self._changes, 0)
        self._keys: list[OrderKey] = []
        self._rows: dict[str, Standing] = {}

    def seek(self, offsets: Mapping[int, int]) -> None:
        """Become what the log is folded to, before each of these offsets."""
        for partition, changes in self._changes.items():
            wanted = bisect_left(changes, offsets.get(partition, 0), key=lambda change: change.offset)
            while self._done[partition] < wanted:
                change = changes[self._done[partition]]
                self._replace(change.before, change.after)
                self._done[partition] += 1
            while self._done[partition] > wanted:
                self._done[partition] -= 1
                change = changes[self._done[partition]]
                self._replace(change.after, change.before)

    @property
    def total(self) -> int:
        return len(self._keys)

    def row(self, player: str) -> tuple[int, Standing] | None:
        """Rank and row of a player; None who has none."""
        standing = self._rows.get(player)
        if standing is None:
            return None
        return bisect_left(self._keys, order_key(self._order, standing)) + 1, standing

    def top(self, limit: int) -> list[tuple[int, Standing]]:
        """The first rows with their ranks."""
        return [(rank, self._rows[key[2].decode()]) for rank, key in enumerate(self._keys[:limit], 1)]

    def _replace(self, old: Standing | None, new: Standing | None) -> None:
        if old is not None:
            del self._keys[bisect_left(self._keys, order_key(self._order, old))]
            del self._rows[old.player_id]
        if new is not None:
            insort(self._keys, order_key(self._order, new))
            self._rows[new.player_id] = new
