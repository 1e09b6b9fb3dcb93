"""Rows of a file as records, on disk, apart by partition and in the order of time: memory may not hold all."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as arrow
import pyarrow.parquet as parquet

from analysis.mapping import Item

SCHEMA = arrow.schema({"line": arrow.int64(), "key": arrow.binary(), "value": arrow.binary(), "at": arrow.int64()})
AT_A_TIME = 5_000
"""Rows that are kept in memory of each partition."""
MEMORY = "256MB"
"""For sorting; more goes to disk."""
SORT = """
copy (select key, value, "at" from read_parquet('{unsorted}') order by "at", line)
to '{ordered}' (format parquet, row_group_size 5000)
"""


@dataclass(slots=True)
class Staging:
    """Where records gather until all rows are read."""

    folder: Path
    counts: dict[int, int] = field(default_factory=dict)
    """Records by partition."""
    first: int | None = None
    """The earliest time."""
    last: int = 0
    _gathered: dict[int, list[tuple[int, Item]]] = field(default_factory=dict)
    _writers: dict[int, parquet.ParquetWriter] = field(default_factory=dict)

    def put(self, partition: int, line: int, item: Item) -> None:
        """One record, of a line."""
        self.counts[partition] = self.counts.get(partition, 0) + 1
        self.first = item.at if self.first is None else min(self.first, item.at)
        self.last = max(self.last, item.at)
        gathered = self._gathered.setdefault(partition, [])
        gathered.append((line, item))
        if len(gathered) >= AT_A_TIME:
            self._write(partition)

    def sort(self) -> None:
        """All rows are read: bring each partition into the order of time, rows of one time in that of the file."""
        for partition in self.counts:
            self._write(partition)
            self._writers.pop(partition).close()
            with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(self.folder)}) as database:
                database.execute(SORT.format(unsorted=self._file(partition, "rows"), ordered=self._file(partition)))
            self._file(partition, "rows").unlink()

    def items(self, partition: int) -> Iterator[Item]:
        """The records of a partition, in order."""
        if not self.counts.get(partition):
            return
        with parquet.ParquetFile(self._file(partition)) as opened:
            for batch in opened.iter_batches(batch_size=AT_A_TIME):
                columns: Mapping[str, list[object]] = batch.to_pydict()
                yield from map(Item, columns["key"], columns["value"], columns["at"])  # type: ignore[arg-type]

    def _write(self, partition: int) -> None:
        rows = self._gathered.pop(partition, [])
        if partition not in self._writers:
            self._writers[partition] = parquet.ParquetWriter(self._file(partition, "rows"), SCHEMA)
        if rows:
            columns = zip(*((line, *item) for line, item in rows), strict=True)
            self._writers[partition].write_table(arrow.table(list(map(list, columns)), schema=SCHEMA))

    def _file(self, partition: int, kind: str = "ordered") -> Path:
        return self.folder / f"{partition}-{kind}.parquet"


@contextmanager
def staged() -> Iterator[Staging]:
    """A folder for a while, in the system's own place for such."""
    folder = Path(tempfile.mkdtemp(prefix="leaderboard-import-"))
    try:
        yield Staging(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
