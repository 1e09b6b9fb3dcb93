"""The fold of `SeasonEnded`. Pure."""

from shared.catalogue import Catalogue
from shared.events import SeasonEndedEvent
from shared.fold.state import Kind, Outcome, SeasonEnd, State, Step
from shared.records import Record
from shared.seasons import season_named


def fold_season_end(
    state: State, catalogue: Catalogue, known: int, clock: int, record: Record, event: SeasonEndedEvent
) -> Step:
    """The step that the end of a season makes in a partition: the first one counts, whoever wrote it."""
    fact = event.data
    first = state.ended.get((fact.board_id, fact.season, record.partition))
    if first is not None:
        return Step(_outcome(event, record.partition, first.offset, "duplicate", None))
    reason = _refusal(catalogue, known, clock, fact.board_id, fact.season)
    if reason is not None:
        return Step(_outcome(event, record.partition, record.offset, "refused", reason))
    end = SeasonEnd(fact.board_id, fact.season, record.partition, record.offset, clock)
    return Step(_outcome(event, record.partition, record.offset, "applied", None), ended=end)


def _refusal(catalogue: Catalogue, known: int, clock: int, board_id: str, name: str) -> str | None:
    revision = catalogue.present(known).get(board_id)
    season = season_named(revision.board, name) if revision is not None else None
    if season is None:
        return "unknown_season"
    return "not_over" if season.ends_at is None or clock < season.ends_at else None


def _outcome(event: SeasonEndedEvent, partition: int, offset: int, kind: Kind, reason: str | None) -> Outcome:
    return Outcome(kind, reason, partition, offset, event_id=event.id, first="applied" if kind == "duplicate" else None)
