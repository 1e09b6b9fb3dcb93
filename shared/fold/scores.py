"""The fold of `ScoreSubmitted`. Pure."""

import hashlib

import orjson

from shared.boards import Board, admits, combine, season_at
from shared.events import ScoreSubmitted, ScoreSubmittedEvent
from shared.fold.state import Entry, Kind, Outcome, Player, Session, State, Step
from shared.numbers import holds
from shared.ranking import Standing
from shared.records import Record


class Refusal(Exception):
    """The submission does not count, for the reason in the message."""


def payload_hash(fact: ScoreSubmitted) -> bytes:
    """16 bytes over what the client asked for: the same id with another hash is a conflict."""
    content = [fact.player_id, fact.game_mode, fact.score, fact.metadata]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()[:16]


def fold_score(state: State, boards: tuple[Board, ...], clock: int, record: Record, event: ScoreSubmittedEvent) -> Step:
    """The step that a submission makes: the first record of an id counts, for ever."""
    first = state.sessions.get((event.data.player_id, event.id))
    if first is not None:
        return Step(_repeat(first, event))
    try:
        player = _admit(state, boards, clock, record, event.data)
        entries = tuple(_credit(state, board, clock, record, event.data) for board in boards)
    except Refusal as refusal:
        return Step(*_first(record, clock, event, "refused", str(refusal)))
    return Step(*_first(record, clock, event, "applied", None), entries, player)


def _repeat(first: Session, event: ScoreSubmittedEvent) -> Outcome:
    same = first.payload_hash == payload_hash(event.data)
    return Outcome(
        kind="duplicate" if same else "conflict",
        reason=first.reason if same else "other_content",
        partition=first.partition,
        offset=first.offset,
        player_id=first.player_id,
        event_id=first.event_id,
        attempt=event.attempt,
        first=first.outcome,
    )


def _first(
    record: Record, clock: int, event: ScoreSubmittedEvent, kind: Kind, reason: str | None
) -> tuple[Outcome, Session]:
    fact, partition, offset = event.data, record.partition, record.offset
    outcome = Outcome(kind, reason, partition, offset, fact.player_id, event.id, event.attempt)
    session = Session(
        player_id=fact.player_id,
        event_id=event.id,
        partition=partition,
        offset=offset,
        clock=clock,
        game_mode=fact.game_mode,
        score=fact.score,
        metadata=fact.metadata,
        payload_hash=payload_hash(fact),
        outcome=kind,
        reason=reason,
        actor=event.actor,
    )
    return outcome, session


def _admit(state: State, boards: tuple[Board, ...], clock: int, record: Record, fact: ScoreSubmitted) -> Player | None:
    """Refuse what does not count; the player whom an open registration makes known, if new."""
    if not boards:
        raise Refusal("unknown_mode")
    if not all(admits(board, fact.score) for board in boards):
        raise Refusal("out_of_bounds")
    if fact.player_id in state.players:
        return None
    if fact.registered_only:
        raise Refusal("unknown_player")
    return Player(fact.player_id, record.partition, record.offset, clock)


def _credit(state: State, board: Board, clock: int, record: Record, fact: ScoreSubmitted) -> Entry:
    """The player's entry after this score. An equal value keeps the time when it was reached."""
    season = season_at(board, clock)
    known = state.entries.get((board.board_id, season, fact.player_id))
    before = known.standing if known is not None else None
    value = combine(board, before.value if before is not None else None, fact.score)
    if not holds(value):
        raise Refusal("sum_out_of_range")
    kept = before is not None and before.value == value
    standing = Standing(
        player_id=fact.player_id,
        value=value,
        reached_at=before.reached_at if before is not None and kept else clock,
        games_played=(before.games_played if before is not None else 0) + 1,
        updated_at=clock,
    )
    return Entry(board.board_id, season, standing, record.partition, record.offset)
