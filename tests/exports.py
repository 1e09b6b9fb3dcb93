"""Exported logs for tests, made of records, without a server."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa

from analysis.blocks import path_of
from analysis.columns import row_of
from analysis.formats import batch_of, write
from shared.boards import Board
from shared.events import BoardDefined
from shared.records import Record
from shared.topics import TopicName
from tests.builders import NOW, fact_bytes, log_created_bytes


def board_records(boards: Iterable[Board], first: int = 1) -> list[Record]:
    """`LogCreated` and a definition of each board, the first at offset 1."""
    created = Record(0, 0, NOW - 1, b"$log", log_created_bytes())
    facts = [(board.board_id, BoardDefined(board=board)) for board in boards]
    made = [(key.encode(), fact_bytes(fact, f"define-{key}", subject=key)) for key, fact in facts]
    return [created, *(Record(0, offset, NOW - 1, *each) for offset, each in enumerate(made, first))]


def write_export(folder: Path, topic: TopicName, records: Sequence[Record]) -> None:
    """The files of one partition as `leaderboard export` writes them, one a day."""
    clock, days = 0, dict[Path, list[Record]]()
    clocks = dict[int, int]()
    for record in records:
        clock = clocks[record.offset] = max(clock, record.timestamp)
        path = path_of(topic, record.partition, 0, clock, "parquet")
        days.setdefault(path, []).append(record)
    for path, held in days.items():
        file = folder / path.with_name(f"{held[0].partition}-{held[0].offset:015d}.parquet")
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = [row_of(topic, record, clocks[record.offset]) for record in held]
        write(pa.Table.from_batches([batch_of(rows)]), file, "parquet")
