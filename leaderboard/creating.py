"""`leaderboard init`: topics, tables and boards. Doing it again changes nothing."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from projector.schema import migrate
from shared.appender import Appender, open_appender
from shared.boards import DEFAULT_BOARDS, Board
from shared.catalogue import Catalogue
from shared.catalogue_log import CatalogueLog
from shared.events import BoardDefined, LogCreated, encode, wrap
from shared.identity import event_id_of
from shared.incarnation import read_incarnations
from shared.log import LogUnavailable, Reader, connection_settings, open_reader, start_client
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings
from shared.topics import LARGEST_RECORD, LOG_KEY, Topic, topic_name, topics

NAME = "init"
SOURCE = "urn:leaderboard:init"
ACTOR = "system:init"
APPEND_TIMEOUT = 10.0
PATIENCE = 60
"""Half-seconds to wait for a new topic's leaders."""
OF_THE_TOPIC = 1
"""Kafka's `DYNAMIC_TOPIC_CONFIG`: who set a setting."""


async def create(
    kafka: KafkaSettings, postgres: PostgresSettings, naming: NamingSettings, say: Callable[[str], None]
) -> None:
    """Create what is missing. Raises LogUnavailable, LogNotCreated, or what Postgres raises."""
    wanted = topics(kafka.kafka_partitions, kafka.erase_within_ms)
    async with open_admin(kafka) as admin:
        made = await _create_topics(admin, kafka, naming, wanted)
        renewed = await _renew_topics(admin, naming, [each for each in wanted if _name(naming, each) not in made])
    async with (
        open_reader(kafka, naming, NAME) as reader,
        open_appender(kafka, naming, NAME) as appender,
    ):
        for topic in wanted:
            await _name_log(kafka, naming, reader, appender, topic)
        boards = await define_boards(kafka, naming, appender, DEFAULT_BOARDS)
    tables = await migrate(postgres, naming)
    say(f"topics: {', '.join([*made, *renewed]) or 'all there'}; tables: {', '.join(tables) or 'up to date'}")
    say(f"boards defined: {', '.join(boards) or 'all there'}")


@asynccontextmanager
async def open_admin(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that may create topics. Raises LogUnavailable for all that goes wrong with it."""
    admin = AIOKafkaAdminClient(**_admin_settings(kafka))
    try:
        await start_client(admin, kafka)
        yield admin
    except (KafkaError, TimeoutError) as error:
        raise LogUnavailable(f"topics could not be created or set up: {error!r}") from error
    finally:
        await admin.close()


async def _create_topics(
    admin: AIOKafkaAdminClient, kafka: KafkaSettings, naming: NamingSettings, wanted: Iterable[Topic]
) -> list[str]:
    """Create the topics that do not exist; their names."""
    new = [
        NewTopic(
            _name(naming, topic),
            topic.partitions,
            kafka.kafka_replication,
            topic_configs={**topic.config, **topic.renewed, "max.message.bytes": str(LARGEST_RECORD)},
        )
        for topic in wanted
    ]
    answer = await asyncio.wait_for(admin.create_topics(new), APPEND_TIMEOUT)
    return [name for name, code, reason in answer.topic_errors if _created(name, code, reason)]


async def _renew_topics(admin: AIOKafkaAdminClient, naming: NamingSettings, there: Iterable[Topic]) -> list[str]:
    """Bring the settings that follow ours up to date on topics that are there; what was changed."""
    changed = list[str]()
    for topic in (topic for topic in there if topic.renewed):
        name = _name(naming, topic)
        found = await _own_settings(admin, name)
        if found | topic.renewed != found:
            # Kafka drops what is not named here, so what an operator has set goes in again.
            resource = ConfigResource(ConfigResourceType.TOPIC, name, found | topic.renewed)
            [answer] = await asyncio.wait_for(admin.alter_configs([resource]), APPEND_TIMEOUT)
            _require(name, *answer.resources[0][:2])
            changed.append(f"{name} set up anew")
    return changed


async def _own_settings(admin: AIOKafkaAdminClient, name: str) -> dict[str, str]:
    """What is set for this topic itself, without the defaults of the broker."""
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    [answer] = await asyncio.wait_for(admin.describe_configs([resource]), APPEND_TIMEOUT)
    code, reason, _, _, entries = answer.resources[0]
    _require(name, code, reason)
    return {entry[0]: entry[1] for entry in entries if entry[3] == OF_THE_TOPIC}


def _require(name: str, code: int, reason: str | None) -> None:
    if code:
        raise LogUnavailable(f"topic {name}: {for_code(code).__name__}: {reason}")


def _name(naming: NamingSettings, topic: Topic) -> str:
    return topic_name(naming.prefix, topic.name)


def _created(name: str, code: int, reason: str | None) -> bool:
    if for_code(code) is not TopicAlreadyExistsError:
        _require(name, code, reason)
    return code == 0


def _admin_settings(kafka: KafkaSettings) -> dict[str, object]:
    settings = connection_settings(kafka, f"leaderboard-{NAME}")
    return {name: value for name, value in settings.items() if name != "connections_max_idle_ms"}


async def _name_log(
    kafka: KafkaSettings, naming: NamingSettings, reader: Reader, appender: Appender, topic: Topic
) -> None:
    """Make sure that every partition begins with `LogCreated`, all of one incarnation."""
    await _await_leaders(reader, topic)
    if topic.name == "rank-changes":
        # Kept for a day only, so its beginning is soon gone; the records name the log themselves.
        end = await reader.end(topic.name)
        found = {partition: "kept" if offset else None for partition, offset in end.items()}
    else:
        found = await read_incarnations(kafka, naming, NAME, topic.name)
    incarnation = next((name for name in found.values() if name not in (None, "kept")), None) or secrets.token_hex(8)
    for partition in (partition for partition, name in found.items() if name is None):
        event = wrap(
            LogCreated(incarnation=incarnation, topic=topic.name),
            event_id=event_id_of(topic.name, f"{incarnation}/{partition}"),
            subject=topic.name,
            source=SOURCE,
            actor=ACTOR,
        )
        await appender.append(topic.name, LOG_KEY, encode(event), timeout=APPEND_TIMEOUT, partition=partition)


async def _await_leaders(reader: Reader, topic: Topic) -> None:
    for _ in range(PATIENCE):
        try:
            await reader.end(topic.name)
        except LogUnavailable:
            await asyncio.sleep(0.5)
        else:
            return
    raise LogUnavailable(f"topic {topic.name} has no leaders")


async def define_boards(
    kafka: KafkaSettings, naming: NamingSettings, appender: Appender, boards: Iterable[Board]
) -> list[str]:
    """Define those whose id no board has yet; their ids. Raises LogUnavailable."""
    catalogue = await CatalogueLog(kafka, naming, NAME).read(Catalogue())
    missing = [board for board in boards if catalogue.board(board.board_id) is None]
    for board in missing:
        event = wrap(
            BoardDefined(board=board),
            event_id=event_id_of(board.board_id, f"define/{board.revision}"),
            subject=board.board_id,
            source=SOURCE,
            actor=ACTOR,
            catalogue=catalogue.newest,
        )
        await appender.append("boards", board.board_id.encode(), encode(event), timeout=APPEND_TIMEOUT)
    return [board.board_id for board in missing]
