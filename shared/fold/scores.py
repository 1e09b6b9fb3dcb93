"""The fold of `ScoreSubmitted`. Pure."""

import hashlib

import orjson

from shared.boards import Board
from shared.catalogue import Catalogue
from shared.events import ScoreSubmitted, ScoreSubmittedEvent
from shared.fold.credits import Standings, credit_all
from shared.fold.state import Credit, Entry, Kind, Outcome, Player, Session, State, Step
from shared.records import Record
from shared.seasons import season_at


def payload_hash(fact: ScoreSubmitted) -> bytes:
    """16 bytes over what the client asked for: the same id with another hash is a conflict."""
    content = [fact.player_id, fact.game_mode, fact.score, fact.metadata]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()[:16]


def fold_score(
    state: State, catalogue: Catalogue, known: int, clock: int, record: Record, event: ScoreSubmittedEvent
) -> Step:
    """The step that a submission makes: the first record of an id counts, for ever.

    `known`: the offset of the boards topic that decides which boards it feeds.
    """
    first = state.sessions.get((event.data.player_id, event.id))
    if first is not None:
        return Step(_repeat(state, catalogue.feeding(first.catalogue, first.game_mode), first, event))
    boards = catalogue.feeding(known, event.data.game_mode)
    session = _session(state, known, clock, record, event)
    reason = _refusal(state, boards, event.data)
    if reason is not None:
        return _refused(session, event, reason)
    held = _held(state, boards, session)
    changed, credited = credit_all(boards, held, session)
    if all(each.reason is not None for each in credited):
        return _refused(session, event, _foremost(credited), tuple(credited))
    player = (
        None
        if session.player_id in state.players
        else Player(session.player_id, session.partition, session.offset, session.clock)
    )
    if session.revoked:
        credited = [each._replace(value=_value(held, each), improved=False, reason="revoked") for each in credited]
        outcome = _outcome(session, event, credits=tuple(credited))._replace(reason="revoked")
        return Step(outcome, (session,), player=player)
    return Step(_outcome(session, event, credits=tuple(credited)), (session,), _entries(changed, session), player)


def _session(state: State, known: int, clock: int, record: Record, event: ScoreSubmittedEvent) -> Session:
    fact = event.data
    return Session(
        player_id=fact.player_id,
        event_id=event.id,
        partition=record.partition,
        offset=record.offset,
        clock=clock,
        game_mode=fact.game_mode,
        score=fact.score,
        metadata=fact.metadata,
        payload_hash=payload_hash(fact),
        outcome="applied",
        reason=None,
        actor=event.actor,
        attributes=fact.attributes,
        catalogue=known,
        revoked=state.is_revoked(fact.player_id, event.id),
    )


def _refusal(state: State, boards: tuple[Board, ...], fact: ScoreSubmitted) -> str | None:
    """Why nothing is even tried: nobody takes the mode, or the player may not submit."""
    player = state.players.get(fact.player_id)
    if not boards:
        return "unknown_mode"
    if player is None:
        return "unknown_player" if fact.registered_only else None
    if player.erased is not None:
        return "erased"
    return "banned" if player.banned else None


def _foremost(credited: list[Credit]) -> str:
    """The reason that says most: that of the first board which is for such submissions at all."""
    reasons = [each.reason for each in credited if each.reason is not None]
    return next((each for each in reasons if each != "not_eligible"), reasons[0])


def _refused(session: Session, event: ScoreSubmittedEvent, reason: str, credits: tuple[Credit, ...] = ()) -> Step:
    refused = session._replace(outcome="refused", reason=reason)
    return Step(_outcome(refused, event, credits=credits), (refused,))


def _outcome(
    first: Session,
    event: ScoreSubmittedEvent,
    kind: Kind | None = None,
    reason: str | None = None,
    credits: tuple[Credit, ...] = (),
) -> Outcome:
    """What became of a record; `kind` of one that repeats `first`."""
    return Outcome(
        kind=kind or first.outcome,
        reason=first.reason if kind is None else reason,
        partition=first.partition,
        offset=first.offset,
        player_id=first.player_id,
        event_id=first.event_id,
        attempt=event.attempt,
        first=first.outcome if kind is not None else None,
        credits=credits,
    )


def _repeat(state: State, boards: tuple[Board, ...], first: Session, event: ScoreSubmittedEvent) -> Outcome:
    """What became of the first record, and where its player stands now."""
    if first.payload_hash != payload_hash(event.data):
        return _outcome(first, event, "conflict", "other_content")
    held = _held(state, boards, first)
    stands = [Credit(*at, standing.value) for at, standing in held.items()] if first.outcome == "applied" else []
    return _outcome(first, event, "duplicate", _why_not(state, first), tuple(stands))


def _why_not(state: State, first: Session) -> str | None:
    """Why a submission that is in the log counts for nothing now; None when it counts."""
    player = state.players.get(first.player_id)
    if first.reason is not None or first.revoked:
        return first.reason or "revoked"
    return None if player is None or player.listed else "banned" if player.banned else "erased"


def _held(state: State, boards: tuple[Board, ...], session: Session) -> Standings:
    """Where the player stands on the boards that a session feeds, in its seasons."""
    held = Standings()
    for board in boards:
        season = season_at(board, session.clock).name
        entry = state.entries.get((board.board_id, season, session.player_id))
        if entry is not None and entry.standing is not None:
            held[board.board_id, season] = entry.standing
    return held


def _value(held: Standings, each: Credit) -> int | None:
    standing = held.get((each.board_id, each.season))
    return standing.value if standing is not None else None


def _entries(changed: Standings, session: Session) -> tuple[Entry, ...]:
    at = session.partition, session.offset, session.clock
    return tuple(Entry(*key, session.player_id, standing, *at) for key, standing in changed.items())
