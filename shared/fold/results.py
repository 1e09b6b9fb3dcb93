"""The rows of boards, season by season: as they stand, and as they stood when a season ended. Pure."""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from shared.boards import Board
from shared.fold.state import BoardSeason, Entry, Step
from shared.ranking import Standing, digest_line, order_key


@dataclass(slots=True)
class Results:
    """What steps come to on boards. Each row is kept once, for the partition of its player."""

    only: Collection[str] | None = None
    """Boards whose rows are kept; None: all."""
    rows: dict[BoardSeason, dict[int, dict[str, Standing]]] = field(default_factory=dict)
    """Board and season → partition → player → where the player stands."""
    ended: dict[BoardSeason, dict[int, list[Standing]]] = field(default_factory=dict)
    """Board and season → partition that it has ended in → what that held of it at that moment."""

    def take(self, step: Step | None) -> None:
        """Take in what a step changes."""
        if step is None:
            return
        for entry in step.entries:
            self.put(entry)
        if step.ended is not None and self.keeps(step.ended.board_id):
            at, partition = (step.ended.board_id, step.ended.season), step.ended.partition
            self.ended.setdefault(at, {})[partition] = list(self.rows.get(at, {}).get(partition, {}).values())

    def put(self, entry: Entry) -> None:
        """Take in a row."""
        if not self.keeps(entry.board_id):
            return
        rows = self.rows.setdefault((entry.board_id, entry.season), {}).setdefault(entry.partition, {})
        if entry.standing is None:
            rows.pop(entry.player_id, None)
        else:
            rows[entry.player_id] = entry.standing

    def keeps(self, board_id: str) -> bool:
        """Whether the rows of a board are kept."""
        return self.only is None or board_id in self.only

    def standings(self, board_id: str, season: str) -> Iterator[Standing]:
        """The rows of a season, in no order."""
        return chain.from_iterable(rows.values() for rows in self.rows.get((board_id, season), {}).values())

    def closed(self, board_id: str, season: str) -> Iterator[Standing]:
        """The rows of a season as it ended, of those partitions that it has ended in, in no order."""
        return chain.from_iterable(self.ended.get((board_id, season), {}).values())


def ordered(board: Board, rows: Iterable[Standing]) -> list[Standing]:
    """Rows in the order of the board."""
    return sorted(rows, key=partial(order_key, board.order))


def digest_of(board: Board, rows: Iterable[Standing]) -> str:
    """The digest of a result with these rows: SHA-256 over one line each, in the order of the board."""
    digest = hashlib.sha256()
    for place, each in enumerate(ordered(board, rows)):
        digest.update(digest_line(place, each.player_id, each.value, each.reached_at, each.games_played))
    return digest.hexdigest()
