"""The first rows of a board as a stream: the present state, and how to get there from a state of a while ago. Pure."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from notifier import messages
from notifier.frames import text_frame
from notifier.rows import Row, checksum, label
from shared.boards import Board

SIZES = (10, 50, 100, 200)
"""How many rows a stream may have."""
RING = 256
"""Ticks that can be taken back."""
CHECK_EVERY = 16
"""Ticks of which one carries a checksum."""
NOTHING = -1
"""The sequence of who has no state."""


class State(NamedTuple):
    """The first rows of a season of a board, in order, as some instant had them."""

    season: str
    total: int
    rows: tuple[Row, ...]
    position: str
    """The position token that they are of."""
    clock: int
    """The log's clock that they reflect, milliseconds."""


EMPTY = State("", 0, (), "", 0)


class Step(NamedTuple):
    """A tick of the past: the label before it, and the players whose rows it touched."""

    before: str
    touched: frozenset[str]


@dataclass(eq=False, slots=True)
class Stream:
    """The first `size` rows. Payloads are made once, whoever asks for them."""

    board: Board
    size: int
    label: str = ""
    """Of the present state; empty before there is one."""
    sequence: int = 0
    """Goes up with each state; of this node only."""
    state: State = EMPTY
    _rows: dict[str, Row] = field(default_factory=dict)
    _ring: deque[Step] = field(default_factory=lambda: deque(maxlen=RING))
    _payloads: dict[int, bytes] = field(default_factory=dict)
    _frames: dict[int, bytes] = field(default_factory=dict)

    @property
    def channel(self) -> str:
        """Its name on the wire."""
        return top_channel(self.board.board_id, self.size)

    def advance(self, state: State) -> bool:
        """Take in what a read has shown; whether anything is different."""
        state = state._replace(rows=state.rows[: self.size])
        name = label(self.board, state.season, state.total, state.rows)
        same, before, self.state = name == self.label, self.state, state
        if same:
            if state.position != before.position:
                self._payloads.pop(NOTHING, None)
                self._frames.pop(NOTHING, None)
            return False
        rows = {row.player_id: row for row in state.rows}
        if self.label and state.season == before.season:
            self._ring.append(Step(self.label, _touched(self._rows, rows)))
        else:
            self._ring.clear()
        self._rows, self.label = rows, name
        self.sequence += 1
        self._payloads.clear()
        self._frames.clear()
        return True

    def find(self, name: str | None) -> int | None:
        """The sequence of a state that is the present one or that deltas lead on from; None: there is none."""
        if name == self.label:
            return self.sequence
        return next((self.sequence - n for n, step in enumerate(reversed(self._ring), 1) if step.before == name), None)

    def since(self, sequence: int) -> bytes:
        """What brings a client with the state of a sequence to the present one: a delta or the whole."""
        known = self._known(sequence)
        if known not in self._payloads:
            self._payloads[known] = self._snapshot() if known == NOTHING else self._delta(known)
        return self._payloads[known]

    def frame_since(self, sequence: int) -> bytes:
        """The same as a frame of its own."""
        known = self._known(sequence)
        if known not in self._frames:
            self._frames[known] = text_frame(self.since(known))
        return self._frames[known]

    def _known(self, sequence: int) -> int:
        """The sequence, if deltas lead on from it."""
        return sequence if 0 < self.sequence - sequence <= len(self._ring) else NOTHING

    def _delta(self, sequence: int) -> bytes:
        steps = self.sequence - sequence
        taken = list(self._ring)[-steps:]
        touched = frozenset[str]().union(*(step.touched for step in taken))
        up = [row for player_id, row in self._rows.items() if player_id in touched]
        rm = sorted(touched - self._rows.keys())
        h = checksum(self.state.rows) if steps > 1 or self.sequence % CHECK_EVERY == 0 else ""
        at = self.channel, taken[0].before, self.label, self.state.clock, self.state.total
        return messages.delta(*at, up, rm, h)

    def _snapshot(self) -> bytes:
        board, state = self.board, self.state
        fields = {
            "ch": self.channel,
            "board": board.board_id,
            "season": state.season,
            "order": board.order,
            "ties": board.ties,
            "operator": board.operator,
            "n": self.size,
            "base": 1,
            "off": self.label,
            "pos": state.position,
            "ts": state.clock,
            "total": state.total,
        }
        return messages.snap(fields, state.rows)


def top_channel(board_id: str, size: int) -> str:
    """What the channel with the first rows of a board is called."""
    return f"top:{size}:{board_id}"


def size_for(rows: int) -> int:
    """The least size that has so many rows."""
    return next(size for size in SIZES if rows <= size)


def _touched(old: Mapping[str, Row], new: Mapping[str, Row]) -> frozenset[str]:
    changed: Iterable[str] = (player_id for player_id, row in new.items() if old.get(player_id) != row)
    return frozenset(changed) | (old.keys() - new.keys())
