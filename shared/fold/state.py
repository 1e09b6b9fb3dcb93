"""What the fold knows: partitions, players, sessions, rulings, entries. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from shared.ranking import Standing

Kind: TypeAlias = Literal["applied", "duplicate", "conflict", "refused", "voided"]
KINDS: tuple[Kind, ...] = get_args(Kind)
RulingKind: TypeAlias = Literal["revoked", "restored", "banned", "reinstated", "erased"]
BoardSeason: TypeAlias = tuple[str, str]
SessionKey: TypeAlias = tuple[str, str]
EntryKey: TypeAlias = tuple[str, str, str]
SeasonEndKey: TypeAlias = tuple[str, str, int]


class Credit(NamedTuple):
    """What a submission did for one season of a board."""

    board_id: str
    season: str
    value: int | None
    """The player's value after it; None: not on the board."""
    improved: bool = False
    """Whether the value is better than before it."""
    reason: str | None = None
    """Why the submission does not count there; None when it does."""


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
    credits: tuple[Credit, ...] = ()


class Player(NamedTuple):
    """A player who is known since a place in the log; `registered_at` is a fold clock."""

    player_id: str
    partition: int
    offset: int
    registered_at: int
    banned: bool = False
    erased: Literal["anonymous", "removed"] | None = None

    @property
    def listed(self) -> bool:
        """Whether the player's sessions count on boards."""
        return not self.banned and self.erased != "removed"


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
    attributes: dict[str, str] | None
    catalogue: int
    """The offset of the boards topic that decides which boards it feeds."""
    revoked: bool

    @property
    def key(self) -> SessionKey:
        """The identity of the submission."""
        return self.player_id, self.event_id

    @property
    def counts(self) -> bool:
        """Whether boards may take it."""
        return self.outcome == "applied" and not self.revoked


class Ruling(NamedTuple):
    """What an operator decided about a player or one of their submissions (`target`)."""

    player_id: str
    event_id: str
    kind: RulingKind
    target: str | None
    reason: str
    actor: str
    partition: int
    offset: int
    clock: int

    @property
    def key(self) -> SessionKey:
        """The identity of the command."""
        return self.player_id, self.event_id


class Entry(NamedTuple):
    """A player's row in one season of a board, and the record that made it so."""

    board_id: str
    season: str
    player_id: str
    standing: Standing | None
    """None: on the board no more."""
    partition: int
    offset: int
    clock: int

    @property
    def key(self) -> EntryKey:
        """Board, season, player."""
        return self.board_id, self.season, self.player_id


class SeasonEnd(NamedTuple):
    """Where a season ended in a partition: what is before `offset` belongs to its results as closed."""

    board_id: str
    season: str
    partition: int
    offset: int
    clock: int

    @property
    def key(self) -> SeasonEndKey:
        """Board, season, partition."""
        return self.board_id, self.season, self.partition


class Step(NamedTuple):
    """What one record changes."""

    outcome: Outcome
    sessions: tuple[Session, ...] = ()
    entries: tuple[Entry, ...] = ()
    player: Player | None = None
    ruling: Ruling | None = None
    ended: SeasonEnd | None = None


@dataclass(slots=True)
class Partition:
    """How far a partition is folded."""

    next_offset: int = 0
    clock: int = 0
    """The running maximum of record timestamps, milliseconds: the only clock of the fold."""
    catalogue: int = -1
    """The running maximum of the catalogue offsets that events carried."""
    counts: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))

    def copy(self) -> "Partition":
        """One that may be folded on without this one."""
        return replace(self, counts=dict(self.counts))


@dataclass(slots=True)
class State:
    """What the fold needs to know for the records at hand; a batch is folded into it in place."""

    partitions: dict[int, Partition] = field(default_factory=dict)
    players: dict[str, Player] = field(default_factory=dict)
    sessions: dict[SessionKey, Session] = field(default_factory=dict)
    rulings: dict[SessionKey, Ruling] = field(default_factory=dict)
    about: dict[SessionKey, Ruling] = field(default_factory=dict)
    """Player and submission → the last ruling about it; by `rule`."""
    entries: dict[EntryKey, Entry] = field(default_factory=dict)
    ended: dict[SeasonEndKey, SeasonEnd] = field(default_factory=dict)

    def absorb(self, step: Step) -> None:
        """Take in what a step changes."""
        if step.player is not None:
            self.players[step.player.player_id] = step.player
        if step.ruling is not None:
            self.rule(step.ruling)
        if step.ended is not None:
            self.ended[step.ended.key] = step.ended
        for session in step.sessions:
            self.sessions[session.key] = session
        for entry in step.entries:
            self.entries[entry.key] = entry

    def sessions_of(self, player_id: str) -> list[Session]:
        """A player's submissions, in the order of the log."""
        return sorted((each for each in self.sessions.values() if each.player_id == player_id), key=_offset)

    def entries_of(self, player_id: str) -> Iterator[Entry]:
        """A player's rows."""
        return (each for each in self.entries.values() if each.player_id == player_id)

    def is_revoked(self, player_id: str, event_id: str) -> bool:
        """Whether the last ruling about a submission revokes it."""
        last = self.about.get((player_id, event_id))
        return last is not None and last.kind == "revoked"

    def rule(self, ruling: Ruling) -> None:
        """Take in a ruling."""
        self.rulings[ruling.key] = ruling
        if ruling.target is not None:
            about = ruling.player_id, ruling.target
            self.about[about] = max(ruling, self.about.get(about, ruling), key=_offset)


def last_of(steps: Iterable[Step]) -> State:
    """What a batch changed, each row as its last step left it."""
    changed = State()
    for step in steps:
        changed.absorb(step)
    return changed


def _offset(each: Session | Ruling) -> int:
    return each.offset
