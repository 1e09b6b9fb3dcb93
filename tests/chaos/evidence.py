"""Reading what a run left: the journals, the whole log, the tables."""

from pathlib import Path

import asyncpg

from shared.catalogue import Catalogue
from shared.catalogue_log import CatalogueLog
from shared.events import SeasonClosedEvent
from shared.log import open_reader
from shared.records import Record, receive
from shared.seasons import ALL_TIME
from shared.settings import KafkaSettings, NamingSettings
from shared.topics import TopicName
from tests.chaos.answers import Answer, Told
from tests.chaos.checker import Counts, Evidence, Ownership, Tables
from tests.chaos.journal import read_journal
from tests.chaos.ledger import Ruled, Try
from tests.stack import System, present

NAME = "chaos"
TURNS = 600
"""Reads of at most a second before giving up on a log that says it has more."""
CHECKPOINTS = """
select partition, next_offset, applied, duplicate, conflict, refused, voided from checkpoints where topic = 'events'
"""
ENTRIES = (
    "select board_id, player_id, value, games_played from leaderboard_entries where season = $1 and value is not null"
)
OWNERSHIP = "select topic, partition, epoch, owner, from_offset from ownership_log"
RULINGS = "select player_id, event_id::text, kind, target::text from rulings"
RESULTS = "select board_id, season, digest from season_results where kind = 'closed'"
SESSIONS = "select player_id, event_id::text, outcome from game_sessions"


async def read_evidence(system: System, folder: Path) -> Evidence:
    """Everything that the checker needs. The load has to have ended, the projection to be at the end of the log."""
    kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": present(system.servers.kafka).url})
    naming = NamingSettings(prefix=system.prefix)
    return Evidence(
        catalogue=await CatalogueLog(kafka, naming, NAME).read(Catalogue()),
        log=await read_log(kafka, naming),
        ledger=read_journal(folder / "ledger.jsonl", Try),
        answers=read_journal(folder / "answers.jsonl", Answer),
        told=read_journal(folder / "told.jsonl", Told),
        rulings=read_journal(folder / "rulings.jsonl", Ruled) if (folder / "rulings.jsonl").exists() else [],
        results=[
            each.event
            for each in map(receive, await read_log(kafka, naming, "season-results"))
            if isinstance(each.event, SeasonClosedEvent)
        ],
        tables=await read_tables(present(system.servers.postgres).url, naming),
    )


async def read_log(kafka: KafkaSettings, naming: NamingSettings, topic: TopicName = "events") -> list[Record]:
    """A topic from its beginning to its present end."""
    records: list[Record] = []
    async with open_reader(kafka, naming, NAME) as reader:
        left = {partition: end for partition, end in (await reader.end(topic)).items() if end}
        reader.assign({(topic, partition): 0 for partition in left})
        for _ in range(TURNS):
            if not left:
                return records
            for _topic, record in await reader.read(limit=5_000, wait_ms=1_000):
                records.append(record)
                if record.offset + 1 >= left.get(record.partition, 0):
                    left.pop(record.partition, None)
    raise TimeoutError(f"the log could not be read to its end: {left}")


async def read_tables(url: str, naming: NamingSettings) -> Tables:
    """What the tables hold, of one snapshot."""
    connection = await asyncpg.connect(url, timeout=10, server_settings={"search_path": f'"{naming.schema_name}"'})
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            checkpoints = await connection.fetch(CHECKPOINTS)
            entries = await connection.fetch(ENTRIES, ALL_TIME)
            sessions = await connection.fetch(SESSIONS)
            ownership = await connection.fetch(OWNERSHIP)
            rulings = await connection.fetch(RULINGS)
            results = await connection.fetch(RESULTS)
    finally:
        await connection.close(timeout=5)
    return Tables(
        checkpoints={row["partition"]: Counts(*list(row)[1:]) for row in checkpoints},
        entries={(board, player): (value, games) for board, player, value, games in entries},
        sessions={(player, event): outcome for player, event, outcome in sessions},
        ownership=frozenset(Ownership(*row) for row in ownership),
        rulings={(player, event): (kind, target) for player, event, kind, target in rulings},
        results={(board, season): digest for board, season, digest in results},
    )
