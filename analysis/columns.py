"""The columns of an exported log: a record of a topic as a row, and a row as the record again. Pure.

Every column is described in docs/analysts.md. All of an event is in its row: `record_of` gives the same event again.
The files of an export are TOPIC/day=YYYY-MM-DD/PARTITION-FIRST_OFFSET.parquet (or .ndjson, .csv), TOPIC one of events,
boards and, where asked for, players. In Parquet `recorded_at` and `clock` are timestamps of milliseconds, in UTC.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel

from shared.events import EVENT, Event, ScoreSubmittedEvent, encode
from shared.records import Record, receive
from shared.topics import TopicName


class Row(NamedTuple):
    """A record of the log. The names of its fields are those of the columns, and their order."""

    topic: TopicName
    partition: int
    offset: int
    recorded_at: int
    """The timestamp of the record, milliseconds."""
    clock: int
    """The fold's: the largest `recorded_at` of the partition up to here."""
    key: str | None
    """Its bytes, each as one character (Latin-1): an id, `$log` or `$season`."""
    event_type: str | None = None
    """The name on the wire. None: the record is no event; see `raw`."""
    event_id: str | None = None
    source: str | None = None
    subject: str | None = None
    time: datetime | None = None
    """When the writer says it happened. Information only."""
    dataschema: str | None = None
    actor: str | None = None
    causation: str | None = None
    attempt: str | None = None
    catalogue: int | None = None
    """The newest offset of the boards topic that the writer knew."""
    traceparent: str | None = None
    player_id: str | None = None
    game_mode: str | None = None
    score: int | None = None
    metadata: str | None = None
    """JSON, as are `attributes` and `data`."""
    attributes: str | None = None
    registered_only: bool | None = None
    target: str | None = None
    """The `event_id` that is revoked or restored."""
    reason: str | None = None
    board_id: str | None = None
    season: str | None = None
    data: str | None = None
    """The fact, whole; None for a ScoreSubmitted, which the columns above say all of."""
    raw: str | None = None
    """The bytes of a record that this build does not take for an event, as `key` has them; None: no bytes either."""


SCORE: tuple[None, ...] = (None,) * 6
OTHERS: tuple[None, ...] = (None,) * 6
"""Columns of which a score says nothing, and a fact that is none."""


def row_of(topic: TopicName, record: Record, clock: int) -> Row:
    """The row of a record; `clock` includes it."""
    _, event, unknown = receive(record)
    at = topic, record.partition, record.offset, record.timestamp, clock, _text(record.key)
    if event is None:
        return Row(*at, event_type=unknown)._replace(raw=_text(record.value))
    envelope = (
        event.type,
        event.id,
        event.source,
        event.subject,
        event.time,
        event.dataschema,
        event.actor,
        event.causation,
        event.attempt,
        event.catalogue,
        event.traceparent,
    )
    if isinstance(event, ScoreSubmittedEvent):
        fact = event.data
        score = fact.player_id, fact.game_mode, fact.score, _json(fact.metadata), _json(fact.attributes)
        return Row._make((*at, *envelope, *score, fact.registered_only, *OTHERS))
    named = _named(event.data) | {"data": event.data.model_dump_json(exclude_none=True)}
    return Row._make((*at, *envelope, *SCORE, *OTHERS))._replace(**named)


def record_of(row: Mapping[str, Any]) -> tuple[bytes | None, bytes | None]:
    """Key and value of the record that a row is of; `time` may be text. Raises ValidationError for a row that is none.

    The value is the same event, written as this build writes it; where it is no event, the same bytes.
    """
    key, raw = row["key"], row["raw"]
    value = raw.encode("latin-1") if raw is not None else None
    if value is None and row["event_type"] is not None:
        value = encode(event_of(row))
    return key.encode("latin-1") if key is not None else None, value


def event_of(row: Mapping[str, Any]) -> Event:
    """The event of a row whose `event_type` is set and whose `raw` is not. Raises ValidationError."""
    fact = orjson.loads(row["data"]) if row["data"] is not None else _score(row)
    envelope = {name: row[name] for name in ENVELOPE if row[name] is not None}
    return EVENT.validate_python(envelope | {"id": row["event_id"], "type": row["event_type"], "data": fact})


ENVELOPE = (
    "source",
    "subject",
    "time",
    "dataschema",
    "actor",
    "causation",
    "attempt",
    "catalogue",
    "traceparent",
)


def _score(row: Mapping[str, Any]) -> dict[str, Any]:
    bags = {name: orjson.loads(row[name]) for name in ("metadata", "attributes") if row[name] is not None}
    said = {name: row[name] for name in ("player_id", "game_mode", "score", "registered_only")}
    return {name: value for name, value in said.items() if value is not None} | bags


def _named(fact: BaseModel) -> dict[str, Any]:
    """What a fact other than a score says in columns of its own, beside `data`."""
    board = getattr(fact, "board", None)
    return {
        "player_id": getattr(fact, "player_id", None),
        "target": getattr(fact, "event_id", None),
        "reason": getattr(fact, "reason", None),
        "board_id": board.board_id if board is not None else getattr(fact, "board_id", None),
        "season": getattr(fact, "season", None),
    }


def _json(value: object) -> str | None:
    return orjson.dumps(value).decode() if value is not None else None


def _text(value: bytes | None) -> str | None:
    return value.decode("latin-1") if value is not None else None
