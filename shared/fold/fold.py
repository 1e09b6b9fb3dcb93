"""The fold of the events topic, record by record. Pure."""

from collections.abc import Iterable

from shared.catalogue import Catalogue
from shared.events import (
    LogCreatedEvent,
    PlayerRegisteredEvent,
    ScoreSubmittedEvent,
    SeasonEndedEvent,
    UnknownEventType,
)
from shared.fold.players import fold_registration
from shared.fold.rulings import RulingEvent, fold_ruling
from shared.fold.scores import fold_score
from shared.fold.seasons import fold_season_end
from shared.fold.state import Outcome, Partition, State, Step
from shared.fold.unfoldable import Unfoldable, is_voided
from shared.records import Received, Record
from shared.topics import SEASON_KEY


class CatalogueBehind(Unfoldable):
    """An event names an offset of the catalogue that has not been read yet: read on, if there is more, then fold."""


def fold(state: State, catalogue: Catalogue, received: Received) -> Step | None:
    """Fold one record into the state. None for `LogCreated`, which has no outcome.

    A record before the partition's next offset is a redelivery and changes nothing (None).
    Raises CatalogueBehind when the catalogue has to be read further first, and Unfoldable.
    """
    record, event, _ = received
    partition = state.partitions.setdefault(record.partition, Partition())
    if record.offset < partition.next_offset:
        return None
    clock = max(partition.clock, record.timestamp)
    try:
        if is_voided(catalogue, "events", received):
            known = partition.catalogue
            step: Step | None = Step(Outcome("voided", None, record.partition, record.offset))
        else:
            known = max(partition.catalogue, event.catalogue if event is not None else -1)
            _require_catalogue(catalogue, known, record)
            step = _judge(state, catalogue, known, clock, received)
    except Unfoldable:
        raise
    except Exception as error:
        raise Unfoldable("events", record, error) from error
    partition.next_offset, partition.clock, partition.catalogue = record.offset + 1, clock, known
    if step is not None:
        partition.counts[step.outcome.kind] += 1
        state.absorb(step)
    return step


def fold_all(state: State, catalogue: Catalogue, received: Iterable[Received]) -> list[Step]:
    """Fold records in, each partition's in order of offset; the steps that they made."""
    steps = (fold(state, catalogue, each) for each in received)
    return [step for step in steps if step is not None]


def _require_catalogue(catalogue: Catalogue, known: int, record: Record) -> None:
    if known > catalogue.newest:
        reason = LookupError(f"names offset {known} of the catalogue, which is read up to {catalogue.newest}")
        raise CatalogueBehind("events", record, reason)
    if catalogue.newer is not None and known >= catalogue.newer[0]:
        offset, name = catalogue.newer
        raise UnknownEventType(
            f"{name}, offset {offset} of the catalogue, is not known to this build: a newer wrote it"
        )


def _judge(state: State, catalogue: Catalogue, known: int, clock: int, received: Received) -> Step | None:
    record, event, _ = received
    match event:
        case None:
            return _refuse(record, "undecodable")
        case LogCreatedEvent():
            return None if record.offset == 0 else _refuse(record, "misplaced")
        case ScoreSubmittedEvent() if record.key == event.data.player_id.encode():
            return fold_score(state, catalogue, known, clock, record, event)
        case PlayerRegisteredEvent() if record.key == event.data.player_id.encode():
            return fold_registration(state, clock, record, event)
        case _ if isinstance(event, RulingEvent) and record.key == event.data.player_id.encode():
            return fold_ruling(state, catalogue, clock, record, event)
        case SeasonEndedEvent() if record.key == SEASON_KEY:
            return fold_season_end(state, catalogue, known, clock, record, event)
        case _:
            return _refuse(record, "misplaced")


def _refuse(record: Record, reason: str) -> Step:
    return Step(Outcome("refused", reason, record.partition, record.offset))
