"""An exported log (Parquet), to be folded as the live one is."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet
from pydantic import ValidationError

from analysis.columns import event_of, record_of
from analysis.replaying import NotReplayed
from shared.catalogue import Catalogue, fold_catalogue
from shared.events import LogCreatedEvent
from shared.positions import Position
from shared.records import Received, Record, receive
from shared.topics import TopicName

AT_A_TIME = 5_000
"""Rows."""
CLOCKS = ("recorded_at", "clock")


@dataclass(frozen=True, slots=True)
class ExportedLog:
    """The files of `leaderboard export` in a folder."""

    files: dict[int, list[Path]]
    """Partition of the events topic → its files, in order."""
    end: Position
    catalogue: Catalogue

    async def until(self, instant: int) -> Position:
        """By the column `clock`."""
        found = {partition: _until(files, instant) for partition, files in self.files.items()}
        return Position(self.end.incarnation, found)

    async def read(self, partition: int, end: int) -> AsyncIterator[list[Received]]:
        """From its files."""
        for rows in read_rows(self.files[partition]):
            yield [received_of(row) for row in rows if row["offset"] < end]
            if rows and rows[-1]["offset"] >= end - 1:
                return


def open_exported(folder: Path) -> ExportedLog:
    """The whole log that was exported to a folder. Raises NotReplayed where it is not whole."""
    files = files_of(folder, "events")
    if not files:
        raise NotReplayed(f"{folder} holds no events/day=*/*.parquet: `leaderboard export` writes them")
    offsets = {partition: _check(partition, held) for partition, held in files.items()}
    [first] = next(iter(read_rows(files[min(files)], 1)))[:1]
    event = received_of(first).event
    if not isinstance(event, LogCreatedEvent):
        raise NotReplayed(f"{folder} does not begin with the beginning of the log: export it whole")
    boards = files_of(folder, "boards").get(0, [])
    if not boards:
        raise NotReplayed(f"{folder} holds no boards: export the log whole")
    _check(0, boards)
    catalogue = fold_catalogue(Catalogue(), (record_at(row) for rows in read_rows(boards) for row in rows))
    return ExportedLog(files, Position(event.data.incarnation, offsets), catalogue)


def files_of(folder: Path, topic: TopicName) -> dict[int, list[Path]]:
    """Partition → its files, in order of offset."""
    found: dict[int, list[tuple[int, Path]]] = {}
    for file in folder.glob(f"{topic}/day=*/*.parquet"):
        partition, _, first = file.stem.partition("-")
        found.setdefault(int(partition), []).append((int(first), file))
    return {partition: [file for _, file in sorted(held)] for partition, held in sorted(found.items())}


def read_rows(files: list[Path], size: int = AT_A_TIME) -> Iterator[list[dict[str, Any]]]:
    """Rows in order, some at a time; times as milliseconds."""
    for file in files:
        with parquet.ParquetFile(file) as opened:
            for batch in opened.iter_batches(batch_size=size):
                table = arrow.Table.from_batches([batch])
                for name in CLOCKS:
                    column = table.column_names.index(name)
                    table = table.set_column(column, name, table[name].cast(arrow.int64()))
                yield table.to_pylist()


def received_of(row: dict[str, Any]) -> Received:
    """A row of an export as the record that it is of, decoded. Raises NotReplayed."""
    if row["raw"] is not None or row["event_type"] is None:
        return receive(_record(row, row["raw"].encode("latin-1") if row["raw"] is not None else None))
    try:
        return Received(_record(row, None), event_of(row))
    except ValidationError as error:
        raise NotReplayed(f"{row['topic']}/{row['partition']} offset {row['offset']} is no row of an export") from error


def _record(row: dict[str, Any], value: bytes | None) -> Record:
    key = row["key"].encode("latin-1") if row["key"] is not None else None
    return Record(row["partition"], row["offset"], row["recorded_at"], key, value)


def record_at(row: dict[str, Any]) -> Record:
    """A row of an export as the record that it is of."""
    return _record(row, record_of(row)[1])


def rows_in(files: list[Path]) -> int:
    """How many rows files have."""
    return sum(parquet.read_metadata(file).num_rows for file in files)


def _check(partition: int, files: list[Path]) -> int:
    """The next offset of a partition whose records are all there. Raises NotReplayed."""
    rows = rows_in(files)
    [*_, last] = parquet.read_table(files[-1], columns=["offset"])["offset"].to_pylist()
    first = int(files[0].stem.partition("-")[2])
    if first != 0 or last + 1 != rows:
        raise NotReplayed(f"partition {partition}: {rows} rows from {first} to {last}: export the log whole")
    return rows


def _until(files: list[Path], instant: int) -> int:
    """How many rows have a clock up to an instant; they are the first."""
    count = 0
    for file in files:
        clocks = parquet.read_table(file, columns=["clock"])["clock"].cast(arrow.int64())
        count += compute.sum(compute.less_equal(clocks, instant)).as_py() or 0
    return count
