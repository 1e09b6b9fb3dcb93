"""How often each submission counts, derived a second time: from the bytes of the log, without the fold. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.boards import Board, combine
from shared.events import (
    Event,
    PlayerBannedEvent,
    PlayerErasedEvent,
    PlayerReinstatedEvent,
    ScoreRestoredEvent,
    ScoreRevokedEvent,
    ScoreSubmittedEvent,
)
from tests.chaos.history import History


@dataclass(slots=True)
class Account:
    """What is known of a player: submissions that were let in, those that are revoked, and whether they count."""

    scores: dict[str, tuple[Board, int]] = field(default_factory=dict)
    """Submission → board and score, in the order of the log."""
    revoked: set[str] = field(default_factory=set)
    banned: bool = False
    erased: bool = False
    removed: bool = False

    def take(self, event: Event, clock: int, boards: Mapping[str, Board]) -> None:
        """What the first record of an event means."""
        known = bool(self.scores) or self.erased
        match event:
            case ScoreSubmittedEvent():
                board = boards[event.data.game_mode]
                over = board.ends_at is not None and clock >= board.ends_at
                if not (over or self.banned or self.erased):
                    self.scores[event.id] = board, event.data.score
            case ScoreRevokedEvent():
                self.revoked.add(event.data.event_id)
            case ScoreRestoredEvent():
                self.revoked.discard(event.data.event_id)
            case PlayerBannedEvent() | PlayerReinstatedEvent() if known:
                self.banned = isinstance(event, PlayerBannedEvent)
            case PlayerErasedEvent():
                self.erased, self.removed = True, self.removed or event.data.entries == "removed"

    def totals(self) -> dict[str, tuple[int, int]]:
        """Board → value and games."""
        totals: dict[str, tuple[int, int]] = {}
        for event_id, (board, score) in self.scores.items():
            if event_id not in self.revoked and not self.banned and not self.removed:
                value, games = totals.get(board.board_id, (None, 0))
                totals[board.board_id] = combine(board, value, score), games + 1
        return totals


def counted(history: History) -> dict[tuple[str, str], tuple[int, int]]:
    """Board and player → value and games. Every game mode feeds one board."""
    accounts: dict[str, Account] = {}
    boards = {mode: history.board(mode) for mode in history.catalogue.game_modes()}
    for place, (_, event, _) in history.records.items():
        if event is not None and history.first[event.subject, event.id] == place:
            accounts.setdefault(event.subject, Account()).take(event, history.clocks[place], boards)
    return {(board, player): total for player, each in accounts.items() for board, total in each.totals().items()}
