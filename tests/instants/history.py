"""A history with everything in it: boards of all kinds, retries, conflicts, rulings, erased players, voided records."""

import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet as parquet

from analysis.columns import Row, row_of
from shared.appender import partition_of
from shared.boards import Board
from shared.events import (
    BoardDefined,
    Fact,
    LogCreated,
    PlayerBanned,
    PlayerErased,
    PlayerRegistered,
    PlayerReinstated,
    RecordVoided,
    ScoreRestored,
    ScoreRevoked,
    ScoreSubmitted,
    encode,
    wrap,
)
from shared.identity import event_id_of
from shared.records import Record
from shared.topics import LOG_KEY, TopicName

PARTITIONS = 4
BEGAN = 1_756_684_800_000
"""2025-09-01, a Monday, UTC."""
LASTS = 40 * 24 * 3_600_000
INCARNATION = "00000000000000aa"


def _board(board_id: str, operator: str, order: str, **more: object) -> Board:
    fields = {"board_id": board_id, "title": "t", "game_modes": ["m"], "operator": operator, "order": order}
    return Board.model_validate({**fields, **more}, strict=False)


BOARDS = (
    _board("every", "sum", "desc", minimum=-1_000_000),
    _board("best", "best", "desc", ties="shared"),
    _board("least", "best", "asc", ties="dense", maximum=60),
    _board("latest", "latest", "desc", game_modes=["m", "n"]),
    _board("count", "count", "desc", game_modes=["n", "m"], ties="dense"),
    _board("three", "sum", "desc", max_attempts=3, reset="weekly"),
    _board("day", "best", "desc", reset="daily"),
    _board("month", "sum", "desc", reset="monthly", minimum=-10, maximum=500, ties="shared"),
    _board("phones", "sum", "desc", where={"metadata.platform": ["ios", "android"]}),
    _board("cup", "best", "desc", starts_at=BEGAN + LASTS // 4, ends_at=BEGAN + LASTS // 2, max_attempts=5),
    _board("late", "sum", "desc"),
)
"""`late` is defined when a third of the events are written."""
KNOWN_LATE = len(BOARDS)


def records(seed: int, events: int) -> tuple[list[Record], list[Record]]:
    """The boards topic and the events topic, each partition in its order."""
    chance = random.Random(seed)
    offsets = dict.fromkeys(range(PARTITIONS), 0)
    made: list[Record] = []

    def append(partition: int, at: int, key: bytes, value: bytes | None) -> None:
        made.append(Record(partition, offsets[partition], at, key, value))
        offsets[partition] += 1

    for partition in range(PARTITIONS):
        append(partition, BEGAN, LOG_KEY, _created("events"))
    at = BEGAN
    for number in range(events):
        at += chance.choice((0, chance.randrange(4 * LASTS // events)))
        player, fact, key = _happened(chance)
        catalogue = KNOWN_LATE if number > events // 3 else KNOWN_LATE - 1
        value = _bytes(fact, player, key, catalogue) if chance.random() > 0.01 else b"no event"
        # Now and then a broker's clock goes back: the fold's does not.
        append(partition_of(player.encode(), PARTITIONS), at - chance.choice((0, 0, 0, 60_000)), player.encode(), value)
    voided = [each for each in chance.sample(made, 20) if each.offset]
    return list(_catalogue(voided)), made


def _happened(chance: random.Random) -> tuple[str, Fact, str]:
    player = f"p{int(chance.paretovariate(0.6)) % 300}"
    key = f"k{chance.randrange(400)}"
    target = event_id_of(player, f"k{chance.randrange(400)}")
    kind = chance.random()
    if kind < 0.9:
        return player, _score(chance, player), key
    fact: Fact = chance.choice(
        [
            ScoreRevoked(player_id=player, event_id=target, reason="cheating"),
            ScoreRevoked(player_id=player, event_id=target, reason="cheating"),
            ScoreRestored(player_id=player, event_id=target, reason="mistake"),
            PlayerBanned(player_id=player, reason="cheating"),
            PlayerReinstated(player_id=player, reason="appeal"),
            PlayerReinstated(player_id=player, reason="appeal"),
            PlayerRegistered(player_id=player),
        ]
    )
    if kind > 0.9995:
        fact = PlayerErased(player_id=player, entries=chance.choice(["anonymous", "removed"]))
    return player, fact, f"ruling-{chance.randrange(100_000)}"


def _score(chance: random.Random, player: str) -> ScoreSubmitted:
    platform = chance.choice(["ios", "android", "web", None])
    return ScoreSubmitted(
        player_id=player,
        game_mode=chance.choice(["m", "m", "m", "n", "unknown"]),
        score=chance.choice((chance.randrange(-20, 100), chance.randrange(1, 9), int(chance.paretovariate(0.5) % 1e6))),
        metadata={"platform": platform} if platform else None,
        registered_only=True if chance.random() < 0.1 else None,
    )


def _catalogue(voided: list[Record]) -> Iterator[Record]:
    yield Record(0, 0, BEGAN, LOG_KEY, _created("boards"))
    for offset, board in enumerate(BOARDS, 1):
        value = _bytes(BoardDefined(board=board), board.board_id, "define", -1)
        yield Record(0, offset, BEGAN, board.board_id.encode(), value)
    for offset, each in enumerate(voided, 1 + len(BOARDS)):
        name = f"events/{each.partition}/{each.offset}"
        fact = RecordVoided(topic="events", partition=each.partition, offset=each.offset)
        yield Record(0, offset, BEGAN + LASTS, name.encode(), _bytes(fact, name, "void", -1))


def _created(topic: str) -> bytes:
    return _bytes(LogCreated(incarnation=INCARNATION, topic=topic), topic, INCARNATION, -1)


def _bytes(fact: Fact, subject: str, key: str, catalogue: int) -> bytes:
    event = wrap(
        fact, event_id=event_id_of(subject, key), subject=subject, source="test", actor="test", catalogue=catalogue
    )
    return encode(event)


def write_export(folder: Path, topic: TopicName, log: list[Record]) -> None:
    """The files that an export of these records has."""
    by_file: dict[tuple[int, str], list[Row]] = {}
    clocks: dict[int, int] = {}
    for record in log:
        clock = clocks[record.partition] = max(clocks.get(record.partition, 0), record.timestamp)
        day = str(arrow.scalar(clock, arrow.timestamp("ms")).as_py().date())
        by_file.setdefault((record.partition, day), []).append(row_of(topic, record, clock))
    for (partition, day), rows in by_file.items():
        file = folder / topic / f"day={day}" / f"{partition}-{rows[0].offset}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        columns = dict(zip(Row._fields, zip(*rows, strict=True), strict=True))
        parquet.write_table(arrow.table({name: arrow.array(columns[name], _type(name)) for name in columns}), file)


def _type(name: str) -> arrow.DataType:
    moment = arrow.timestamp("ms", "UTC")
    times = {"recorded_at": moment, "clock": moment, "time": arrow.timestamp("us", "UTC")}
    integers = dict.fromkeys(("partition", "offset", "catalogue", "score"), arrow.int64())
    return {**times, **integers, "registered_only": arrow.bool_()}.get(name, arrow.string())
