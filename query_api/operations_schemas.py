"""What operators get to see. No names, nothing that is secret: these answers need no key."""

from typing import Any

from pydantic import BaseModel

from query_api.operations import Report
from query_api.schemas import instant
from shared.records import Record, receive


class ProjectorAnswer(BaseModel):
    """A projector that is alive."""

    id: str
    partitions: list[int]
    """Of the events topic, those that it holds."""
    lease_until: str
    """From then on others take its partitions, unless it is heard of."""


class PartitionAnswer(BaseModel):
    """How far a partition of the events topic is projected."""

    partition: int
    end: int
    applied: int
    lag: int
    """Records that are not projected yet."""
    stopped: str | None
    """Why its owner does not go on, and at which offset; null while it does."""
    owner: str | None
    """Null: nobody holds it now."""


class NewestSubmissions(BaseModel):
    """What became of the newest submissions in the log."""

    newest: int
    """How many these are."""
    counted: int
    waiting: int
    """Not projected yet."""
    repeated: int
    """Retries of one that was there before: nothing counts twice."""
    refused_by_reason: dict[str, int]


class OutcomeCounts(BaseModel):
    """What became of all records since the log began."""

    applied: int
    duplicate: int
    conflict: int
    refused: int
    voided: int


class OperationsAnswer(BaseModel):
    """How the system runs, at most a second old."""

    at: str
    projectors: list[ProjectorAnswer]
    partitions: list[PartitionAnswer]
    stopped: list[str]
    """`topic/partition: reason`, of every topic that is projected."""
    lag: int
    records_per_second: float
    """Over the last minute."""
    submissions: NewestSubmissions
    outcomes: OutcomeCounts
    boards: int
    seasons_open: int
    sockets: int | None
    """Open in the process that answers; null where it serves none."""


class EventAnswer(BaseModel):
    """A record of the log, without what is personal. What does not belong to its type is null."""

    partition: int
    offset: int
    type: str
    """Such as `ScoreSubmitted`; `undecodable` for bytes that are no event."""
    at: str
    event_id: str | None
    actor: str | None
    player_id: str | None
    game_mode: str | None
    score: int | None
    target: str | None
    """The submission that a ruling is about."""
    reason: str | None
    board_id: str | None
    season: str | None
    entries: str | None
    """What becomes of an erased player's rows."""


class EventsAnswer(BaseModel):
    """The newest records of the log, newest first."""

    events: list[EventAnswer]
    next: str | None
    """The value for `before` that goes on from here; null at the beginning of the log."""


def operations_answer(report: Report, boards: int, sockets: int | None) -> OperationsAnswer:
    """A report as operators see it."""
    stand, submissions = report.stand, report.submissions
    held = {name: [each.partition for each in stand.places if each.owner == name] for name, _ in stand.projectors}
    return OperationsAnswer(
        at=instant(report.at),
        projectors=[
            ProjectorAnswer(id=name, partitions=held[name], lease_until=instant(round(until.timestamp() * 1_000)))
            for name, until in stand.projectors
        ],
        partitions=[PartitionAnswer(**each._asdict(), lag=each.lag) for each in stand.places],
        stopped=stand.stopped,
        lag=sum(each.lag for each in stand.places),
        records_per_second=report.pace,
        submissions=NewestSubmissions(
            newest=submissions.of,
            counted=submissions.counted,
            waiting=submissions.waiting,
            repeated=submissions.repeated,
            refused_by_reason=submissions.refused,
        ),
        outcomes=OutcomeCounts(**stand.outcomes),
        boards=boards,
        seasons_open=stand.seasons_open,
        sockets=sockets,
    )


def event_answer(record: Record) -> EventAnswer:
    """A record as operators see it."""
    _, event, unknown = receive(record)
    wire = event.type if event is not None else unknown or "undecodable"
    fact: dict[str, Any] = event.data.model_dump() if event is not None else {}
    shown = ("player_id", "game_mode", "score", "reason", "board_id", "season", "entries")
    return EventAnswer(
        partition=record.partition,
        offset=record.offset,
        type=wire.removeprefix("leaderboard.").partition(".")[0],
        at=instant(record.timestamp),
        event_id=event.id if event is not None else None,
        actor=event.actor if event is not None else None,
        target=fact.get("event_id"),
        **{name: fact.get(name) for name in shown},
    )
