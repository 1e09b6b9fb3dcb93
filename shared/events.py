"""Every fact in the log, and the envelope that carries it: CloudEvents 1.0 in JSON. Pure.

The names on the wire (`leaderboard.ScoreSubmitted.v1`) are for ever; the classes may be renamed.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.boards import Board, BoardId, GameMode
from shared.identity import PlayerId
from shared.numbers import LARGEST, Integer

OWN_TYPES = "leaderboard."
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
"""Times that are also times in UTC: with an offset there are others."""
LARGEST_METADATA = 1024
"""Bytes of JSON."""


def _check_metadata(value: dict[str, Any]) -> dict[str, Any]:
    """Only what Postgres and every JSON reader can hold: anything else would stop the projector."""
    try:
        text = orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"not representable: {error}") from error
    if len(text) > LARGEST_METADATA:
        raise ValueError(f"{len(text)} bytes of JSON; at most {LARGEST_METADATA}")
    if rb"\u0000" in text:
        raise ValueError("the character U+0000 cannot be stored")
    return value


Metadata = Annotated[dict[str, Any], AfterValidator(_check_metadata)]
Attributes = Annotated[dict[str, str], Field(max_length=16), AfterValidator(_check_metadata)]
Printable = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\x20-\x7e]+$")]
EventId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Reason = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""A code such as `cheating`, no free text: the log is for ever."""
Username = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]


class Fact(BaseModel):
    """Something that happened. New fields need a new version of the wire name: extras are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LogCreated(Fact):
    """The first record of every partition: names the log's incarnation."""

    incarnation: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    topic: str


class ScoreSubmitted(Fact):
    """A player reached a score in a game mode."""

    player_id: PlayerId
    game_mode: GameMode
    score: Integer
    metadata: Metadata | None = None
    registered_only: Literal[True] | None = None
    """The policy in force when the command was taken: refuse a player who is not registered."""
    attributes: Attributes | None = None
    """Of the player's profile as it was known then, those that a board of this mode asks for. New in v2."""


class ScoreRevoked(Fact):
    """A submission does not count, whether it is in the log already or comes later."""

    player_id: PlayerId
    event_id: EventId
    reason: Reason


class ScoreRestored(Fact):
    """A revoked submission counts after all."""

    player_id: PlayerId
    event_id: EventId
    reason: Reason


class PlayerRegistered(Fact):
    """A player was made known before any score."""

    player_id: PlayerId


class PlayerBanned(Fact):
    """Gone from every board, past seasons too, and what the player submits is refused."""

    player_id: PlayerId
    reason: Reason


class PlayerReinstated(Fact):
    """Back on every board, from the player's own sessions."""

    player_id: PlayerId
    reason: Reason


class PlayerErased(Fact):
    """Everything personal is forgotten; nobody submits under this id again."""

    player_id: PlayerId
    entries: Literal["anonymous", "removed"]
    """Whether the player's rows stay on the boards, without a name, or go."""


class PlayerProfileSet(Fact):
    """What a player is called and labelled as, whole: the newest one a player counts."""

    player_id: PlayerId
    username: Username
    attributes: Attributes = {}


class BoardDefined(Fact):
    """A board exists from this record of the catalogue on."""

    board: Board


class BoardRevised(Fact):
    """A board has a new definition from this record of the catalogue on, if nobody else was faster."""

    board: Board
    expected_revision: Annotated[int, Field(strict=True, ge=1)]


class BoardRetired(Fact):
    """A board takes no scores any more; it can be read for ever."""

    board_id: BoardId
    expected_revision: Annotated[int, Field(strict=True, ge=1)]


class SeasonEnded(Fact):
    """The season is over in this partition: said in each, so that idle ones learn the time as well."""

    board_id: BoardId
    season: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")]


class SeasonClosed(Fact):
    """The results of a season. In a topic of its own, at least once, by the same id: build prizes on it.

    Derived: whoever folds the log gets the same.
    """

    board_id: BoardId
    season: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")]
    kind: Literal["closed", "corrected"]
    """closed: as it ended, once. corrected: after a revocation, a ban or the like, each time."""
    players: Annotated[int, Field(strict=True, ge=0)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the standings; see shared.ranking.digest_line."""
    cut: str
    """The position in the log that the standings are of."""


class RecordVoided(Fact):
    """An operator has decided that one record, at which the fold had stopped, does not count."""

    topic: Literal["events", "players"]
    partition: Annotated[int, Field(strict=True, ge=0)]
    offset: Annotated[int, Field(strict=True, ge=0)]


class Envelope(BaseModel):
    """CloudEvents 1.0 attributes, and this project's extensions (from `actor` on)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: EventId
    """With the subject, the identity of the command: a retry has the same."""
    source: Printable
    type: str
    subject: Printable
    time: Annotated[AwareDatetime, Field(ge=FIRST, le=LAST)]
    """When the writer says it happened. Information only: the fold uses the record's timestamp."""
    dataschema: Printable
    datacontenttype: Literal["application/json"] = "application/json"
    actor: Printable
    """Who asked for it, such as `player:ann` or `system:init`."""
    causation: Printable | None = None
    """The id of what brought this about, where it was another event or request."""
    attempt: Printable | None = None
    """The id of the one HTTP request that wrote this record: whom the outcome is for."""
    catalogue: Annotated[int, Field(strict=True, ge=-1, le=LARGEST)] = -1
    """The newest offset of the boards topic that the writer knew."""
    traceparent: Printable | None = None
    """W3C trace context."""


class LogCreatedEvent(Envelope):
    type: Literal["leaderboard.LogCreated.v1"] = "leaderboard.LogCreated.v1"
    data: LogCreated


class ScoreSubmittedEvent(Envelope):
    type: Literal["leaderboard.ScoreSubmitted.v2", "leaderboard.ScoreSubmitted.v1"] = "leaderboard.ScoreSubmitted.v2"
    """v2 adds only what may be left out: a v1 is a v2."""
    data: ScoreSubmitted


class PlayerRegisteredEvent(Envelope):
    type: Literal["leaderboard.PlayerRegistered.v1"] = "leaderboard.PlayerRegistered.v1"
    data: PlayerRegistered


class PlayerProfileSetEvent(Envelope):
    type: Literal["leaderboard.PlayerProfileSet.v1"] = "leaderboard.PlayerProfileSet.v1"
    data: PlayerProfileSet


class BoardDefinedEvent(Envelope):
    type: Literal["leaderboard.BoardDefined.v2", "leaderboard.BoardDefined.v1"] = "leaderboard.BoardDefined.v2"
    """v2 adds only what may be left out: a v1 is a v2."""
    data: BoardDefined


class RecordVoidedEvent(Envelope):
    type: Literal["leaderboard.RecordVoided.v1"] = "leaderboard.RecordVoided.v1"
    data: RecordVoided


class ScoreRevokedEvent(Envelope):
    type: Literal["leaderboard.ScoreRevoked.v1"] = "leaderboard.ScoreRevoked.v1"
    data: ScoreRevoked


class ScoreRestoredEvent(Envelope):
    type: Literal["leaderboard.ScoreRestored.v1"] = "leaderboard.ScoreRestored.v1"
    data: ScoreRestored


class PlayerBannedEvent(Envelope):
    type: Literal["leaderboard.PlayerBanned.v1"] = "leaderboard.PlayerBanned.v1"
    data: PlayerBanned


class PlayerReinstatedEvent(Envelope):
    type: Literal["leaderboard.PlayerReinstated.v1"] = "leaderboard.PlayerReinstated.v1"
    data: PlayerReinstated


class PlayerErasedEvent(Envelope):
    type: Literal["leaderboard.PlayerErased.v1"] = "leaderboard.PlayerErased.v1"
    data: PlayerErased


class BoardRevisedEvent(Envelope):
    type: Literal["leaderboard.BoardRevised.v1"] = "leaderboard.BoardRevised.v1"
    data: BoardRevised


class BoardRetiredEvent(Envelope):
    type: Literal["leaderboard.BoardRetired.v1"] = "leaderboard.BoardRetired.v1"
    data: BoardRetired


class SeasonEndedEvent(Envelope):
    type: Literal["leaderboard.SeasonEnded.v1"] = "leaderboard.SeasonEnded.v1"
    data: SeasonEnded


class SeasonClosedEvent(Envelope):
    type: Literal["leaderboard.SeasonClosed.v1"] = "leaderboard.SeasonClosed.v1"
    data: SeasonClosed


Event: TypeAlias = (
    LogCreatedEvent
    | ScoreSubmittedEvent
    | PlayerRegisteredEvent
    | PlayerProfileSetEvent
    | BoardDefinedEvent
    | RecordVoidedEvent
    | ScoreRevokedEvent
    | ScoreRestoredEvent
    | PlayerBannedEvent
    | PlayerReinstatedEvent
    | PlayerErasedEvent
    | BoardRevisedEvent
    | BoardRetiredEvent
    | SeasonEndedEvent
    | SeasonClosedEvent
)
EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])

EVENTS: dict[type[Fact], type[Event]] = {
    LogCreated: LogCreatedEvent,
    ScoreSubmitted: ScoreSubmittedEvent,
    PlayerRegistered: PlayerRegisteredEvent,
    PlayerProfileSet: PlayerProfileSetEvent,
    BoardDefined: BoardDefinedEvent,
    RecordVoided: RecordVoidedEvent,
    ScoreRevoked: ScoreRevokedEvent,
    ScoreRestored: ScoreRestoredEvent,
    PlayerBanned: PlayerBannedEvent,
    PlayerReinstated: PlayerReinstatedEvent,
    PlayerErased: PlayerErasedEvent,
    BoardRevised: BoardRevisedEvent,
    BoardRetired: BoardRetiredEvent,
    SeasonEnded: SeasonEndedEvent,
    SeasonClosed: SeasonClosedEvent,
}


class Undecodable(ValueError):
    """Bytes that are no valid event. Whoever wrote them, they count as refused."""


class UnknownEventType(Exception):
    """A `leaderboard.*` type that this build does not know: it is older than the writer. Stop."""


def wrap(
    fact: Fact,
    *,
    event_id: str,
    subject: str,
    source: str,
    actor: str,
    time: datetime | None = None,
    attempt: str | None = None,
    causation: str | None = None,
    catalogue: int = -1,
    traceparent: str | None = None,
) -> Event:
    """Put a fact into its envelope. `time` defaults to the present."""
    kind = EVENTS[type(fact)]
    name: str = kind.model_fields["type"].default
    return kind.model_validate(
        {
            "id": event_id,
            "source": source,
            "subject": subject,
            "time": time or datetime.now(UTC),
            "dataschema": f"urn:leaderboard:schema:{name.removeprefix(OWN_TYPES)}",
            "actor": actor,
            "causation": causation,
            "attempt": attempt,
            "catalogue": catalogue,
            "traceparent": traceparent,
            "data": fact,
        }
    )


def encode(event: Event) -> bytes:
    """The bytes of an event on the wire: attributes that are not set are left out."""
    return event.model_dump_json(exclude_none=True).encode()


def decode(value: bytes | None) -> Event:
    """Read an event. Raises Undecodable, or UnknownEventType for an own type of a newer build."""
    if value is None:
        raise Undecodable("no value")
    try:
        return EVENT.validate_json(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        tag = str(first.get("ctx", {}).get("tag", ""))
        if first["type"] == "union_tag_invalid" and tag.startswith(OWN_TYPES):
            raise UnknownEventType(tag) from error
        raise Undecodable(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
