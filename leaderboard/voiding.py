"""`leaderboard log void`: passing a record at which the fold has stopped, by a fact in the catalogue."""

from leaderboard.tailing import line
from shared.appender import open_appender
from shared.catalogue import Catalogue
from shared.catalogue_log import CatalogueLog
from shared.events import RecordVoided, encode, wrap
from shared.identity import event_id_of
from shared.log import LogUnavailable, open_reader
from shared.postgres import open_connection
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings
from shared.topics import Place

NAME = "log-void"
SOURCE = "urn:leaderboard:log-void"
ACTOR = "system:operator"
APPEND_TIMEOUT = 10.0
TURNS = 20
"""Reads of half a second until the record has to be there."""
STOPPED = "select next_offset, stopped from checkpoints where topic = $1 and partition = $2"


class NotStopped(Exception):
    """No partition has stopped there: to void a record that counts already would make two folds differ."""


async def look(
    kafka: KafkaSettings, postgres: PostgresSettings, naming: NamingSettings, place: Place, offset: int
) -> str:
    """Why the partition stopped, and the record. Raises NotStopped, LogUnavailable."""
    reason = await _require_stopped(postgres, naming, place, offset)
    async with open_reader(kafka, naming, NAME) as reader:
        reader.assign({place: offset})
        for _ in range(TURNS):
            for _, record in await reader.read(limit=1, wait_ms=500):
                return f"stopped at {reason}\n{line(record)}"
    raise LogUnavailable(f"{place[0]}/{place[1]}: offset {offset} could not be read")


async def void_record(
    kafka: KafkaSettings, postgres: PostgresSettings, naming: NamingSettings, place: Place, offset: int
) -> str:
    """Append `RecordVoided` to the catalogue; what to expect next. Raises NotStopped, LogUnavailable."""
    await _require_stopped(postgres, naming, place, offset)
    name = f"{place[0]}/{place[1]}/{offset}"
    catalogue = await CatalogueLog(kafka, naming, NAME).read(Catalogue())
    event = wrap(
        RecordVoided.model_validate({"topic": place[0], "partition": place[1], "offset": offset}),
        event_id=event_id_of(name, "void"),
        subject=name,
        source=SOURCE,
        actor=ACTOR,
        catalogue=catalogue.newest,
    )
    async with open_appender(kafka, naming, NAME) as appender:
        await appender.append("boards", name.encode(), encode(event), timeout=APPEND_TIMEOUT)
    return f"{name} is void; its partition goes on within seconds"


async def _require_stopped(postgres: PostgresSettings, naming: NamingSettings, place: Place, offset: int) -> str:
    async with open_connection(postgres, NAME, schema=naming.schema_name) as connection:
        row = await connection.fetchrow(STOPPED, *place)
    if row is None:
        raise NotStopped(f"{place[0]} has no partition {place[1]}")
    if row["next_offset"] != offset or not (row["stopped"] or "").startswith(f"offset {offset}: "):
        state = f"stopped at {row['stopped']}" if row["stopped"] else f"going on at {row['next_offset']}"
        raise NotStopped(f"{place[0]}/{place[1]} has not stopped at offset {offset}: it is {state}")
    return str(row["stopped"])
