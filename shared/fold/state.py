"""What the fold knows: partitions, players, sessions, entries. Pure."""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from shared.ranking import Standing

Kind: TypeAlias = Literal["applied", "duplicate", "conflict", "refused", "voided"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SessionKey: TypeAlias = tuple[str, str]
EntryKey: TypeAlias = tuple[str, str, str]


class Outcome(NamedTuple):
    """What became of one event. Every event but `LogCreated` has exactly one."""

    kind: Kind
    reason: str | None
    partition: int
    offset: int
    """Where the first record of this submission lies: a retry gets the same place."""
    player_id: str | None = None
    event_id: str | None = None
    attempt: str | None = None
    first: Kind | None = None
    """Of a duplicate: what became of the first record of the same submission."""


class Player(NamedTuple):
    """A player who is known since a place in the log; `registered_at` is a fold clock."""

    player_id: str
    partition: int
    offset: int
    registered_at: int


class Session(NamedTuple):
    """The first record of a submission and what became of it: the audit."""

    player_id: str
    event_id: str
    partition: int
    offset: int
    clock: int
    game_mode: str
    score: int
    metadata: dict[str, Any] | None
    payload_hash: bytes
    outcome: Kind
    reason: str | None
    actor: str

    @property
    def key(self) -> SessionKey:
        """The identity of the submission."""
        return self.player_id, self.event_id


class Entry(NamedTuple):
    """A player's row in one season of a board, and the record that made it so."""

    board_id: str
    season: str
    standing: Standing
    partition: int
    offset: int

    @property
    def key(self) -> EntryKey:
        """Board, season, player."""
        return self.board_id, self.season, self.standing.player_id


class Step(NamedTuple):
    """What one record changes."""

    outcome: Outcome
    session: Session | None = None
    entries: tuple[Entry, ...] = ()
    player: Player | None = None


@dataclass(slots=True)
class Partition:
    """How far a partition is folded."""

    next_offset: int = 0
    clock: int = 0
    """The running maximum of record timestamps, milliseconds: the only clock of the fold."""
    catalogue: int = -1
    """The running maximum of the catalogue offsets that events carried."""
    counts: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))


@dataclass(slots=True)
class State:
    """What the fold needs to know for the records at hand; a batch is folded into it in place."""

    partitions: dict[int, Partition] = field(default_factory=dict)
    players: dict[str, Player] = field(default_factory=dict)
    sessions: dict[SessionKey, Session] = field(default_factory=dict)
    entries: dict[EntryKey, Entry] = field(default_factory=dict)

    def absorb(self, step: Step) -> None:
        """Take in what a step changes."""
        if step.player is not None:
            self.players[step.player.player_id] = step.player
        if step.session is not None:
            self.sessions[step.session.key] = step.session
        for entry in step.entries:
            self.entries[entry.key] = entry
