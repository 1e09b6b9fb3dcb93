"""The fold of what operators decide about players and their submissions. Pure.

A ruling changes which sessions count; the player's rows are then derived anew from all of their sessions.
"""

from typing import TypeAlias

from shared.catalogue import Catalogue
from shared.events import (
    PlayerBannedEvent,
    PlayerErasedEvent,
    PlayerReinstatedEvent,
    ScoreRestoredEvent,
    ScoreRevokedEvent,
)
from shared.fold.credits import derive
from shared.fold.state import Credit, Entry, Kind, Outcome, Player, Ruling, RulingKind, Session, State, Step
from shared.records import Record

RulingEvent: TypeAlias = (
    ScoreRevokedEvent | ScoreRestoredEvent | PlayerBannedEvent | PlayerReinstatedEvent | PlayerErasedEvent
)
KIND: dict[type, RulingKind] = {
    ScoreRevokedEvent: "revoked",
    ScoreRestoredEvent: "restored",
    PlayerBannedEvent: "banned",
    PlayerReinstatedEvent: "reinstated",
    PlayerErasedEvent: "erased",
}


def fold_ruling(state: State, catalogue: Catalogue, clock: int, record: Record, event: RulingEvent) -> Step:
    """The step that a ruling makes: the first record of an id counts. Needs the player's sessions and entries whole."""
    player_id = event.data.player_id
    first = state.rulings.get((player_id, event.id))
    if first is not None:
        return Step(_outcome(event, first.partition, first.offset, "duplicate", None))
    player = state.players.get(player_id)
    if player is None and isinstance(event, PlayerBannedEvent | PlayerReinstatedEvent):
        return Step(_outcome(event, record.partition, record.offset, "refused", "unknown_player"))
    ruling = _ruling(clock, record, event)
    ruled = _ruled(player or Player(player_id, record.partition, record.offset, clock), event)
    sessions = _sessions(state, catalogue, ruling, ruled)
    entries = _entries(state, catalogue, ruling, ruled, {each.event_id: each for each in sessions})
    credits = tuple(Credit(each.board_id, each.season, each.standing and each.standing.value) for each in entries)
    outcome = _outcome(event, record.partition, record.offset, "applied", None, credits)
    changed = ruled if ruled != player and ruling.target is None else None
    return Step(outcome, sessions, entries, changed, ruling)


def _outcome(
    event: RulingEvent, partition: int, offset: int, kind: Kind, reason: str | None, credits: tuple[Credit, ...] = ()
) -> Outcome:
    first: Kind | None = "applied" if kind == "duplicate" else None
    at = event.data.player_id, event.id, event.attempt
    return Outcome(kind, reason, partition, offset, *at, first, credits)


def _ruling(clock: int, record: Record, event: RulingEvent) -> Ruling:
    target = event.data.event_id if isinstance(event, ScoreRevokedEvent | ScoreRestoredEvent) else None
    reason = event.data.entries if isinstance(event, PlayerErasedEvent) else event.data.reason
    at = record.partition, record.offset, clock
    return Ruling(event.data.player_id, event.id, KIND[type(event)], target, reason, event.actor, *at)


def _ruled(player: Player, event: RulingEvent) -> Player:
    match event:
        case PlayerBannedEvent():
            return player._replace(banned=True)
        case PlayerReinstatedEvent():
            return player._replace(banned=False)
        case PlayerErasedEvent() if player.erased != "removed":
            return player._replace(erased=event.data.entries)
        case _:
            return player


def _sessions(state: State, catalogue: Catalogue, ruling: Ruling, player: Player) -> tuple[Session, ...]:
    """The sessions that a ruling changes."""
    if ruling.kind == "erased":
        held = state.sessions_of(player.player_id)
        return tuple(bare for each in held if (bare := _bare(catalogue, each)) != each)
    target = state.sessions.get((ruling.player_id, ruling.target or ""))
    revoked = ruling.kind == "revoked"
    return () if target is None or target.revoked == revoked else (target._replace(revoked=revoked),)


def _bare(catalogue: Catalogue, session: Session) -> Session:
    """A session without what is personal: what its boards filter by stays, so that it counts where it did."""
    asked = {key for board in catalogue.feeding(session.catalogue, session.game_mode) for key in board.where}
    metadata = {key: value for key, value in (session.metadata or {}).items() if f"metadata.{key}" in asked}
    attributes = {key: value for key, value in (session.attributes or {}).items() if f"player.{key}" in asked}
    return session._replace(metadata=metadata or None, attributes=attributes or None)


def _entries(
    state: State, catalogue: Catalogue, ruling: Ruling, player: Player, changed: dict[str, Session]
) -> tuple[Entry, ...]:
    """The rows that stand elsewhere now."""
    if ruling.kind == "erased" and player.erased == "anonymous":
        return ()
    sessions = [changed.get(each.event_id, each) for each in state.sessions_of(ruling.player_id)]
    after = derive(catalogue, sessions) if player.listed else {}
    before = {(each.board_id, each.season): each.standing for each in state.entries_of(ruling.player_id)}
    at = ruling.partition, ruling.offset, ruling.clock
    return tuple(
        Entry(*key, ruling.player_id, after.get(key), *at)
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    )
