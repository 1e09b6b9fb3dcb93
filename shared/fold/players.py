"""The fold of what players are: registered (events topic) and called (players topic). Pure."""

from typing import NamedTuple

from shared.catalogue import Catalogue
from shared.events import PlayerProfileSet, PlayerRegisteredEvent, UnknownEventType
from shared.fold.state import Outcome, Player, State, Step
from shared.fold.unfoldable import Unfoldable, is_voided
from shared.identity import is_player_id
from shared.records import Received, Record


class Profile(NamedTuple):
    """What a player is called; `partition` and `offset` are of the players topic."""

    player_id: str
    username: str | None
    """None: the profile was erased."""
    attributes: dict[str, str]
    partition: int
    offset: int


def fold_registration(state: State, clock: int, record: Record, event: PlayerRegisteredEvent) -> Step:
    """The step that a registration makes. A player who is known already stays as they are."""
    player_id = event.data.player_id
    known = state.players.get(player_id)
    at = known if known is not None else Player(player_id, record.partition, record.offset, clock)
    outcome = Outcome(
        kind="applied" if known is None else "duplicate",
        reason=None,
        partition=at.partition,
        offset=at.offset,
        player_id=player_id,
        event_id=event.id,
        attempt=event.attempt,
        first=None if known is None else "applied",
    )
    return Step(outcome, player=None if known is not None else at)


def fold_profile(catalogue: Catalogue, received: Received) -> Profile | None:
    """The profile that a record of the players topic sets or, without a value, erases; None when neither.

    Raises Unfoldable.
    """
    record, event, _ = received
    try:
        if is_voided(catalogue, "players", received):
            return None
    except UnknownEventType as error:
        raise Unfoldable("players", record, error) from error
    if record.value is None and record.key is not None and is_player_id(key := record.key.decode(errors="replace")):
        return Profile(key, None, {}, record.partition, record.offset)
    if event is None or not isinstance(event.data, PlayerProfileSet):
        return None
    fact = event.data
    if record.key != fact.player_id.encode():
        return None
    return Profile(fact.player_id, fact.username, fact.attributes, record.partition, record.offset)
